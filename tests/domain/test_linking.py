"""Compiled linkers follow the values in the database, changed by any process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roadstead.domain.apps import descriptors
from roadstead.domain.host import Host, open_host
from roadstead.domain.linking import linkers, workspaces
from roadstead.domain.linking.workspaces import WorkspaceLinkers, most_values_of
from roadstead.errors import LinkerValueExists, LinkerValueNotFound
from roadstead.storage import linkers as rows
from roadstead.storage import value_sets
from roadstead.storage.database import Argument, Row
from tests.live import LiveHost, recording_app

Change = tuple[str, Any]
_VALUES = st.sampled_from([f"V{number}" for number in range(8)])
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _VALUES),
        st.tuples(st.just("delete"), _VALUES),
        st.tuples(st.just("replace"), st.sets(_VALUES).map(sorted)),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def workplace(host: LiveHost) -> Iterator[tuple[str, int]]:
    """Yield an app alone in a workspace: its slug, and the id of the installation."""
    with recording_app() as app:
        workspace = f"w-{app.key}"
        yield workspace, host.install(app, workspace).id


async def _values(host: Host, installation_id: int) -> dict[str, int]:
    linker = await linkers.get_linker(host, installation_id, "tickets")
    read = await host.store.database.scan("SELECT value, id FROM linker_values WHERE linker_id = ?", linker.id)
    assert len(read) == linker.value_count, "the count beside the values is theirs"
    return dict(read)


def _apply(host: Host, installation_id: int, what: str, value: Any) -> Awaitable[object]:
    async def delete() -> None:
        identity = (await _values(host, installation_id)).get(value, 2**60)
        await linkers.delete_value(host, installation_id, "tickets", identity)

    match what:
        case "add":
            return linkers.add_value(host, installation_id, "tickets", value)
        case "delete":
            return delete()
        case _:
            return linkers.replace_values(host, installation_id, "tickets", value)


@pytest.mark.sample(1)
@pytest.mark.each_database
@given(changes=_CHANGES)
@example(
    changes=[("replace", ["V0", "V1"]), ("look", None), ("delete", "V0"), ("replace", ["V0"]), ("delete", "V0")]
).via("deleted twice since the last look, and by chance as many as there are now")
@example(
    changes=[
        ("replace", ["V0", "V1", "V2", "V3"]),
        ("look", None),
        ("delete", "V0"),
        ("delete", "V1"),
        ("replace", ["V4", "V5", "V6", "V7"]),
    ]
).via("more was added than is looked for, and by chance as many as went with the set")
@pytest.mark.parametrize("kept", [1_000, 2])
def test_after_any_changes_the_compiled_values_are_those_in_the_database(
    host: LiveHost, workplace: tuple[str, int], changes: list[Change], kept: int
) -> None:
    """Also when another process made the changes, and when more was deleted, or is there, than is read at once."""
    workspace, installation_id = workplace

    async def run() -> None:
        async with open_host(host.settings) as ours, open_host(host.settings) as theirs:
            compiled = WorkspaceLinkers(ours)
            for what, value in [*changes, ("look", None)]:
                if what == "look":
                    seen = set((await compiled.of(workspace)).values_of(0))
                    assert seen == set(await _values(ours, installation_id))
                else:
                    with contextlib.suppress(LinkerValueExists, LinkerValueNotFound):
                        await _apply(theirs, installation_id, what, value)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rows, "DELETIONS_KEPT", kept)
        patched.setattr(rows, "FEW_ROWS", kept)
        patched.setattr(value_sets, "_PART", kept)
        asyncio.run(run())


@pytest.mark.parametrize("few", [2_000, 2])
def test_single_changes_are_caught_up_with_without_reading_all_values(
    host: LiveHost, workplace: tuple[str, int], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After few or many changes since the last text, also in one transaction, only their rows are read."""
    workspace, installation_id = workplace
    monkeypatch.setattr(rows, "FEW_ROWS", few)

    async def run() -> None:
        async with open_host(host.settings) as ours:
            compiled = WorkspaceLinkers(ours)
            await linkers.replace_values(ours, installation_id, "tickets", ["A", "B", "C"])
            assert set((await compiled.of(workspace)).values_of(0)) == {"A", "B", "C"}
            for value in ("D", "E", "F"):
                await _apply(ours, installation_id, "add", value)
            await _apply(ours, installation_id, "delete", "B")
            together = [f"N{number}" for number in range(3_000)]
            await linkers.add_values(ours, installation_id, "tickets", together)
            monkeypatch.setattr(workspaces, "read_values", _refused)
            assert set((await compiled.of(workspace)).values_of(0)) == {"A", "C", "D", "E", "F", *together}

    asyncio.run(run())


