"""The members of a repository in the body of a request, and the limits of each."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from roadstead.domain.names import LONGEST_DESCRIPTION, LONGEST_NAME, is_name, is_text
from roadstead.domain.slugs import LONGEST, slug_of
from roadstead.errors import InvalidInput, invalid_member
from roadstead.model import FORK_POLICIES, Project

_SLUG = re.compile(rf"[a-z0-9_.-]{{1,{LONGEST}}}", re.ASCII)
_LONGEST_LANGUAGE = 50


@dataclass(frozen=True, slots=True)
class RepositoryChanges:
    """The members that a body gives of a repository. A project is named by its key or UUID; `""` is no website."""

    name: str | None = None
    description: str | None = None
    is_private: bool | None = None
    fork_policy: str | None = None
    language: str | None = None
    has_issues: bool | None = None
    has_wiki: bool | None = None
    website: str | None = None
    project: str | None = None
    mainbranch: str | None = None

    def members(self) -> dict[str, Any]:
        """Return the given members, without project and main branch, which must exist. Raise `InvalidInput`."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        members = {name: value for name, value in given.items() if name not in ("project", "mainbranch")}
        wrong = dict(_wrong(members))
        if wrong:
            raise InvalidInput("Bad request", fields=wrong)
        return {name: value or None if name == "website" else value for name, value in members.items()}


def _wrong(members: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names of members that break a limit, each with the limit."""
    wrong = []
    if not is_name(members.get("name", "x")):
        wrong.append(("name", f"Use 1 to {LONGEST_NAME} printable characters."))
    for name, longest in (
        ("description", LONGEST_DESCRIPTION),
        ("website", LONGEST_NAME),
        ("language", _LONGEST_LANGUAGE),
    ):
        if not is_text(members.get(name, ""), longest):
            wrong.append((name, f"Use at most {longest} characters, and no NUL."))
    if members.get("fork_policy", FORK_POLICIES[0]) not in FORK_POLICIES:
        wrong.append(("fork_policy", f"not one of {', '.join(FORK_POLICIES)}"))
    return wrong


def check_slug(slug: str) -> None:
    """Raise `InvalidInput` for a text that is no slug of a repository. `.git` ends the address for git."""
    is_slug = _SLUG.fullmatch(slug) and slug.strip(".") and not slug.endswith(".git")
    if not is_slug or slug_of(slug) != slug:
        raise InvalidInput(
            "Invalid slug. Slugs must be lowercase, alphanumerical, and may also contain underscores, dashes, or dots."
        )


def check_privacy(project: Project, *, is_private: bool) -> None:
    """Raise `InvalidInput` for a public repository of a private project."""
    if project.is_private and not is_private:
        advice = "Name a public project, or make this one public."
        raise invalid_member("is_private", "A private project cannot have public repositories.", advice)


def slug_taken() -> InvalidInput:
    """Return the cloud's refusal of a second repository of one slug."""
    return InvalidInput(
        "Repository with this Slug and Owner already exists.",
        fields={"name": ["You already have a repository with this name."]},
    )
