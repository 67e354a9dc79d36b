"""The page of `roadstead demo`: commit messages with their links, at an address that cannot be guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.types import ASGIApp, Receive, Scope, Send

from roadstead.integrations.git import Commit
from roadstead.linkify import Linkified, render_html
from roadstead.web.page import render


@dataclass(frozen=True, slots=True)
class LinkedCommit:
    """A commit whose message is HTML."""

    hash: str
    author: str
    day: str
    message: Markup


@dataclass(frozen=True, slots=True)
class DemoPage:
    """Context of `demo.html`."""

    repository: str
    commits: list[LinkedCommit]
    links: int


def demo_page(repository: str, commits: Sequence[tuple[Commit, Linkified]]) -> DemoPage:
    """The page of a repository's commits. Both the messages and the app that linked them may be a stranger's."""
    linked = [
        # render_html escapes all that it did not write itself.
        LinkedCommit(commit.hash, commit.author, commit.day, Markup(render_html(message)))  # noqa: S704
        for commit, message in commits
    ]
    return DemoPage(repository, linked, sum(len(message.links) for _, message in commits))


class Showroom:
    """A host's application with one more page, which shows something once `page` is set."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.page: DemoPage | None = None
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path and self.page is not None:
            await render("demo.html", self.page)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