MEANWHILE: dict[str, tuple[list[Change], bool]] = {
    "nothing": ([], True),
    "one added behind": ([("add", "V7")], True),
    "one added before": ([("add", "A0")], True),
    "one that was read deleted": ([("delete", "V0")], True),
    "one that was not read deleted": ([("delete", "V4")], True),
    "deleted and added again": ([("delete", "V0"), ("add", "V0"), ("delete", "V4"), ("add", "V4")], True),
    "replaced by as many": ([("replace", ["V4", "V5", "V6", "V7", "V8"])], False),
    "replaced by fewer": ([("replace", ["V0"])], False),
    "all deleted": ([("replace", [])], False),
}
"""What is changed after the first part, and whether the parts do all the same."""


@pytest.mark.each_database
def test_values_that_are_read_in_parts_are_those_of_one_moment(
    host: LiveHost, workplace: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is changed between two parts; where the changes cannot be told, all values are read at once."""
    _, installation_id = workplace
    monkeypatch.setattr(rows, "FEW_ROWS", 0)
    monkeypatch.setattr(value_sets, "_PART", 2)

    async def read(opened: Host, changes: list[Change]) -> str:
        """Read all values while they are changed; the statements that this took."""
        database, scan, asked = opened.store.database, opened.store.database.scan, list[str]()

        async def changing(sql: str, *arguments: Argument) -> list[Row]:
            asked.append(sql)
            found = await scan(sql, *arguments)
            if len(asked) == 1:
                for what, value in changes:
                    await _apply(opened, installation_id, what, value)
            return found

        await linkers.replace_values(opened, installation_id, "tickets", [f"V{number}" for number in range(5)])
        linker = await linkers.get_linker(opened, installation_id, "tickets")
        with monkeypatch.context() as patched:
            patched.setattr(database, "scan", changing)
            _, values = await value_sets.read_values(database, linker)
        assert values == set(await _values(opened, installation_id))
        return "; ".join(asked)

    async def run() -> None:
        async with open_host(host.settings) as opened:
            for name, (changes, in_parts) in MEANWHILE.items():
                asked = await read(opened, changes)
                assert ("COUNT(*)" in asked, "UNION ALL SELECT 0, 0" in asked) == (True, not in_parts), name

    asyncio.run(run())


async def _refused(reader: object, linker_id: int) -> object:
    raise AssertionError(f"all values of linker {linker_id} are read")


@pytest.mark.parametrize(("most_workspaces", "values"), [(2, 1_000), (1_000, 3)])
def test_workspaces_that_were_let_go_are_linked_as_before(host: LiveHost, most_workspaces: int, values: int) -> None:
    """With any limit of compiled workspaces or values, every workspace links with its own values."""

    async def look(host: Host, slugs: list[str]) -> list[list[str]]:
        compiled = WorkspaceLinkers(host, most_workspaces=most_workspaces, most_values=values)
        texts = [(await compiled.of(slug)).linkify("V0-1 V1-1 V2-1 V3-1") for slug in slugs * 2]
        assert sum(kept.values for kept in compiled._kept.values()) == compiled._values
        return [[link.text for link in text.links] for text in texts]

    with contextlib.ExitStack() as stack:
        slugs = []
        for number in range(4):
            app = stack.enter_context(recording_app())
            slugs.append(f"few-{app.key}")
            installed = host.install(app, slugs[-1]).id
            stored = [f"V{number}", f"V{(number + 1) % 4}"]
            host.work(partial(linkers.replace_values, installation_id=installed, key="tickets", values=stored))
        linked = host.work(lambda host: look(host, slugs))

    assert linked == [["V0-1", "V1-1"], ["V1-1", "V2-1"], ["V2-1", "V3-1"], ["V0-1", "V3-1"]] * 2


@pytest.mark.parametrize(
    ("limit", "workers", "most"),
    [("max\n", 1, None), ("24000000000\n", 1, 50_000_000), ("24000000000\n", 5, 10_000_000), ("1000\n", 1, 2_000_000)],
)
def test_a_container_limits_what_is_kept(
    limit: str, workers: int, most: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers share a quarter of the container's memory, or of the machine's; each keeps at least two
    million values.
    """
    monkeypatch.setattr("os.sysconf", lambda name: 10**6)
    file = tmp_path / "memory.max"
    file.write_text(limit)
    assert most_values_of(workers, file) == (10**12 // 4 // 120 if most is None else most)


def test_of_large_descriptors_a_few_are_kept() -> None:
    """An app that updates itself repeatedly leaves little behind; a kept descriptor is read once."""
    start, name = '{"baseUrl": "https://app.example", "authentication": {"type": "none"}', "x" * 20_000
    texts = [f'{start}, "scopes": [], "name": "{name}", "key": "k{number}"}}' for number in range(9)]
    read = [descriptors.stored_descriptor(text) for text in texts]
    assert descriptors.stored_descriptor(texts[-1]) is read[-1]
    assert descriptors.stored_descriptor(texts[0]) is not read[0]
