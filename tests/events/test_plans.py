"""What a delivery costs beside many that have ended."""

import re
import sqlite3
from pathlib import Path

from roadstead.settings import Settings
from roadstead.storage.sqlite import SQLiteDatabase
from tests.events.scene import Scene, receiving, run


def test_no_statement_reads_what_has_ended(tmp_path: Path) -> None:
    """Each statement of dispatching and sending finds its rows by an index, so old rows do not slow the queue."""
    seen: set[str] = set()

    async def scenario(scene: Scene) -> None:
        database = scene.host.store.database
        assert isinstance(database, SQLiteDatabase)
        for connection in (database._writer, database._reader):
            connection.set_trace_callback(seen.add)
        await scene.hook(receiver.url)
        for number in (1, 2, 3):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()

    with receiving() as receiver:
        run(Settings(data=tmp_path), scenario)
    statements = [sql for sql in seen if re.match("(SELECT|UPDATE|WITH) .*(deliveries|events)", sql, re.DOTALL)]
    with sqlite3.connect(tmp_path / "roadstead.db") as plain:
        plans = {sql: [row[3] for row in plain.execute(f"EXPLAIN QUERY PLAN {sql}")] for sql in statements}
    reading = {sql: steps for sql, steps in plans.items() if {"SCAN deliveries", "SCAN events"} & set(steps)}
    assert (len(plans) > 6, reading) == (True, {})
