"""The files in deploy/ pass `deploy/check`, and the check finds relevant faults."""

import importlib.util
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@pytest.mark.slow
def test_the_files_pass_their_check() -> None:
    """The commands of the unit and the container serve, notify systemd, and stop; the rest is consistent."""
    done = subprocess.run(
        [sys.executable, str(DEPLOY / "check")], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines()} <= {"ok", "skipped"}


@pytest.fixture
def check(tmp_path: Path) -> Any:
    """Return the script, working on a copy of the files that a test may change."""
    loader = SourceFileLoader("deploy_check", str(DEPLOY / "check"))
    spec = importlib.util.spec_from_loader("deploy_check", loader)
    assert spec is not None
    script: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    script.FOLDER = shutil.copytree(DEPLOY, tmp_path / "deploy")
    return script


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("file", "function", "there", "instead"),
    [
        ("Containerfile", "check_container_file", "python:3.11-slim-bookworm AS", "python:latest AS"),
        ("Containerfile", "check_container_file", "python:3.11-slim-bookworm AS", "python AS"),
        ("Containerfile", "check_container_file", "--require-hashes", ""),
        ("Containerfile", "check_container_file", "COPY dist/roadstead-0.1.0", "COPY dist/roadstead-0.0.9"),
        ("Containerfile", "check_container_file", "COPY requirements/runtime.txt", "COPY requirements/dev.txt"),
        ("Containerfile", "check_container_file", "USER 10001", "USER root"),
        ("Containerfile", "check_container_file", "VOLUME /var/lib/roadstead", "VOLUME /data"),
        ("Containerfile", "check_container_runs", "ROADSTEAD_HOST", "ROADSTEAD_ADDRESS"),
        ("Containerfile", "check_container_runs", 'CMD ["serve"]', 'CMD ["serve", "--listen", "0.0.0.0"]'),
        ("roadstead.service", "check_filter", "SystemCallFilter=setpriority", "# none"),
        ("roadstead.service", "check_unit_runs", "--data", "--state"),
        ("roadstead.service", "check_unit_runs", "Type=notify", "Type=exec"),
        ("roadstead.service", "check_unit_runs", "StateDirectory=roadstead", "StateDirectory=harbour"),
        ("roadstead-backup.service", "check_backup_runs", "$(date +%%Y-%%m-%%dT%%H%%M%%S)", "last-night"),
        ("roadstead-backup.service", "check_backup_runs", "-mtime +14", "-mtime +140"),
        ("nginx.conf", "check_proxy", "http://roadstead;", "http://roadstead/;"),
        ("nginx.conf", "check_proxy", "X-Forwarded-For", "X-Client"),
        ("nginx.conf", "check_proxy", "client_max_body_size 17m", "client_max_body_size 1m"),
        ("roadstead-alerts.yml", "check_alerts", "roadstead_database_up", "roadstead_database_down"),
    ],
)
def test_what_is_wrong_is_found(check: Any, file: str, function: str, there: str, instead: str) -> None:
    """Each of these faults would fail, or be unsafe, where the file is used."""
    text = (check.FOLDER / file).read_text("utf-8")
    assert there in text
    (check.FOLDER / file).write_text(text.replace(there, instead), "utf-8")
    with pytest.raises(check.Wrong):
        getattr(check, function)()
