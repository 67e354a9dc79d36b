"""Files that differ between two commits, as sections of a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from roadstead.domain.repositories.commit_diffs import Comparison, FileDiff, Run
from roadstead.domain.repositories.comparing import Sides
from roadstead.model import Repository
from roadstead.web.repositories.shown import source_url
from roadstead.web.repositories.visible import visible, visible_path


@dataclass(frozen=True, slots=True)
class FileSection:
    """A file that differs. `url` is its page, and `notes` say what is not in its lines."""

    url: str
    name: str
    status: str
    added: int | None
    removed: int | None
    notes: list[str]
    runs: list[Run]


def sections_of(repository: Repository, sides: Sides, changes: Comparison) -> Iterator[FileSection]:
    """Yield a section for each file; one that was removed has its page at the old commit."""
    for file in changes.files:
        change = file.change
        where = (sides.new, change.new) if change.new is not None else (sides.old or "", change.old or b"")
        yield FileSection(
            source_url(repository, *where),
            visible_path(change.new or change.old or b""),
            change.status,
            change.lines_added,
            change.lines_removed,
            list(_notes(file)),
            [Run(run.kind, visible(run.text)) for run in file.runs],
        )


def _notes(file: FileDiff) -> Iterator[str]:
    """Yield what there is to say of a file's change beside its lines."""
    change = file.change
    if change.status == "renamed" and change.old is not None:
        yield f"Renamed from {visible_path(change.old)}."
    if change.old_mode != change.new_mode and change.old is not None and change.new is not None:
        yield f"The mode changed from {change.old_mode:o} to {change.new_mode:o}."
    if change.lines_added is None:
        yield "The file is binary."
    elif file.is_cut:
        yield "Not all lines are shown." if file.runs else "The lines are not shown: there are too many on this page."
    elif not file.runs and change.status in ("added", "removed"):
        yield "The file is empty."
