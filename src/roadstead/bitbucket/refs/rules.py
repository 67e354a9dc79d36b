"""Read the commits and tag objects of branches and tags from git."""

from collections.abc import Sequence
from pathlib import Path

from roadstead.bitbucket.refs.model import ResolvedRef
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.known import Known
from roadstead.domain.repositories.people import users_of
from roadstead.git import objects
from roadstead.model import Repository
from roadstead.pushed import Ref


async def read(host: Host, repository: Repository, refs: Sequence[Ref]) -> tuple[list[ResolvedRef], Known]:
    """Return branches and tags with their objects, and the accounts of authors and taggers."""
    folder = folder_of(host, repository)
    found = [_found(folder, ref) for ref in refs]
    authors = [one.commit.author for one in found if one.commit is not None]
    taggers = [one.tag.tagger for one in found if one.tag is not None and one.tag.tagger is not None]
    return found, Known(await users_of(host, [*authors, *taggers]), {})


def _found(folder: Path, ref: Ref) -> ResolvedRef:
    commit = None if ref.commit_hash is None else objects.commit(folder, ref.commit_hash)
    is_annotated = ref.target != ref.commit_hash and objects.kind_of(folder, ref.target) == "tag"
    return ResolvedRef(ref, commit, objects.tag(folder, ref.target) if is_annotated else None)
