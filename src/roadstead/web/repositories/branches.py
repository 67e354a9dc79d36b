"""`/{workspace}/{repo}/branches/`: the branches of a repository, each with its last commit."""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.domain.repositories.branches import LATEST_FIRST, page_of_branches
from roadstead.domain.repositories.reading import Reading
from roadstead.web.page import Visit, render
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.shown import Shown, commits_url, of_repository, root, shown
from roadstead.web.repositories.visible import visible_line
from roadstead.web.workspace_page import Part, part_of, wanted_page

TAB = "/branches/"


@dataclass(frozen=True, slots=True)
class BranchLine:
    """A branch in the list: `url` is the page of its commits."""

    url: str
    name: str
    is_main: bool
    commit: CommitLine


@dataclass(frozen=True, slots=True)
class BranchesPage:
    """Context of `branches.html`."""

    here: Shown
    branches: Part[BranchLine]


async def _show(visit: Visit, reading: Reading) -> Response:
    repository = reading.repository
    found = await page_of_branches(reading, wanted_page(visit, sort=LATEST_FIRST))
    commits = await lines_of(reading, [branch.commit for branch in found.items])
    lines = [
        BranchLine(commits_url(repository, name), visible_line(name), name == repository.mainbranch, commit)
        for (name, _), commit in zip(found.items, commits, strict=True)
    ]
    part = part_of(f"{root(repository)}{TAB}", found.of(lines))
    return render("branches.html", BranchesPage(await shown(visit, reading, TAB), part), visit=visit)


show = of_repository(_show)
