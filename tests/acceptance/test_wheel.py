"""The wheel: it contains everything that the program needs, and runs without the checkout."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this checkout, built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(
        sys.executable, "-m", "pip", "wheel", *_QUIET, "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)
    )
    (built,) = folder.iterdir()
    return built


_QUIET = ("--quiet", "--disable-pip-version-check")


def _run(*command: str, **environ: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ}, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    """The wheel has templates, styles, scripts, schema changes and documents beside the code, and nothing else."""
    source = ROOT / "src"
    there = {
        str(file.relative_to(source))
        for file in (source / "roadstead").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    there |= {f"roadstead/docs/{file.relative_to(ROOT / 'docs')}" for file in (ROOT / "docs").rglob("*.*")}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == there
    assert {Path(name).suffix for name in packed} >= {".py", ".sql", ".html", ".css", ".js", ".typed"}


@pytest.mark.slow
def test_the_wheel_runs_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """Installed by pip, it has a command, its requirements suffice, and it serves API, pages and styles."""
    _run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    python, program = (str(tmp_path / "venv" / "bin" / name) for name in ("python", "roadstead"))
    _run(python, "-m", "pip", "install", *_QUIET, "--no-index", "--no-deps", str(wheel))
    # Its required packages are those of the tests, where the checkout is installed by a link that is not followed.
    beside = {"PYTHONPATH": sysconfig.get_path("purelib"), "ROADSTEAD_DATA": str(tmp_path / "data")}
    where = _run(python, "-c", "import roadstead; print(roadstead.__file__)", **beside)
    assert Path(where.strip()).is_relative_to(tmp_path)
    assert "roadstead" not in _run(python, "-m", "pip", "check", *_QUIET, **beside)
    assert _run(program, "version", **beside) == f"roadstead {importlib.metadata.version('roadstead')}\n"
    serve = [program, "serve", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env={**os.environ, **beside}, cwd="/") as host:
        try:
            assert host.stdout is not None
            url, link = (host.stdout.readline().split()[-1] for _ in range(2))
            operator = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            for path in ("/-/health/ready", "/-/openapi.json", "/-/static/base.css", link.removeprefix(url), "/-/docs"):
                with operator.open(f"{url}{path}", timeout=30) as answer:
                    assert answer.status == 200, path
        finally:
            host.send_signal(signal.SIGTERM)
    assert host.returncode == 0
