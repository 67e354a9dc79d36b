"""The two processors: one for the server that is measured, one for whoever measures it."""

import os

SERVER, OURS = 0, 1


def take_ours() -> None:
    """Keep this process, and what it starts, off the server's processor. Exits where there are not two."""
    if not hasattr(os, "sched_setaffinity") or not {SERVER, OURS} <= os.sched_getaffinity(0):
        raise SystemExit("The benchmarks need Linux and its processors 0 and 1.")
    os.sched_setaffinity(0, {OURS})
