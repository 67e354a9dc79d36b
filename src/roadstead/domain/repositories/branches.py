"""The branches of a repository, each with its last commit."""

from typing import NamedTuple

from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.refs import page_of_refs
from roadstead.git import objects
from roadstead.git.objects import Commit
from roadstead.listing import PageRequest, Slice
from roadstead.pushed import BRANCH_LIST
from roadstead.query import Sort

LATEST_FIRST = Sort("target.date", descending=True)


class Branch(NamedTuple):
    """A branch and its last commit."""

    name: str
    commit: Commit


async def page_of_branches(reading: Reading, wanted: PageRequest) -> Slice[Branch]:
    """Return a page of the branches."""
    found = await page_of_refs(reading.host, reading.repository, ("branch",), BRANCH_LIST, wanted)
    named = [(ref.name, ref.commit_hash) for ref in found.items]
    return found.of([Branch(name, objects.commit(reading.folder, hash_)) for name, hash_ in named if hash_])
