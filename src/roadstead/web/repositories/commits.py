"""`/{workspace}/{repo}/commits/`, and below it `branch/{name}` and `tag/{name}`: commits, the latest first."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.domain.repositories.commits import find_tip
from roadstead.domain.repositories.history import PageStart, page, start_of, text_of
from roadstead.domain.repositories.reading import Reading
from roadstead.pushed import RefKind
from roadstead.web.page import Visit, render
from roadstead.web.repositories.chooser import chooser, chosen_in
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.shown import Shown, commits_url, main_commit, name_in, of_repository, shown
from roadstead.web.repositories.visible import visible_line

TAB = "/commits/"
_LENGTH = 30


@dataclass(frozen=True, slots=True)
class CommitsPage:
    """Context of `commits.html`. `of` says whose commits they are; `older` and `newest` are addresses of pages."""

    here: Shown
    of: str
    commits: list[CommitLine]
    older: str | None
    newest: str | None


async def _show_main(visit: Visit, reading: Reading) -> Response:
    chosen, _ = chosen_in(visit)
    if chosen:
        return RedirectResponse(commits_url(reading.repository, chosen), 302)
    main = reading.repository.mainbranch
    of = "" if main is None else f"of the main branch, {visible_line(main)}"
    return await _page(visit, reading, main_commit(reading), of, main or "")


async def _show_branch(visit: Visit, reading: Reading) -> Response:
    return await _show_ref(visit, reading, "branch")


async def _show_tag(visit: Visit, reading: Reading) -> Response:
    return await _show_ref(visit, reading, "tag")


async def _show_ref(visit: Visit, reading: Reading, kind: RefKind) -> Response:
    name = name_in(visit, after=1)
    tip = find_tip(reading.folder, kind, name)
    return await _page(visit, reading, tip, f"of the {kind} {visible_line(name)}", name)


async def _page(visit: Visit, reading: Reading, tip: str | None, of: str, name: str) -> Response:
    after = visit.request.query_params.get("after")
    here = await shown(visit, reading, TAB, chooser=await chooser(reading, TAB, name))
    if tip is None:
        return render("commits.html", CommitsPage(here, of, [], None, None), visit=visit)
    found = await page(reading, PageStart((tip,)) if after is None else start_of(after), _LENGTH)
    path = visit.request.scope["raw_path"].decode("latin-1")
    older = None if found.next is None else f"{path}?{urlencode({'after': text_of(found.next)})}"
    lines = await lines_of(reading, found.commits)
    return render("commits.html", CommitsPage(here, of, lines, older, None if after is None else path), visit=visit)


async def _lead_to_branch(visit: Visit, reading: Reading) -> Response:
    """Lead from the address that links of the API have to the branch's commits."""
    return RedirectResponse(commits_url(reading.repository, name_in(visit)), 302)


show_main = of_repository(_show_main)
show_branch = of_repository(_show_branch)
show_tag = of_repository(_show_tag)
lead_to_branch = of_repository(_lead_to_branch)
