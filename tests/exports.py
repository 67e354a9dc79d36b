"""Exports as bytes: made, imported, and taken apart into lines."""

import gzip
import hashlib
import io
import json
from typing import Any

from roadstead.cli.state import on_host
from roadstead.domain.upkeep import transfer
from roadstead.settings import Settings


def export_of(settings: Settings, *, with_secrets: bool = True) -> bytes:
    """Return the export of a host's state."""
    out = io.BytesIO()
    on_host(settings, lambda host: transfer.export_state(host, out, with_secrets=with_secrets))
    return out.getvalue()


def import_into(settings: Settings, content: bytes) -> transfer.Transferred:
    """Import an export into a host's state."""
    return on_host(settings, lambda host: transfer.import_state(host, io.BytesIO(content)))


def lines_of(content: bytes) -> list[Any]:
    """Return the lines of an export."""
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def packed(lines: list[Any]) -> bytes:
    """Return an export of those lines; the last one gets the right checksum."""
    body = "".join(json.dumps(line) + "\n" for line in lines[:-1]).encode()
    end = {**lines[-1], "sha256": hashlib.sha256(body).hexdigest()}
    return gzip.compress(body + json.dumps(end).encode() + b"\n")
