"""The environment of every git process. It inherits no variable of the host, and no other configuration counts.

Settings are given as variables, which a process hands to those that it starts itself. `-c` on a command line overrules
them.
"""

import functools
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from roadstead.errors import GitFailed

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of a tree without entries, which every repository has."""

_TOLERATED = ("zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone")
"""Faults that histories of the years before 2012 have. A push or import with any other is refused."""

_BZIP2 = (
    "import bz2, shutil, sys; packed = bz2.open(sys.stdout.buffer, 'wb'); "
    "shutil.copyfileobj(sys.stdin.buffer, packed); packed.close()"
)

SETTINGS: Mapping[str, str] = {
    # Nothing that a repository contains is run.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.alternateRefsCommand": "true",
    "protocol.allow": "never",
    "safe.directory": "*",
    # What comes in is checked, and is on the disk before anything refers to it.
    "transfer.fsckObjects": "true",
    **{f"{when}.{fault}": "warn" for when in ("receive.fsck", "fetch.fsck", "fsck") for fault in _TOLERATED},
    "core.fsync": "all",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.logAllRefUpdates": "always",
    "transfer.advertiseSID": "false",
    # Maintenance runs when the host says so.
    "receive.autogc": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # The second version counts by dates: behind a commit of a year after 2514, git misses other commits.
    "commitGraph.generationVersion": "1",
    # A process fits beside others, whatever it packs.
    "pack.threads": "1",
    "pack.windowMemory": "256m",
    "pack.deltaCacheSize": "64m",
    "core.packedGitWindowSize": "64m",
    "core.packedGitLimit": "1g",
    # Every version of git answers alike: some read the attributes of the newest commit in a bare repository.
    "core.attributesFile": "/dev/null",
    "attr.tree": EMPTY_TREE,
    "core.abbrev": "7",
    # git has no bzip2 of its own, and the program is not on every machine.
    "tar.tar.bz2.command": shlex.join([sys.executable, "-I", "-S", "-c", _BZIP2]),
}


@functools.cache
def program() -> str:
    """Return the absolute path of git. Raise `GitFailed`."""
    found = shutil.which("git")
    if found is None:
        raise GitFailed("git is not installed.", "Install git 2.39 or later, and put it on the PATH.")
    return str(Path(found).absolute())


@functools.cache
def environment() -> Mapping[str, str]:
    """Return all variables that a git process has."""
    settings = {"GIT_CONFIG_COUNT": str(len(SETTINGS))}
    for number, (name, value) in enumerate(SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        "PATH": f"{Path(program()).parent}:/usr/bin:/bin",
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # A pushed `refs/replace/…` would change what readers see of other commits.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        # A path is a path, whatever colons, stars and brackets are in it.
        "GIT_LITERAL_PATHSPECS": "1",
        # Who changes a ref is in our database; without a name here, git asks the network for one.
        "GIT_COMMITTER_NAME": "Roadstead",
        "GIT_COMMITTER_EMAIL": "roadstead@localhost",
        # git 3 has other defaults, which libgit2 cannot read.
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_DEFAULT_REF_FORMAT": "files",
        **settings,
    }
