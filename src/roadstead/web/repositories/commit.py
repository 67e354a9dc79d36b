"""`/{workspace}/{repo}/commits/{hash}`: a commit, and what it changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from starlette.responses import Response

from roadstead.domain.repositories.comments import page_of_comments
from roadstead.domain.repositories.commit_diffs import changes_between
from roadstead.domain.repositories.commits import find_commit
from roadstead.domain.repositories.comparing import sides_of_commit
from roadstead.domain.repositories.known import html_of, known_of_commits
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.statuses import page_of_statuses
from roadstead.git.objects import Commit
from roadstead.model.reviews import CommitComment, Inline
from roadstead.model.statuses import BuildState, CommitStatus
from roadstead.web.page import NavigationLink, Visit, render
from roadstead.web.repositories.changed_files import FileSection, sections_of
from roadstead.web.repositories.commit_lines import CommitLine, commit_url, lines_of
from roadstead.web.repositories.commits import TAB
from roadstead.web.repositories.shown import Shown, name_in, of_repository, root, short, shown, source_url
from roadstead.web.repositories.visible import visible, visible_line
from roadstead.web.workspace_page import Part, part_of, wanted_page

_MARKS: Mapping[BuildState, str] = {
    "SUCCESSFUL": "good",
    "FAILED": "error",
    "INPROGRESS": "warning",
    "STOPPED": "warning",
}


@dataclass(frozen=True, slots=True)
class CommentLine:
    """A comment: `place` says at which file and line it is, if at any."""

    id: int
    author: str
    on: datetime
    place: str
    html: Markup


@dataclass(frozen=True, slots=True)
class StatusLine:
    """What a build says of the commit. `mark` is how good that is."""

    state: str
    mark: str
    key: str
    name: str
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class CommitPage:
    """Context of `commit.html`. Without `files`, the changes are not shown; `size` is the number of all of them."""

    here: Shown
    line: CommitLine
    hash: str
    message: Markup
    parents: list[NavigationLink]
    source: str
    files: list[FileSection] | None
    size: int
    statuses: Part[StatusLine]
    comments: Part[CommentLine]


async def _show(visit: Visit, reading: Reading) -> Response:
    commit = find_commit(reading.folder, name_in(visit))
    here = await shown(visit, reading, TAB, [NavigationLink(f"{root(reading.repository)}{TAB}", "Commits", False)])
    known = await known_of_commits(reading, [commit])
    (line,) = await lines_of(reading, [commit])
    sides = sides_of_commit(commit)
    changes = await changes_between(reading, sides)
    context = CommitPage(
        here,
        line,
        commit.hash,
        Markup(known.html[commit.message]),  # noqa: S704  # it was sanitised
        [NavigationLink(commit_url(reading.repository, one), short(one), current=False) for one in commit.parents],
        source_url(reading.repository, commit.hash),
        None if changes is None else list(sections_of(reading.repository, sides, changes)),
        0 if changes is None else changes.size,
        await _statuses(visit, reading, commit),
        await _comments(visit, reading, commit),
    )
    return render("commit.html", context, visit=visit)


async def _statuses(visit: Visit, reading: Reading, commit: Commit) -> Part[StatusLine]:
    wanted = wanted_page(visit, "statuses")
    found = await page_of_statuses(reading.host, reading.repository, commit.hash, None, wanted)
    lines = [_status(one) for one in found.items]
    return part_of(commit_url(reading.repository, commit.hash), found.of(lines), "statuses")


def _status(status: CommitStatus) -> StatusLine:
    name, description = visible_line(status.name or status.key), visible(status.description)
    return StatusLine(status.state, _MARKS[status.state], visible_line(status.key), name, status.url, description)


async def _comments(visit: Visit, reading: Reading, commit: Commit) -> Part[CommentLine]:
    wanted = wanted_page(visit, "comments")
    found = await page_of_comments(reading.host, reading.repository, commit.hash, wanted)
    written = [one for one in found.items if not one.is_deleted]
    html = await html_of(reading, [one.content for one in written])
    lines = [_comment(one, html[one.content]) for one in written]
    return part_of(commit_url(reading.repository, commit.hash), found.of(lines), "comments")


def _comment(comment: CommitComment, html: str) -> CommentLine:
    author = comment.user.display_name if comment.user else "An app"
    # The renderer has sanitised it.
    return CommentLine(comment.id, author, comment.created_on, _place(comment.inline), Markup(html))  # noqa: S704


def _place(inline: Inline | None) -> str:
    if inline is None:
        return ""
    line = inline.line_from if inline.line_to is None else inline.line_to
    return visible_line(inline.path if line is None else f"{inline.path}:{line}")


show = of_repository(_show)
