"""`roadstead version`."""

from roadstead import __version__
from roadstead.cli.options import AsJson
from roadstead.cli.output import print_json


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    if as_json:
        import platform

        print_json({"version": __version__, "python": platform.python_version()})
    else:
        print(f"roadstead {__version__}")
