"""The event of a comment on a commit."""

from typing import Any

import msgspec

from roadstead.bitbucket.commits.shapes import CommitShapes
from roadstead.bitbucket.repositories.shapes import announced_repository
from roadstead.domain.host import Host
from roadstead.domain.repositories.comments import find_comment, find_last_comment
from roadstead.domain.repositories.known import Known, html_without_links
from roadstead.events.payloads import Happening, Payload
from roadstead.model import Repository


async def _comment_created(host: Host, happening: Happening) -> Payload | None:
    """Build the payload from the comment as it was written, which may have been changed since."""
    repository, told = happening.repository, happening.told
    if repository is None:
        return None
    comment = await find_comment(host, repository, told["commit"], told["comment"])
    if comment is None:
        return None
    written = msgspec.structs.replace(comment, content=told["content"], updated_on=comment.created_on, is_deleted=False)
    shapes = CommitShapes(repository, host.base_url, Known({}, html_without_links([written.content])))
    return {
        "comment": shapes.comment(written),
        "commit": shapes.condensed(comment.commit_hash),
        "repository": announced_repository(repository, host.base_url),
    }


async def _sample(host: Host, repository: Repository) -> dict[str, Any] | None:
    comment = await find_last_comment(host, repository)
    if comment is None:
        return None
    return {"comment": comment.id, "commit": comment.commit_hash, "content": comment.content}


BUILDERS = {"repo:commit_comment_created": _comment_created}
SAMPLERS = {"repo:commit_comment_created": _sample}
