"""How git writes a tree: the mode, name and id of each entry, in the order of their sort keys."""

import re

ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
TYPE = 0o170000
"""The part of a mode that says what an entry is."""
FOLDER, FILE, PROGRAM, LINK, SUBMODULE = 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
EXECUTABLE = 0o100
"""The part of a file's mode that says whether its owner may run it: nothing else of its permissions counts."""


def sort_key(name: bytes, mode: int) -> bytes:
    """Return what git sorts an entry by: its name, and of a folder the name with a slash."""
    return name + b"/" if mode == FOLDER else name
