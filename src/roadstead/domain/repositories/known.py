"""The accounts of the authors of commits, and the texts of commits and comments as HTML."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from roadstead.domain.rendering.markdown import as_it_is, to_html
from roadstead.domain.repositories.people import users_of
from roadstead.domain.repositories.reading import Reading
from roadstead.git import revisions
from roadstead.git.objects import Commit, Signature
from roadstead.model import User


class Known(NamedTuple):
    """What shapes of commits need beside git: accounts by e-mail address in lower case, and the HTML of texts."""

    users: Mapping[str, User]
    html: Mapping[str, str]

    def user(self, signature: Signature) -> User | None:
        """Return the account that a signature of a commit or a tag names."""
        return self.users.get(signature.email.lower())


NOTHING = Known({}, {})
_LONGEST_AT_ONCE = 2_000
"""Characters of a text that the loop reads as Markdown."""


async def known_of_commits(reading: Reading, commits: Iterable[Commit]) -> Known:
    """Return the accounts of the authors of commits, and the HTML of their messages."""
    found = list(commits)
    return Known(
        await users_of(reading.host, [commit.author for commit in found]),
        await html_of(reading, [commit.message for commit in found]),
    )


def html_without_links(texts: Iterable[str]) -> Mapping[str, str]:
    """Return the HTML of texts, by text, without links of apps, users and commits, and without the colours of code.

    Long ones are not read as Markdown.
    """
    return {
        text: to_html(text, {}, colours=False) if len(text) <= _LONGEST_AT_ONCE else as_it_is(text) for text in texts
    }


async def html_of(reading: Reading, texts: Iterable[str]) -> Mapping[str, str]:
    """Return the HTML of texts that people wrote in a repository, by text."""
    wanted = list(dict.fromkeys(texts))
    _, repository, caller, renderer = reading
    folder, address = reading.folder, f"/{repository.full_name}/commits/"

    def commits(words: AbstractSet[str]) -> dict[str, str]:
        return {word: address + word for word in words if revisions.find(folder, word) is not None}

    html = await renderer.render(wanted, repository.workspace.slug, caller, commits)
    return dict(zip(wanted, html, strict=True))
