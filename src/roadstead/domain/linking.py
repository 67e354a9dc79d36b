"""Linkers over text: the compiled linkers of a workspace, kept until something about them changes."""

from collections import OrderedDict
from dataclasses import dataclass

from roadstead.domain.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.domain.installations import get_workspace
from roadstead.linkify import CompiledLinkers, compile_linkers
from roadstead.linkify import Linker as PatternLinker
from roadstead.model import Linker, Workspace
from roadstead.storage import linkers as rows

_KEPT_WORKSPACES = 64

Revision = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Kept:
    revision: Revision
    compiled: CompiledLinkers
    by_linker: dict[tuple[int, int], PatternLinker]


class WorkspaceLinkers:
    """Compiled linkers per workspace. Every use checks the revisions in the database, so none is ever stale."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    async def of(self, workspace_slug: str) -> CompiledLinkers:
        """What the workspace's linkers are now. Raises `WorkspaceNotFound`."""
        workspace = await get_workspace(self._host, workspace_slug)
        found = await rows.list_workspace_linkers(self._host.store.database, workspace.id)
        revision = tuple((linker.id, linker.revision) for linker, _, _ in found)
        kept = self._kept.get(workspace.id)
        if kept is None or kept.revision != revision:
            kept = await self._compile(workspace, found, revision, kept)
            self._kept[workspace.id] = kept
            if len(self._kept) > _KEPT_WORKSPACES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(workspace.id)
        return kept.compiled

    async def _compile(
        self,
        workspace: Workspace,
        found: list[tuple[Linker, str, str]],
        revision: Revision,
        old: _Kept | None,
    ) -> _Kept:
        """Compile anew, reading the values of only those linkers that have changed."""
        known = old.by_linker if old else {}
        by_linker: dict[tuple[int, int], PatternLinker] = {}
        for linker, app_key, descriptor in found:
            version = (linker.id, linker.revision)
            by_linker[version] = known.get(version) or PatternLinker(
                key=linker.key,
                regex=linker.regex,
                url=linker.url,
                base_url=stored_descriptor(descriptor).base_url,
                values=frozenset(await rows.all_values(self._host.store.database, linker.id)),
                app_key=app_key,
                principal_uuid=workspace.uuid,
            )
        compiled = compile_linkers(list(by_linker.values()), without_values=self._host.settings.linkers_without_values)
        return _Kept(revision, compiled, by_linker)
