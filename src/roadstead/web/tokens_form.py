"""The form that creates a token: its name, what it may do, and how long it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from roadstead.connect.scopes import SCOPES
from roadstead.web.descriptor_view import Scope, in_words
from roadstead.web.scope_boxes import Box, boxes_of, ticked_in

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

    @property
    def has_all(self) -> bool:
        """Return whether the token shall have all scopes."""
        return _ALL in self.scopes


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


def token_form(wish: TokenWish | None) -> TokenForm:
    """Return the form, with what was submitted."""
    filled = wish or TokenWish()
    scopes = [Scope(_ALL, "Everything that you may do"), *in_words(sorted(SCOPES))]
    return TokenForm(filled.name, boxes_of(scopes, filled.scopes), list(EXPIRIES), filled.expires)
