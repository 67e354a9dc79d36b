"""What the pages of a repository have in common: who sees it, its head with tabs, and addresses in it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from roadstead.api.auth import sharer_of
from roadstead.domain.people.workspaces import NoSuchWorkspace, find_visible
from roadstead.domain.repositories.access import Held, NoSuchRepository, RepositoryMoved, find_repository
from roadstead.domain.repositories.commits import NoSuchCommit
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import find_main_commit
from roadstead.errors import NotFound
from roadstead.model import UNIDENTIFIED, Identity, Repository
from roadstead.web.page import Handler, NavigationLink, Visit
from roadstead.web.repositories.chooser import Chooser
from roadstead.web.sign_in import ask_to_sign_in
from roadstead.web.workspace_page import root_of

_TABS = {"": "Source", "/commits/": "Commits", "/branches/": "Branches"}
"""The names of a repository's tabs, by the end of their addresses, which are the cloud's."""
SETTINGS = "/admin"
"""The end of the address of the settings, which administrators have a tab for."""
_SHORT = 12
_REST, _REVISION = 3, 4
"""Which segments of `/{workspace}/{repo}/src/{revision}/{path}` are below the repository, and below `src`."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The head of a repository's page. `workspace_page` is the address of its workspace, if the visitor sees that.

    `above` are the pages between the repository and this one; a page of a branch has a `chooser` of others.
    """

    repository: Repository
    workspace_page: str | None
    tabs: list[NavigationLink]
    above: list[NavigationLink]
    chooser: Chooser | None

    @property
    def root(self) -> str:
        """Return the beginning of the addresses of the repository's pages."""
        return root(self.repository)


def root(repository: Repository) -> str:
    """Return the address of a repository's page."""
    return f"/{repository.full_name}"


def source_url(repository: Repository, revision: str, path: bytes = b"", *, page: str = "src") -> str:
    """Return the address of a file, or of a folder, whose `path` ends with a slash. `raw` is the page of a content."""
    return f"{root(repository)}/{page}/{quote(revision)}/{quote(path)}"


def commits_url(repository: Repository, branch: str) -> str:
    """Return the address of the commits of a branch."""
    return f"{root(repository)}/commits/branch/{quote(branch)}"


def short(hash_: str) -> str:
    """Return as much of a commit's id as the cloud shows."""
    return hash_[:_SHORT]


_MISSING = NotFound(
    "There is no such repository.",
    "It may have another name now, or be private: then ask an administrator of it for permission to read it.",
)
Show = Callable[[Visit, Reading], Awaitable[ASGIApp]]


def of_repository(show: Show) -> Handler:
    """Return the handler of a page for everyone who may read the repository of the address.

    To others it is as if there were no such repository; those who are not signed in are asked to sign in.
    """

    async def handle(visit: Visit) -> ASGIApp:
        try:
            return await show(visit, reading_of(visit, (await _held(visit)).repository))
        except RepositoryMoved as moved:
            return RedirectResponse(_moved(visit, moved.repository), 301)
        except (NoSuchRepository, NoSuchWorkspace) as exc:
            if visit.user is None:
                return ask_to_sign_in(visit)
            raise _MISSING from exc

    return handle


async def _held(visit: Visit) -> Held:
    return await find_repository(visit.host, _identity(visit), *names_in(visit), "read")


def reading_of(visit: Visit, repository: Repository) -> Reading:
    """Return a repository as it is read for the visitor."""
    caller = sharer_of(_identity(visit), visit.request)
    return Reading(visit.host, repository, caller, visit.request.scope["state"]["renderer"])


def names_in(visit: Visit) -> tuple[str, str]:
    """Return the workspace and the repository of the address. Browsers are also given the address for git."""
    names = visit.request.path_params
    return names["workspace"], names["repo"].removesuffix(".git")


def _identity(visit: Visit) -> Identity:
    return UNIDENTIFIED if visit.user is None else visit.identity


def _moved(visit: Visit, repository: Repository) -> str:
    """Return the same address below the present name of a repository."""
    segments = visit.request.scope["raw_path"].decode("latin-1").split("/")[_REST:]
    query = visit.request.url.query
    return f"{'/'.join([root(repository), *segments])}{'?' if query else ''}{query}"


async def shown(
    visit: Visit,
    reading: Reading,
    tab: str,
    above: list[NavigationLink] | None = None,
    chooser: Chooser | None = None,
) -> Shown:
    """Return the head of a page."""
    repository = reading.repository
    ends = _TABS | {SETTINGS: "Settings"} if (await _held(visit)).privilege == "admin" else _TABS
    tabs = [NavigationLink(f"{root(repository)}{end}", name, end == tab) for end, name in ends.items()]
    return Shown(repository, await _workspace_page(visit, repository), tabs, above or [], chooser)


async def _workspace_page(visit: Visit, repository: Repository) -> str | None:
    try:
        await find_visible(visit.host, _identity(visit), repository.workspace.slug)
    except NotFound:
        return None
    return f"{root_of(repository.workspace)}/overview"


def main_commit(reading: Reading) -> str | None:
    """Return the newest commit of the main branch, or `None` if there is none."""
    try:
        return find_main_commit(reading.host, reading.repository)
    except NoSuchCommit:
        return None


def parts_of(visit: Visit) -> list[bytes]:
    """Return the segments of the address from the revision on: names of files need not be texts."""
    raw: bytes = visit.request.scope["raw_path"]
    segments = [unquote_to_bytes(segment) for segment in raw.split(b"/")[_REVISION:]]
    while len(segments) > 1 and not segments[-1]:
        segments.pop()
    return segments


def name_in(visit: Visit, *, after: int = 0) -> str:
    """Return the name of a ref or commit that ends the address, after some words below those of the repository."""
    return b"/".join(parts_of(visit)[after:]).decode("utf-8", "replace")
