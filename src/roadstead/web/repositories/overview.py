"""`/{workspace}/{repo}`: what a repository is, how to clone it, its files, its README and its last commits."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from roadstead.domain.repositories.branches import LATEST_FIRST, page_of_branches
from roadstead.domain.repositories.clone_addresses import Protocol, clone_addresses
from roadstead.domain.repositories.history import PageStart, page
from roadstead.domain.repositories.reading import Reading
from roadstead.git import objects, trees
from roadstead.git.objects import Commit
from roadstead.listing import PageRequest
from roadstead.web.page import Visit, render
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.entries import EntryLine, entry_lines
from roadstead.web.repositories.readme import readme_of
from roadstead.web.repositories.shown import Shown, main_commit, of_repository, shown, source_url

_COMMITS = 5
_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Newest:
    """What the newest commit of the main branch has. `more` is the address of all files, if not all are here."""

    entries: list[EntryLine]
    more: str | None
    readme: Markup | None
    commits: list[CommitLine]


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """Context of `repository.html`, with the `addresses` to clone from, by protocol.

    An empty repository has no `newest` commit.
    """

    here: Shown
    addresses: Mapping[Protocol, str]
    branches: int
    newest: Newest | None


async def _show(visit: Visit, reading: Reading) -> Response:
    repository = reading.repository
    addresses = clone_addresses(repository.full_name, visit.host.base_url, visit.host.settings.ssh_url)
    branches = (await page_of_branches(reading, PageRequest(1, 1, sort=LATEST_FIRST))).size
    tip = main_commit(reading)
    newest = None if tip is None else await _newest(reading, objects.commit(reading.folder, tip))
    context = RepositoryPage(await shown(visit, reading, ""), addresses, branches, newest)
    return render("repository.html", context, visit=visit)


async def _newest(reading: Reading, commit: Commit) -> Newest:
    entries = trees.entries(reading.folder, commit.tree)
    latest = (await page(reading, PageStart((commit.hash,)), _COMMITS)).commits
    return Newest(
        entry_lines(reading, commit.hash, entries[:_ENTRIES]),
        source_url(reading.repository, commit.hash) if len(entries) > _ENTRIES else None,
        await readme_of(reading, commit, entries),
        await lines_of(reading, latest),
    )


show = of_repository(_show)
