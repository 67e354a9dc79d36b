"""The commands of the pages about PostgreSQL, run as written, on a server of the tests."""

import os
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

from roadstead.cli.state import on_host
from roadstead.domain.apps.installations import get_registration, register
from roadstead.settings import Settings
from tests import postgres

HOW_TO = Path(__file__).parent.parent.parent / "docs" / "how-to"


def _commands(page: str, *programs: str) -> list[str]:
    """Return the lines of the page's consoles that begin with one of the programs, in their order."""
    consoles = re.findall(r"```console\n(.*?)```", (HOW_TO / page).read_text("utf-8"), re.DOTALL)
    lines = [line.removeprefix("$ ") for console in consoles for line in console.splitlines()]
    return [line for line in lines if line.split()[0] in programs]


def _run(command: str, server: postgres.Server, folder: Path, **environ: str) -> None:
    """Run a line as the server's administrator; type a requested password twice."""
    # The tests' administrator has the name that the page gives to the user it creates.
    named = re.sub(r"(?<![./])\broadstead(?!\.)", "harbour", command)
    done = subprocess.run(
        ["/bin/sh", "-euc", named],
        env={
            **os.environ,
            **environ,
            "PATH": f"{server.binaries}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": "roadstead",
            "PGDATABASE": "postgres",
        },
        cwd=folder,
        input="secret\nsecret\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal the password is read from standard input
    )
    assert done.returncode == 0, f"{named}\n{done.stderr}"


def test_a_database_is_made_used_dumped_and_restored_as_the_pages_say(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    """The page's user can use the page's database, and the one that is restored from a dump."""
    made = _commands("use-postgresql.md", "createuser", "createdb")
    assert [line.split()[0] for line in made] == ["createuser", "createdb"]
    for command in made:
        _run(command, postgresql, tmp_path)
    (told,) = _commands("use-postgresql.md", "export")
    url = shlex.split(told)[1].partition("=")[2]
    assert url == "postgresql://roadstead:PASSWORD@db.example:5432/roadstead"
    ours = f"postgresql://harbour:secret@127.0.0.1:{postgresql.port}/harbour"
    settings = Settings(tmp_path / "data", database_url=ours)
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))

    for command in _commands("run-on-a-server.md", "pg_dump", "createdb", "pg_restore"):
        _run(command, postgresql, tmp_path, ROADSTEAD_DATABASE_URL=ours)
    restored = replace(settings, database_url=f"{ours}_restored")
    registered = on_host(restored, lambda host: get_registration(host, "tide"))
    assert registered.descriptor_url == "https://tide.example/"
    on_host(restored, lambda host: register(host, "tide", "https://tide.example/again"))
