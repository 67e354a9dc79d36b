"""The format of the log: readable lines on a terminal, one JSON object on each line elsewhere."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.request_log import RequestLine, RequestLines
from roadstead.plain import plain


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object with `time`, `level`, `logger`, `message`, and more where it applies."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, RequestLines):
            return "\n".join(msgspec.json.encode(line).decode() for line in record.msg.lines)
        line = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if named := request_id.CURRENT.get():
            line["request_id"] = named
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, separators=(",", ":"))


class ReadableFormatter(logging.Formatter):
    """Formats a record as a line that begins with the time and ends with the request's id; a traceback follows."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.msg, RequestLines):
            return "\n".join(map(self._request, record.msg.lines))
        named = request_id.CURRENT.get()
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {plain(record.getMessage())}"
        line = f"{line} [{named}]" if named else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def _request(self, line: RequestLine) -> str:
        time = f"{line.time.astimezone():%Y-%m-%d %H:%M:%S},{line.time.microsecond // 1000:03d}"
        caller = f" {line.app} in {line.workspace}" if line.app else ""
        return f"{time} {line.level} {line.logger}: {plain(line.message + caller)} [{line.request_id}]"


def configuration() -> dict[str, Any]:
    """Return the argument of `logging.config.dictConfig`; everything goes to stderr."""
    formatter = ReadableFormatter if sys.stderr.isatty() else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "roadstead.requests": {"level": "INFO"},
            # Warnings about strangers' input would let anyone fill the log.
            **{name: {"level": "ERROR"} for name in ("uvicorn.error", "python_multipart")},
        },
    }
