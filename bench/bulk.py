"""Replacing 100,000 values: the whole request beside the SQL that does the work, with the same SQLite settings.

The request is signed, written as JSON, sent, read, checked, stored and answered. The SQL is given its values as JSON
text made in advance, on a database file of the same schema.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from bench import servers
from bench.app import Client, install, values_path
from bench.figures import Figure
from bench.scratch import scratch_folder

ROUNDS = 5
SIZE = 100_000
LINKER = "bulk"

_BEFORE = [f"K{number}" for number in range(SIZE)]
STEPS: dict[str, Sequence[str]] = {
    "fresh set": _BEFORE,
    "unchanged set": _BEFORE,
    "half changed": [f"K{number}" for number in range(SIZE // 2, SIZE + SIZE // 2)],
}
"""The sets to put, in this order, beginning without values."""

Replace = Callable[[Sequence[str]], Callable[[], object]]
"""Makes, for given values, the piece of work that is timed."""


def figures() -> Iterator[Figure]:
    with scratch_folder() as ours, scratch_folder() as raw:
        app = install(ours)
        install(raw)
        with (
            servers.roadstead(ours) as server,
            contextlib.closing(Client(app, server.port)) as client,
            contextlib.closing(_connect(raw / "roadstead.db")) as connection,
        ):
            yield from beside(request(client), _statements(connection), "raw SQL")


def beside(ours: Replace, theirs: Replace, name: str) -> Iterator[Figure]:
    """Yield our request beside the same work by hand, step by step."""
    requests, by_hand = _measure(ours, theirs)
    for step in STEPS:
        ratio = median(took / least for took, least in zip(requests[step], by_hand[step], strict=True))
        took, least = (median(seconds[step]) * 1000 for seconds in (requests, by_hand))
        note = f"{took:.0f} ms, {name} {least:.0f} ms"
        yield Figure(f"PUT of {SIZE:,} values, {step}", ratio, "× by hand", "most", 2, note)


def _measure(*sides: Replace) -> list[dict[str, list[float]]]:
    """Return seconds per step of each side, the sides in turn; drop the first round, which warms up."""
    found: list[dict[str, list[float]]] = [{step: [] for step in STEPS} for _ in sides]
    for number in range(ROUNDS + 1):
        for replace, seconds in zip(sides, found, strict=True):
            replace([])()
            for step, values in STEPS.items():
                took = _seconds(replace(values))
                if number > 0:
                    seconds[step].append(took)
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def request(client: Client) -> Replace:
    return lambda values: partial(client.call, "PUT", values_path(LINKER), values)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _statements(connection: sqlite3.Connection) -> Replace:
    ((linker, installation),) = connection.execute("SELECT id, installation_id FROM linkers WHERE key = ?", [LINKER])

    def replace(text: str) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "DELETE FROM linker_values WHERE installation_id = ? AND linker_id = ? "
            "AND value NOT IN (SELECT value FROM json_each(?))",
            (installation, linker, text),
        )
        connection.execute(
            "INSERT OR IGNORE INTO linker_values (installation_id, linker_id, value) "
            "SELECT ?, ?, value FROM json_each(?)",
            (installation, linker, text),
        )
        connection.execute("UPDATE linkers SET value_count = json_array_length(?) WHERE id = ?", (text, linker))
        connection.execute("COMMIT")

    return lambda values: partial(replace, json.dumps(values))
