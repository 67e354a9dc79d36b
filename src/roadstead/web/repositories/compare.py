"""`/{workspace}/{repo}/branches/compare/{A}..{B}`: what differs between two commits. Payloads of pushes lead here."""

from dataclasses import dataclass

from starlette.responses import Response

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


show = of_repository(_show)
