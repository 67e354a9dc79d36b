"""Linkers over text: the compiled linkers of a workspace, kept until something about them changes."""

import asyncio
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

from roadstead import linkify
from roadstead.domain.apps.descriptors import stored_base_url
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.linking.parking import LinkerRecords
from roadstead.errors import WorkspaceNotFound
from roadstead.model import Linker, Workspace
from roadstead.storage import linkers as rows
from roadstead.storage.installations import list_descriptors
from roadstead.storage.value_sets import ValuesRead, changed_values, list_large_workspaces, read_values
from roadstead.turns import Turns

if TYPE_CHECKING:
    from roadstead.linkify import CompiledLinkers, Unfinished

_KEPT_WORKSPACES = 4_096
_KEPT_VALUES = 2_000_000
"""Of all kept workspaces together, at least; with more memory, as many as fill a quarter of it."""
_BYTES_A_VALUE = 120
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_READ_SOON = 20_000
"""Values that are read and compiled within some ten milliseconds; a linker counts as a hundred values."""
_FEW_CHANGES = 1_000
"""Changes of values that are made within a millisecond, which is less than a thread takes to begin on a busy host."""
_THREADS = 2
_WAIT_SECONDS = 10.0
"""How long a text waits for a thread before its request is answered with 503."""
_MOST_WAITING = 100
"""Texts of one caller: as many as a page with a hundred messages asks for at once."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """The compiled linkers of a workspace.

    `version` is that of the cache when `apps` were read: the key and base URL of each, by installation. `read` is by
    the id of the linker, in the order of compilation.
    """

    version: int | None = None
    apps: dict[int, tuple[str, str]] = field(default_factory=dict)
    linkers: "list[linkify.Linker]" = field(default_factory=list)
    read: dict[int, ValuesRead] = field(default_factory=dict)
    compiled: "CompiledLinkers" = field(default_factory=lambda: linkify.compile_linkers([]))
    values: int = 0
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def revision(self) -> int:
        """Return the `revision_of` at which the values were read."""
        return sum(read.revision + 1 for read in self.read.values())


class WorkspaceLinkers:
    """Compiled linkers per workspace, always as the database has them."""

    def __init__(
        self,
        host: Host,
        *,
        read_soon: int = _READ_SOON,
        most_workspaces: int = _KEPT_WORKSPACES,
        most_values: int | None = None,
        most_waiting: int = _MOST_WAITING,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._host = host
        self._read_soon = read_soon
        self._database = host.store.database
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._values = 0
        self._most_workspaces = most_workspaces
        self._most_values = most_values_of(host.settings.workers) if most_values is None else most_values
        self.records = LinkerRecords()
        self._threads = Turns(_THREADS, wait_seconds, "long texts", most_waiting=most_waiting)

    async def of(self, workspace_slug: str) -> "CompiledLinkers":
        """Return the workspace's present linkers, without parked ones. Raise `WorkspaceNotFound`."""
        latest = await self._host.store.memory.latest()
        known: CompiledLinkers | None = latest.get((WorkspaceLinkers, workspace_slug))
        if known is None:
            version = await self._database.version()
            workspace = await get_workspace(self._host, workspace_slug)
            kept = self._kept.setdefault(workspace.id, _Kept())
            async with kept.changing:
                await self._bring_up_to_date(kept, workspace, version)
                known = latest[WorkspaceLinkers, workspace_slug] = kept.compiled
            self._keep(workspace.id, kept)
        return self.records.without_parked(known)

    def count(
        self,
        engine: str,
        length: int,
        links: "Counter[linkify.Linker]",
        unfinished: "Sequence[Unfinished]",
        seconds: float,
    ) -> None:
        """Count a text of `length` characters that was linked: in the metrics, and for each of its linkers."""
        self.records.add(length, links, unfinished)
        self._host.metrics.linked(engine, seconds, links.total(), unfinished)

    async def are_near(self, workspace_slug: str) -> bool:
        """Return whether `of` takes little time: they are compiled already, or there is little to compile.

        Raise `WorkspaceNotFound`.
        """
        workspace = await get_workspace(self._host, workspace_slug)
        descriptors = await list_descriptors(self._database, workspace.id)
        found = await rows.list_linkers_of(self._database, [installation_id for installation_id, _, _ in descriptors])
        kept = self._kept.get(workspace.id)
        if kept is not None and list(kept.read) == [linker.id for linker in found]:
            return True
        return sum(100 + linker.value_count for linker in found) <= self._read_soon

    async def read_ahead(self) -> None:
        """Compile the workspaces with many values, the largest first, as long as all kept values have room."""
        for slug, values in await list_large_workspaces(self._database, self._read_soon):
            if self._values + values <= self._most_values:
                with suppress(WorkspaceNotFound):  # removed meanwhile
                    await self.of(slug)

    def _keep(self, workspace_id: int, kept: _Kept) -> None:
        """Count the kept values, and drop those used the longest ago if there are too many."""
        if self._kept.get(workspace_id) is not kept:
            return  # it was dropped meanwhile
        values = sum(map(kept.compiled.value_count, range(len(kept.linkers))))
        self._values += values - kept.values
        kept.values = values
        self._kept.move_to_end(workspace_id)
        while len(self._kept) > self._most_workspaces or (len(self._kept) > 1 and self._values > self._most_values):
            self._values -= self._kept.popitem(last=False)[1].values

    async def in_thread(self, caller: Hashable, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do long work in a thread, in the caller's turn; a few at a time, so that other requests do not wait.

        Raises `HostBusy` and `TooMuchAtOnce`.
        """
        async with self._threads.turn(caller):
            return await asyncio.to_thread(work, *args, **kwargs)

    async def _bring_up_to_date(self, kept: _Kept, workspace: Workspace, version: int) -> None:
        """Read the changes since the last reading: only values if the version is the same."""
        if kept.version != version:
            kept.apps = await self._apps_in(workspace)
        elif await rows.revision_of(self._database, list(kept.apps)) == kept.revision:
            return
        await self._read_changes(kept, workspace)
        kept.version = version

    async def _apps_in(self, workspace: Workspace) -> dict[int, tuple[str, str]]:
        return {
            installation_id: (app_key, stored_base_url(descriptor))
            for installation_id, app_key, descriptor in await list_descriptors(self._database, workspace.id)
        }

    async def _read_changes(self, kept: _Kept, workspace: Workspace) -> None:
        found = await rows.list_linkers_of(self._database, list(kept.apps))
        linkers = [_as_pattern(linker, *kept.apps[linker.installation_id], workspace) for linker in found]
        if linkers != kept.linkers or list(kept.read) != [linker.id for linker in found]:
            await self._compile(kept, linkers, found)
            return
        for number, linker in enumerate(found):
            if linker.revision != kept.read[linker.id].revision:
                await self._catch_up(kept, number, linker)

    async def _compile(self, kept: _Kept, linkers: "list[linkify.Linker]", found: list[Linker]) -> None:
        """Compile again, reading only values that are not known already."""
        numbers = {linker_id: number for number, linker_id in enumerate(kept.read)}
        read: dict[int, ValuesRead] = {}
        values: list[Iterable[str]] = []
        for linker in found:
            known = kept.read.get(linker.id)
            if known and known.revision == linker.revision:
                read[linker.id] = known
                values.append(kept.compiled.values_of(numbers[linker.id]))
            else:
                read[linker.id], found_values = await read_values(self._database, linker)
                values.append(found_values)
        without_values = self._host.settings.linkers_without_values
        kept.compiled = await asyncio.to_thread(_compiled, linkers, values, without_values)
        self.records.forget(set(kept.linkers).difference(linkers))
        kept.linkers, kept.read = linkers, read

    async def _catch_up(self, kept: _Kept, number: int, linker: Linker) -> None:
        """Apply the changes of one linker's values; read all values only if the changes cannot be told."""
        changes = await changed_values(self._database, linker, kept.read[linker.id])
        if changes is not None:
            change = partial(kept.compiled.with_values, number, added=changes.added, removed=changes.deleted)
            few = len(changes.added) + len(changes.deleted) <= _FEW_CHANGES
            changed = change() if few else await asyncio.to_thread(change)
            if changed.value_count(number) == changes.read.values:
                kept.compiled, kept.read[linker.id] = changed, changes.read
                return
        kept.read[linker.id], values = await read_values(self._database, linker)
        kept.compiled = await asyncio.to_thread(_with_all_values, kept.compiled, number, values)


def most_values_of(workers: int, container_limit: Path = _CONTAINER_LIMIT) -> int:
    """Return how many values each worker keeps. Those of a dropped workspace must be read again."""
    return max(_KEPT_VALUES, _memory(container_limit) // 4 // workers // _BYTES_A_VALUE)


def _memory(container_limit: Path) -> int:
    """Return how many bytes of memory the process may use, or 0 if the system does not say."""
    memory = 0
    with suppress(AttributeError, OSError, ValueError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # the limit of a container; `max` means none
        memory = min(memory, int(container_limit.read_text("ascii")))
    return memory


def _as_pattern(linker: Linker, app_key: str, base_url: str, workspace: Workspace) -> "linkify.Linker":
    return linkify.Linker(
        key=linker.key,
        regex=linker.regex,
        url=linker.url,
        base_url=base_url,
        app_key=app_key,
        principal_uuid=workspace.uuid,
    )


def _compiled(
    linkers: "list[linkify.Linker]", values: list[Iterable[str]], without_values: Literal["everything", "nothing"]
) -> "CompiledLinkers":
    sets = (its if isinstance(its, Set) else frozenset(its) for its in values)
    with_values = [replace(linker, values=its) for linker, its in zip(linkers, sets, strict=True)]
    return linkify.compile_linkers(with_values, without_values=without_values)


def _with_all_values(compiled: "CompiledLinkers", number: int, values: Set[str]) -> "CompiledLinkers":
    known = frozenset(compiled.values_of(number))
    return compiled.with_values(number, added=values - known, removed=known - values)
