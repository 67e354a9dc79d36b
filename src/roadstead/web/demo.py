"""The page of `roadstead demo`: commit messages with their links, at an address that cannot be guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from roadstead.linkify import Linkified, render_html
from roadstead.model import Installation, LocalCommit
from roadstead.web.page import Page, Visit, render

_LONGEST_EXAMPLE = 2_000
"""Characters of a message that are put into an address."""


@dataclass(frozen=True, slots=True)
class LinkedCommit:
    """A commit whose message is HTML."""

    hash: str
    author: str
    day: str
    message: Markup


@dataclass(frozen=True, slots=True)
class DemoPage:
    """Context of `demo.html`. `app_page` and `lab` are paths of the pages that explain the links."""

    repository: str
    commits: list[LinkedCommit]
    links: int
    app_page: str
    lab: str


def demo_page(
    repository: str, commits: Sequence[tuple[LocalCommit, Linkified]], installation: Installation
) -> DemoPage:
    """Return the page of a repository's commits, linked by an installation; all of it may be untrusted."""
    linked = [
        # render_html escapes everything that it did not write itself.
        LinkedCommit(commit.hash, commit.author, commit.day, Markup(render_html(message)))  # noqa: S704
        for commit, message in commits
    ]
    newest = commits[0][0].message if commits else ""
    query = urlencode({"how": "workspace", "workspace": installation.workspace.slug, "text": newest[:_LONGEST_EXAMPLE]})
    links = sum(len(message.links) for _, message in commits)
    return DemoPage(repository, linked, links, f"/-/apps/{installation.id}", f"/-/lab?{query}")


class Showroom:
    """A host's application with one more page, which has content once `page` is set."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.page: DemoPage | None = None
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shows = scope["type"] == "http" and scope["path"] == self._path and self.page is not None
        await (Page(GET=self._show) if shows else self._app)(scope, receive, send)

    async def _show(self, visit: Visit) -> Response:
        return render("demo.html", self.page, visit=visit)
