"""The public names of the two pure libraries, which are imported one by one."""

import subprocess
import sys
from types import ModuleType

import pytest

from roadstead import connect, linkify


@pytest.mark.parametrize("package", [connect, linkify], ids=lambda package: package.__name__)
def test_every_public_name_has_a_home(package: ModuleType) -> None:
    """Each name of `__all__` can be imported from the package, and the package names no other."""
    assert sorted(name for names in package._HOMES.values() for name in names) == sorted(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_imports_only_what_it_needs() -> None:
    """A program that reads tokens does not import the reader of descriptors, and none of linkify is matched for it."""
    program = "import sys; from roadstead.connect import verify; import roadstead.linkify; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "roadstead.connect.jwt" in modules
    assert not modules & {"roadstead.connect.descriptor", "roadstead.linkify.linker"}
