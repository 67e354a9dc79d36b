"""Commits as lines of a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from roadstead.domain.repositories.people import users_of
from roadstead.domain.repositories.reading import Reading
from roadstead.git.objects import Commit, Signature
from roadstead.model import Repository, User
from roadstead.web.repositories.shown import root, short
from roadstead.web.repositories.visible import visible_line

_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class CommitLine:
    """A commit in a list: `url` is its page, `short` the beginning of its hash, `author` a name."""

    url: str
    short: str
    subject: str
    author: str
    on: datetime


async def lines_of(reading: Reading, commits: Sequence[Commit]) -> list[CommitLine]:
    """Return commits as lines; authors who have an account are named as there."""
    users = await users_of(reading.host, [commit.author for commit in commits])
    return [_line(reading.repository, commit, users) for commit in commits]


def _line(repository: Repository, commit: Commit, users: Mapping[str, User]) -> CommitLine:
    return CommitLine(
        commit_url(repository, commit.hash),
        short(commit.hash),
        subject_of(commit),
        name_of(commit.author, users),
        commit.committer.on,
    )


def commit_url(repository: Repository, hash_: str) -> str:
    """Return the address of a commit's page."""
    return f"{root(repository)}/commits/{hash_}"


def subject_of(commit: Commit) -> str:
    """Return the first line of a commit's message."""
    first = visible_line(commit.message.strip().partition("\n")[0].strip())
    if not first:
        return "(no message)"
    return first if len(first) <= _LONGEST_SUBJECT else f"{first[:_LONGEST_SUBJECT]}…"


def name_of(signature: Signature, users: Mapping[str, User]) -> str:
    """Return the name of who signed a commit: that of the account, or else the one that git has."""
    user = users.get(signature.email.lower())
    return visible_line(user.display_name if user else signature.name or signature.email) or "(no name)"
