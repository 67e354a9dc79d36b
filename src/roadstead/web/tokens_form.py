"""Forms about tokens: the one that creates one, with its name, what it may do and how long it lasts, and others."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from roadstead.connect.scopes import SCOPES
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.errors import InvalidInput
from roadstead.web.descriptor_view import Scope, in_words
from roadstead.web.page import Visit
from roadstead.web.scope_boxes import Box, boxes_of, ticked_in
from roadstead.web.workspace_page import Action, Form

EXPIRIES: Mapping[str, timedelta] = {
    "30": timedelta(days=30),
    "90": timedelta(days=90),
    "365": timedelta(days=365),
}
"""The choices besides `NEVER`, by the number of days."""
NEVER = "never"
_ALL = "all"


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a visitor submitted. `scopes` are the ticked ones; the first box, for all of them, is one, too."""

    name: str = ""
    scopes: tuple[str, ...] = ()
    expires: str = "90"

    def granted(self) -> str | None:
        """Return the scopes, or `None` for all. Raise `InvalidInput` if none is ticked."""
        if not self.scopes:
            wrong = "Tick what the token may do."
            raise InvalidInput(wrong, fields={"scopes": [wrong]})
        return None if _ALL in self.scopes else " ".join(self.scopes)

    def lifetime(self) -> timedelta | None:
        """Return how long the token lasts, or `None` for ever. Raise `InvalidInput` if that is not chosen."""
        if self.expires not in (*EXPIRIES, NEVER):
            wrong = "Choose when the token expires."
            raise InvalidInput(wrong, fields={"expires": [wrong]})
        return EXPIRIES.get(self.expires)


@dataclass(frozen=True, slots=True)
class TokenForm:
    """The form as it is shown."""

    name: str
    boxes: list[Box]
    expiries: list[str]
    expires: str


def read_wish(form: Mapping[str, str]) -> TokenWish:
    """Return what was submitted."""
    return TokenWish(form.get("name", "").strip(), ticked_in(form), form.get("expires", ""))


def token_form(wish: TokenWish | None, everything: str) -> TokenForm:
    """Return the form, with what was submitted; `everything` says what a token may do that has all scopes."""
    filled = wish or TokenWish()
    scopes = [Scope(_ALL, everything), *in_words(sorted(SCOPES))]
    return TokenForm(filled.name, boxes_of(scopes, filled.scopes), list(EXPIRIES), filled.expires)


def access_token_form(typed: Form | None, place: str) -> TokenForm:
    """Return the form for an access token of a place, such as a project, with what was typed into a refused one."""
    return token_form(None if typed is None else read_wish(typed), f"Everything in this {place}")


async def create_as_wished(visit: Visit, form: Form, slug: str, key: str | None, repository: str | None = None) -> str:
    """Create the access token that a form describes; return it. Raise as `create_access_token` does."""
    wish = read_wish(form)
    token, _ = await create_access_token(
        visit.host,
        wish.name,
        slug,
        key,
        repository=repository,
        scopes=wish.granted(),
        lifetime=wish.lifetime(),
        by=visit.identity,
    )
    return token


def token_actions(
    create: Callable[[Visit, Form], Awaitable[Response]], revoke: Callable[[Visit, Form], Awaitable[None]]
) -> Mapping[str, Action]:
    """Return the forms of a page of access tokens."""
    asks = "Revoke the token {name}? Programs that send it are refused at once."
    return {"create": Action(create, "", "name"), "revoke": Action(revoke, "The token was revoked.", "id", asks=asks)}
