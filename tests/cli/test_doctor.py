"""What `doctor` finds in set-ups that are wrong in one way each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from roadstead.cli.doctor import examine
from roadstead.cli.state import on_host
from roadstead.domain.installations import register
from roadstead.settings import Settings
from tests.cli.conftest import Roadstead


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A set-up in which all is well, but that no host is running."""
    settings = Settings(data=tmp_path / "data", base_url="http://localhost:1")
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))
    return settings


def expose_key(data: Path) -> None:
    (data / "secret.key").chmod(0o644)


def lose_key(data: Path) -> None:
    (data / "secret.key").unlink()


def expose_folder(data: Path) -> None:
    data.chmod(0o755)


def break_key(data: Path) -> None:
    (data / "secret.key").write_text("not a key")


def break_database(data: Path) -> None:
    for file in data.glob("roadstead.db*"):
        file.write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize(
    ("damage", "check", "status"),
    [
        (expose_key, "key", "problem"),
        (lose_key, "key", "problem"),
        (expose_folder, "data folder", "warning"),
        (break_key, "database", "problem"),
        (break_database, "database", "problem"),
    ],
)
def test_damage_is_found(settings: Settings, damage: Callable[[Path], None], check: str, status: str) -> None:
    """Each kind of damage shows at its own line, with what to do about it."""
    assert all(found.status == "ok" for found in examine(settings) if found.name == check)
    damage(settings.data)
    (found,) = (found for found in examine(settings) if found.name == check)
    assert found.status == status
    assert found.advice


def test_lost_key_is_not_replaced(settings: Settings) -> None:
    """Looking does not make a new key, which would hide what happened."""
    lose_key(settings.data)
    list(examine(settings))
    assert not (settings.data / "secret.key").exists()


def test_foreign_key_is_found(roadstead: Roadstead, serve_app: Callable[..., str]) -> None:
    """A key that is not the one the secrets were sealed with is a problem of the database."""
    assert roadstead.call("install", serve_app(status=200, body=b"")).returncode == 0
    (roadstead.data / "secret.key").write_bytes(Fernet.generate_key())
    done = roadstead.call("doctor", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["healthy"] is False
    statuses = {check["name"]: check["status"] for check in document["checks"]}
    assert statuses["database"] == "problem"


def test_nothing_is_made_by_looking(roadstead: Roadstead) -> None:
    """On a machine where Roadstead was never started all is well, and stays untouched."""
    done = roadstead.call("doctor")
    assert done.returncode == 0
    assert b"holds nothing yet" in done.stdout
    assert not roadstead.data.exists()
