"""The form that leads from one branch of a repository to another."""

from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from roadstead.domain.repositories.branches import LATEST_FIRST
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.refs import page_of_refs
from roadstead.listing import PageRequest
from roadstead.pushed import BRANCH_LIST
from roadstead.web.page import Visit
from roadstead.web.repositories.visible import visible_line

_MOST = 50


@dataclass(frozen=True, slots=True)
class Chooser:
    """The branches to choose from, by name with the name to show, and the one that is shown now.

    `action` is the address that leads on, to the file or folder of the `path`.
    """

    action: str
    path: str
    branches: list[tuple[str, str]]
    chosen: str


async def chooser(reading: Reading, tab: str, chosen: str, path: bytes = b"") -> Chooser:
    """Return the form with the branches of the latest commits, and with what is shown, a branch or not."""
    wanted = PageRequest(1, _MOST, sort=LATEST_FIRST)
    found = await page_of_refs(reading.host, reading.repository, ("branch",), BRANCH_LIST, wanted)
    names = [ref.name for ref in found.items]
    if chosen not in names:
        names.insert(0, chosen)
    branches = [(name, visible_line(name)) for name in names]
    return Chooser(f"/{reading.repository.full_name}{tab}", quote(path), branches, chosen)


def chosen_in(visit: Visit) -> tuple[str, bytes]:
    """Return the branch that was chosen, or nothing, and the path of the file or folder."""
    query = visit.request.query_params
    return query.get("at", ""), unquote_to_bytes(query.get("path", ""))
