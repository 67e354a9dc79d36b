"""The two processors: one for the measured server, one for the load."""

import os

SERVER, OURS = 0, 1


def take_ours() -> None:
    """Keep this process and its children off the server's processor. Exit unless there are two."""
    if not hasattr(os, "sched_setaffinity") or not {SERVER, OURS} <= os.sched_getaffinity(0):
        raise SystemExit("The benchmarks need Linux and its processors 0 and 1.")
    os.sched_setaffinity(0, {OURS})
