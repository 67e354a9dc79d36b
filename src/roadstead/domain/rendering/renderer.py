"""Renders texts with the linkers of a workspace, and keeps what was rendered until something about it changes."""

import re
import time
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from roadstead.domain.linking.parking import links_by_linker
from roadstead.domain.rendering.markdown import LONGEST, MOST_COLOURED, Mention, may_have_colours, mentioned, to_html
from roadstead.shapes.accounts import profile_url
from roadstead.storage import users

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.domain.linking.workspaces import WorkspaceLinkers
    from roadstead.linkify import CompiledLinkers, LinkifiedHtml

V = TypeVar("V")
FindCommits = Callable[[AbstractSet[str]], Mapping[str, str]]
"""Returns the URLs of the commits among some words that look like hashes."""

_HASH = re.compile(r"(?<!\w)[0-9a-f]{7,40}(?!\w)")
_MOST_REFERENCES = 100
"""Users and commits that are looked for in the texts of one call, each."""
_AT_ONCE = 2_000
"""Characters that are rendered in some ten milliseconds, also hostile ones. More are rendered in a thread."""
_MOST_COLOURED_AT_ONCE = 27_000
"""Characters of texts with code that one call colours: hostile ones take a second, and a page may have a million."""
_MOST_KEPT = 16 << 20
"""Characters of texts and HTML that a process keeps."""


class _Text(NamedTuple):
    """A text with all that its HTML depends on; `linkers` says which state of the workspace's linkers."""

    workspace: str
    linkers: int
    text: str
    mentions: tuple[tuple[str, Mention], ...]
    commits: tuple[tuple[str, str], ...]


class Renderer:
    """Renders what people write in a workspace."""

    def __init__(self, host: "Host", linkers: "WorkspaceLinkers", *, most_kept: int = _MOST_KEPT) -> None:
        self._host = host
        self._linkers = linkers
        self._most_kept = most_kept
        self._states: dict[str, tuple[int, weakref.ref[CompiledLinkers]]] = {}
        self._unfinished: Counter[str] = Counter()
        self._html: OrderedDict[_Text, str] = OrderedDict()
        self.kept = 0
        """Characters of the kept texts and their HTML."""

    async def render(
        self, texts: Sequence[str], workspace: str, caller: Hashable, commits: FindCommits | None = None
    ) -> list[str]:
        """Return the HTML of each text. Much text is rendered in the caller's turn, in a thread.

        Of many texts with much code, the last ones have no colours yet: each later call adds those of some.

        Raise `WorkspaceNotFound`, `HostBusy` and `TooMuchAtOnce`.
        """
        compiled = await self._linkers.of(workspace)
        state = self._state_of(workspace, compiled)
        mentions = await self._mentions_in(texts)
        found = _commits_in(texts, commits)
        wanted = [
            _Text(workspace, state, text, _only(mentions, mentioned, text), _only(found, _HASH.findall, text))
            for text in texts
        ]
        html = {text: known for text in wanted if (known := self._find(text)) is not None}
        missing = [text for text in dict.fromkeys(wanted) if text not in html]
        html |= zip(missing, await self._make(compiled, missing, caller), strict=True)
        return [html[text] for text in wanted]

    async def state(self, workspace: str) -> Hashable:
        """Return what differs after each change of the workspace's linkers, and after each text that is not finished.

        Raise `WorkspaceNotFound`.
        """
        compiled = await self._linkers.of(workspace)
        return self._state_of(workspace, compiled), self._unfinished[workspace]

    async def _make(self, compiled: "CompiledLinkers", texts: Sequence[_Text], caller: Hashable) -> list[str]:
        if not texts:
            return []
        if compiled.quick and _is_quick(texts):
            made = _rendered(compiled, texts)
        else:
            made = await self._linkers.in_thread(caller, _rendered, compiled, texts)
        for text, (result, seconds, has_colours) in zip(texts, made, strict=True):
            links = links_by_linker(result.links)
            self._linkers.count(compiled.engine, len(text.text), links, result.unfinished, seconds)
            if result.unfinished or not has_colours:
                self._unfinished[text.workspace] += 1
            else:
                self._keep(text, result.html)
        return [result.html for result, _, _ in made]

    def _state_of(self, workspace: str, compiled: "CompiledLinkers") -> int:
        """Return a number that is another one after each change of the workspace's linkers."""
        number, known = self._states.get(workspace, (0, None))
        if known is None or known() is not compiled:
            number += 1
            self._states[workspace] = number, weakref.ref(compiled)
        return number

    async def _mentions_in(self, texts: Iterable[str]) -> dict[str, Mention]:
        may_mention = (text for text in texts if "@{" in text and len(text) <= LONGEST)
        wanted = {account: None for text in may_mention for account in mentioned(text)}
        found = await users.find_accounts(self._host.store.database, list(wanted)[:_MOST_REFERENCES]) if wanted else []
        base_url = self._host.base_url
        return {user.account_id: Mention(user.display_name, profile_url(base_url, user)) for user in found}

    def _find(self, text: _Text) -> str | None:
        html = self._html.get(text)
        if html is not None:
            self._html.move_to_end(text)
        return html

    def _keep(self, text: _Text, html: str) -> None:
        """Keep the HTML, and drop what was used the longest ago if it is too much."""
        if text in self._html:  # made by another request meanwhile
            return
        self._html[text] = html
        self.kept += len(text.text) + len(html)
        while self.kept > self._most_kept:
            dropped, its_html = self._html.popitem(last=False)
            self.kept -= len(dropped.text) + len(its_html)


def _is_quick(texts: Iterable[_Text]) -> bool:
    return sum(_AT_ONCE if may_have_colours(one.text) else len(one.text) for one in texts) < _AT_ONCE


def _commits_in(texts: Iterable[str], commits: FindCommits | None) -> Mapping[str, str]:
    if commits is None:
        return {}
    words = dict.fromkeys(word for text in texts for word in _HASH.findall(text))
    return commits(set(list(words)[:_MOST_REFERENCES])) if words else {}


def _only(known: Mapping[str, V], names_in: Callable[[str], Iterable[str]], text: str) -> tuple[tuple[str, V], ...]:
    """Return the known ones among the names in a text, in their order there."""
    return tuple((name, known[name]) for name in dict.fromkeys(names_in(text)) if name in known) if known else ()


def _rendered(compiled: "CompiledLinkers", texts: Sequence[_Text]) -> "list[tuple[LinkifiedHtml, float, bool]]":
    """Return the HTML of each text, the seconds that it took, and whether its code has been coloured."""
    from roadstead.linkify import linkify_html  # imported late, for quick starts

    made, left = [], _MOST_COLOURED_AT_ONCE
    for one in texts:
        began = time.perf_counter()
        code = min(len(one.text), MOST_COLOURED) if may_have_colours(one.text) else 0
        left -= code
        html = to_html(one.text, dict(one.mentions), colours=left >= 0)
        result = linkify_html(compiled, html, dict(one.commits))
        made.append((result, time.perf_counter() - began, left >= 0 or not code))
    return made
