"""Make a virtual environment. Usage: python environment.py FOLDER

Python's own way has `pip` install itself and compile every module of it, which takes four seconds. The same files are
unpacked here from the same archive; those that are used are compiled when they are.
"""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path


def main(folder: str) -> None:
    """Make the environment, with `pip` in it."""
    pip = bundled_pip()
    subprocess.run([sys.executable, "-m", "venv", *(["--without-pip"] if pip else []), folder], check=True)
    if pip:
        place = sysconfig.get_path("purelib", "venv", {"base": folder})
        with zipfile.ZipFile(pip) as archive:
            archive.extractall(place)


def bundled_pip() -> Path | None:
    """Return the archive of `pip` that comes with Python; some distributions keep it elsewhere, or leave it out."""
    try:
        import ensurepip
    except ImportError:
        return None
    return next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"), None)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # it has said why
