"""Application properties: JSON objects that apps keep beside repositories, commits and users."""

from typing import NamedTuple

from roadstead.storage.database import Reader, Transaction
from roadstead.storage.tables import PROPERTIES


class Subject(NamedTuple):
    """What a property is of: a user, a repository, or a commit of a repository."""

    user_id: int | None = None
    repository_id: int | None = None
    commit_hash: str = ""


class Property(NamedTuple):
    """The value, as JSON, that an installation of an app keeps."""

    installation_id: int
    value: str


async def find_properties(reader: Reader, subject: Subject, app_key: str, name: str) -> list[Property]:
    """Return the properties of one name of all installations of an app, the oldest installation first."""
    rows = await reader.read(
        "SELECT p.installation_id, p.value FROM properties p JOIN installations i ON i.id = p.installation_id "
        f"WHERE {_is_of(subject)} AND p.name = ? AND i.app_key = ? ORDER BY p.installation_id",
        *_arguments(subject),
        name,
        app_key,
    )
    return [Property(*row) for row in rows]


async def find_property(reader: Reader, installation_id: int, subject: Subject, name: str) -> str | None:
    """Return the value of an installation's property."""
    rows = await reader.read(
        f"SELECT p.value FROM properties p WHERE {_is_of(subject)} AND p.name = ? AND p.installation_id = ?",
        *_arguments(subject),
        name,
        installation_id,
    )
    return rows[0][0] if rows else None


async def add_property(tx: Transaction, installation_id: int, subject: Subject, name: str, value: str) -> None:
    """Add a property that the installation does not have."""
    cells = subject._asdict()
    await tx.run(*PROPERTIES.insert(installation_id=installation_id, name=name, value=value, **cells))


async def delete_property(tx: Transaction, installation_id: int, subject: Subject, name: str) -> None:
    """Delete a property, which may be there or not."""
    await tx.run(
        f"DELETE FROM properties AS p WHERE {_is_of(subject)} AND p.name = ? AND p.installation_id = ?",
        *_arguments(subject),
        name,
        installation_id,
    )


async def drop_properties(tx: Transaction, installation_id: int) -> None:
    """Delete all properties of an installation."""
    await tx.run_bulk("DELETE FROM properties WHERE installation_id = ?", installation_id)


async def drop_of_repository(tx: Transaction, repository_id: int) -> None:
    """Delete the properties of a repository and its commits."""
    await tx.run_bulk("DELETE FROM properties WHERE repository_id = ?", repository_id)


def _is_of(subject: Subject) -> str:
    return "p.repository_id = ? AND p.commit_hash = ?" if subject.user_id is None else "p.user_id = ?"


def _arguments(subject: Subject) -> tuple[int | str | None, ...]:
    return subject[1:] if subject.user_id is None else (subject.user_id,)
