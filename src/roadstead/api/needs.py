"""The needs of operations, as values. Refusals and the document's `security` follow from them."""

from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial

from starlette.requests import Request

from roadstead.api import auth
from roadstead.domain.host import Host
from roadstead.model import Identity, Privilege

_ANY = ("jwt", "bearer", "basic")


class Need:
    """A rule that finds the caller of a request, or refuses. `credentials` are the schemes of the OpenAPI document.

    `open_here` says that a caller needs no credential, everywhere or on this machine. `least` is the privilege that the
    caller must have within the address, see `Group`.
    """

    least: Privilege | None = None

    def __init__(
        self,
        name: str,
        identify: Callable[[Request, Host], Awaitable[Identity]],
        credentials: tuple[str, ...],
        *,
        open_here: bool = False,
    ) -> None:
        self.name = name
        self.identify = identify
        self.credentials = credentials
        self.open_here = open_here

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """Return the alternatives, as OpenAPI writes them."""
        taken: list[dict[str, list[str]]] = [{name: []} for name in self.credentials]
        return [{}, *taken] if self.open_here else taken

    @property
    def refuses(self) -> tuple[int, ...]:
        """Return the statuses with which a caller may be refused."""
        return (401, 403, 429) if self.credentials else ()


class Scope(Need):
    """Any valid credential whose scopes include this one, or all of the granular ones, which API tokens may have.

    With `None` as the scope, only a credential that has nothing but granular ones is refused for its scopes.
    """

    def __init__(self, scope: str | None, *granular: str) -> None:
        name = "any credential" if scope is None else f"scope {scope}"
        super().__init__(name, partial(auth.holder_of, scope, granular), _ANY)
        self.scope = scope

    def __and__(self, least: Privilege) -> "Scope":
        """Return the need of the scope and of a privilege, as in `Scope("repository:write") & "write"`."""
        both = copy(self)
        both.name, both.least = f"{self.name}, {least}", least
        return both


class OpenScope(Scope):
    """As `Scope`, for what may be public: a caller without a credential is admitted, and sees that alone."""

    def __init__(self, scope: str, *granular: str) -> None:
        super().__init__(scope, *granular)
        self.identify = partial(auth.holder_or_anyone, scope, granular)
        self.open_here = True


class OwnScope(Scope):
    """As `Scope`, for what is a user's own: an access token is refused, because it is no person's."""

    def __init__(self, scope: str, *granular: str) -> None:
        super().__init__(scope, *granular)
        self.identify = partial(auth.person_of, scope, granular)


ANYONE = Need("nothing", auth.anyone, (), open_here=True)
APP_JWT = Need("app JWT", auth.app_jwt, ("jwt",))
OPERATOR = Need("operator, or this machine", auth.operator, ("bearer", "basic"), open_here=True)
ANY_CREDENTIAL_OR_LOCAL = Need("any credential, or this machine", auth.any_credential_or_local, _ANY, open_here=True)
