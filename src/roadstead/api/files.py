"""Answers with the content of a file: conditional, whole or a range, and harmless to a browser that shows them."""

import re

from starlette.requests import Request

from roadstead.api.answers import Answer
from roadstead.api.errors import RequestRefused
from roadstead.api.streams import Stream
from roadstead.domain.repositories.content import Content

_RANGE = re.compile(r"bytes=(?=\d|-\d)([0-9]{0,18})-([0-9]{0,18})")
HARMLESS = {
    # Users who push may write any file: a reader's browser must not run one as a page of this host.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def file_answer(request: Request, content: Content) -> Answer:
    """Return the content, the range of it that the request asks for, or a 304. Raise `RequestRefused`."""
    headers = {"ETag": f'"{content.tag}"', "Accept-Ranges": "bytes", "Content-Disposition": content.disposition}
    headers |= HARMLESS
    if _is_known(request, content.tag):
        return _whole(304, content.type, b"", headers)
    start, end = _range(request, content) or (0, content.length)
    status = 200 if end - start == content.length else 206
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.length}"
    read = b"" if request.method == "HEAD" else content.read(start, end)
    if isinstance(read, bytes):
        return _whole(status, content.type, read, {**headers, "Content-Length": str(end - start)})
    return Stream(read, content.type, status=status, length=end - start, headers=headers)


def _whole(status: int, content_type: str, body: bytes, headers: dict[str, str]) -> Answer:
    answer = Answer(status, (b"content-type", content_type.encode()), body)
    answer.add_headers(headers)
    return answer


def _is_known(request: Request, tag: str) -> bool:
    known = _header(request, b"if-none-match")
    return known == "*" or f'"{tag}"' in known


def _header(request: Request, name: bytes) -> str:
    """Return a header, or nothing, as there mostly is: that takes Starlette several times as long."""
    for given, value in request.scope["headers"]:
        if given == name:
            return str(value, "latin-1")
    return ""


def _range(request: Request, content: Content) -> tuple[int, int] | None:
    """Return the one range that a request asks for, of several none. Raise `RequestRefused` if it is outside."""
    tag = f'"{content.tag}"'
    found = _RANGE.fullmatch(_header(request, b"range"))
    if found is None or _header(request, b"if-range") not in ("", tag):
        return None
    first, last = found.groups()
    start = int(first) if first else max(content.length - int(last), 0)
    end = min(int(last) + 1, content.length) if first and last else content.length
    if start >= end:
        outside = {"Content-Range": f"bytes */{content.length}"}
        raise RequestRefused(416, "The range is outside the file.", f"It has {content.length} bytes.", headers=outside)
    return start, end
