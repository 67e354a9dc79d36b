"""Which refs may be changed by a push, and what their names may be."""

import re

from roadstead.pushed import RefKind

BRANCH, TAG, NOTE = "refs/heads/", "refs/tags/", "refs/notes/"
PLACES: dict[RefKind, str] = {"branch": BRANCH, "tag": TAG, "note": NOTE}
"""Where refs of each kind are."""
LONGEST_NAME = 250
"""In bytes: most file systems have names of 255, and git writes a file whose name has `.lock` after it."""
LONGEST_REF = 1024
"""In bytes, all parts together."""
_UNFIT = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|/$|\.$|[\ud800-\udfff]")


def kind_and_name(ref: str) -> tuple[RefKind, str] | None:
    """Return the kind of a ref and its name without the beginning, or `None` if it is of no kind."""
    for kind, place in PLACES.items():
        if ref.startswith(place):
            return kind, ref[len(place) :]
    return None


def reason_against(ref: str) -> str | None:
    """Return why a push may not change a ref of this name, or `None` if it may.

    The rules for a name are those of `git branch`, and it must be UTF-8. A branch `HEAD` would hide the main one.
    """
    found = kind_and_name(ref)
    shown = ref.encode("utf-8", "replace").decode()[:LONGEST_NAME]
    if found is None:
        return f"Only branches, tags and notes can be pushed here, not {shown}."
    _, name = found
    if not name or name[0] in "./-" or name == "@" or ref == f"{BRANCH}HEAD" or _UNFIT.search(ref):
        return f"{shown} is not a valid name."
    if len(ref.encode()) > LONGEST_REF or any(len(part.encode()) > LONGEST_NAME for part in ref.split("/")):
        return f"{shown}… is too long a name."
    return None
