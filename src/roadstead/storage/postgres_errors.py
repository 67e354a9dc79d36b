"""Translate the errors of PostgreSQL and its driver into errors of the domain."""

import logging
from typing import NoReturn

import asyncpg

from roadstead.errors import InvalidInput, StorageBusy, StorageUnavailable, StorageUnusable
from roadstead.storage.database import AlreadyThere

log = logging.getLogger("roadstead.storage")

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

_UNUSABLE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((asyncpg.InvalidCatalogNameError,), "Create the database, or correct the name in --database-url."),
    (
        (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError),
        "Check user and password in --database-url; the user needs to own the database.",
    ),
    ((asyncpg.ClientConfigurationError,), "Check --database-url: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
)

_PASSING = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InsufficientResourcesError,
)
_REFUSED = (asyncpg.ProtocolViolationError, asyncpg.ConnectionRejectionError)
"""The server, or a pooler in front of it, refuses the connection, for a while or permanently."""
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


def translate(exc: BaseException) -> None:
    """Raise the domain's error for a driver's error, and do nothing for another."""
    if not isinstance(exc, DRIVER_ERRORS):
        return
    if isinstance(exc, asyncpg.UniqueViolationError):
        raise AlreadyThere(str(exc)) from exc
    if isinstance(exc, (asyncpg.CharacterNotInRepertoireError, asyncpg.ProgramLimitExceededError)):
        raise InvalidInput("A text contains a character that cannot be stored.", f"{_first_line(exc)}.") from exc
    for kinds, advice in _UNUSABLE:
        if isinstance(exc, kinds):
            raise StorageUnusable("The database cannot be used.", f"{_first_line(exc)}. {advice}") from exc
    if isinstance(exc, _PASSING):
        raise StorageBusy("The database is busy.", f"{_first_line(exc)}; try again in a moment.") from exc
    if isinstance(exc, _REFUSED):
        raise StorageUnavailable("The database refuses the connection.", f"It says: {_first_line(exc)}.") from exc
    if isinstance(exc, _AWAY):
        raise StorageUnavailable("The database is unreachable.", f"{_first_line(exc)}; try again in a moment.") from exc
    _refuse_unexpected(exc)


def _refuse_unexpected(exc: BaseException) -> NoReturn:
    log.error("unexpected database error", exc_info=exc)
    raise StorageUnavailable("The database reported an error.", _first_line(exc)) from exc


def _first_line(exc: BaseException) -> str:
    lines = str(exc).splitlines()
    return lines[0].rstrip(".") if lines else "It did not answer in time"


class Translated:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        if exc is not None:
            translate(exc)


translated = Translated()
