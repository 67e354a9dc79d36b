"""Recorded requests and answers on a terminal."""

import json
from collections.abc import Iterable

from roadstead.cli.output import styled
from roadstead.plain import plain


def print_message(title: str, headers: Iterable[tuple[str, str]], body: str, size: int) -> None:
    """Print headers and body, of whose `size` bytes the beginning may have been kept."""
    from roadstead.domain.traffic.redaction import KEPT

    print(f"\n{styled(title, 'bold')}\n")
    for name, value in headers:
        print(plain(f"{name}: {value}"))
    if body:
        print(f"\n{plain(_readable(body))}")
    if len(body) == KEPT or (size and not body):
        kept = "its beginning was" if body else "nothing of it was"
        print(f"\n(The body has {size:,} bytes; {kept} kept.)")


def _readable(body: str) -> str:
    """Return a JSON document with a member on each line, and any other body unchanged."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
