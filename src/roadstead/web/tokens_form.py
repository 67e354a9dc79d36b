"""The form that creates a token: its name, what it may do, and how long it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from roadstead.connect.scopes import SCOPES
from roadstead.web.descriptor_view import Scope, in_words

EXPIRIES: Mapping[str, timedelta] = {
    "30": timedelta(days=30),
    "90": timedelta(days=90),
    "365": timedelta(days=365),
}
"""The choices besides `NEVER`, by the number of days."""
NEVER = "never"
_ALL = "all"
_FIELD = "scope:"
"""The beginning of the name of a scope's box."""


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
class Box:
    """The box of a scope."""

    field: str
    scope: Scope
    ticked: bool


@dataclass(frozen=True, slots=True)
class TokenForm:
    """The form as it is shown."""

    name: str
    boxes: list[Box]
    expiries: list[str]
    expires: str


def read_wish(form: Mapping[str, str]) -> TokenWish:
    """Return what was submitted."""
    ticked = tuple(name.removeprefix(_FIELD) for name in form if name.startswith(_FIELD))
    return TokenWish(form.get("name", "").strip(), ticked, form.get("expires", ""))


def token_form(wish: TokenWish | None) -> TokenForm:
    """Return the form, with what was submitted."""
    filled = wish or TokenWish()
    scopes = [Scope(_ALL, "Everything that you may do"), *in_words(sorted(SCOPES))]
    boxes = [Box(f"{_FIELD}{one.name}", one, one.name in filled.scopes) for one in scopes]
    return TokenForm(filled.name, boxes, list(EXPIRIES), filled.expires)
