"""What the host knows about commits and comments beside what git or a row says: accounts, and texts as HTML."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.git.objects import Commit, Signature
from roadstead.model import Repository, User
from roadstead.storage.users import find_by_emails

_BETWEEN_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


class Known(NamedTuple):
    """The accounts of people by their addresses in lower case, and the HTML of texts."""

    users: Mapping[str, User]
    html: Mapping[str, str]

    def user(self, signature: Signature) -> User | None:
        """Return the account of who signed a commit or a tag."""
        return self.users.get(signature.email.lower())


NOTHING = Known({}, {})


async def known_of_commits(host: Host, repository: Repository, commits: Iterable[Commit]) -> Known:
    """Return what is known of commits with their messages."""
    found = list(commits)
    return Known(
        await users_of(host, [commit.author for commit in found]),
        html_of(repository, [commit.message for commit in found]),
    )


async def users_of(host: Host, signatures: Iterable[Signature]) -> Mapping[str, User]:
    """Return the people who have confirmed the addresses of signatures, by address in lower case."""
    addresses = {signature.email.lower() for signature in signatures}
    return await find_by_emails(host.store.database, sorted(address for address in addresses if "@" in address))


def html_of(repository: Repository, texts: Iterable[str]) -> Mapping[str, str]:
    """Return the HTML of texts that people wrote in a repository."""
    return {text: _paragraphs(text) for text in texts}


def _paragraphs(text: str) -> str:
    """Return a text as paragraphs, in which nothing is markup."""
    parts = _BETWEEN_PARAGRAPHS.split(text.replace("\r\n", "\n").strip())
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in parts if part)
