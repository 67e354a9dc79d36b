"""`/{workspace}/{repo}/branches/compare/{A}..{B}`: what differs between two commits. Payloads of pushes lead here.

Until there are pull requests, so does the address of a new one, which git prints after a push.
"""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadstead.domain.repositories.commit_diffs import changes_between
from roadstead.domain.repositories.commits import find_commit
from roadstead.domain.repositories.comparing import Sides, pair_of
from roadstead.domain.repositories.reading import Reading
from roadstead.web.page import NavigationLink, Visit, render
from roadstead.web.repositories.branches import TAB
from roadstead.web.repositories.changed_files import FileSection, sections_of
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.shown import Shown, name_in, of_repository, root, shown


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Context of `compare.html`: how `new` differs from `old`. Without `files`, the changes are not shown."""

    here: Shown
    new: CommitLine
    old: CommitLine
    files: list[FileSection] | None
    size: int


async def _show(visit: Visit, reading: Reading) -> Response:
    source, destination = pair_of(reading, name_in(visit, after=1))
    here = await shown(visit, reading, TAB, [NavigationLink(f"{root(reading.repository)}{TAB}", "Branches", False)])
    new, old = await lines_of(reading, [find_commit(reading.folder, one) for one in (source, destination)])
    sides = Sides(destination, source)
    changes = await changes_between(reading, sides)
    files = None if changes is None else list(sections_of(reading.repository, sides, changes))
    return render("compare.html", ComparePage(here, new, old, files, changes.size if changes else 0), visit=visit)


async def _lead_to_changes(visit: Visit, reading: Reading) -> Response:
    """Lead from the address of a new pull request to what a branch has that the main one lacks."""
    branch, main = visit.request.query_params.get("source"), reading.repository.mainbranch
    compared = f"compare/{quote(f'{branch}..{main}')}" if branch and main not in (None, branch) else ""
    return RedirectResponse(f"{root(reading.repository)}{TAB}{compared}", 302)


show = of_repository(_show)
lead_to_changes = of_repository(_lead_to_changes)
