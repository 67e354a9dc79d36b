"""Documents and code agree."""

import re
from pathlib import Path

from roadstead import __version__
from roadstead.routes import MAP

ROOT = Path(__file__).parent.parent.parent


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _commands(document: str) -> list[str]:
    """Return the commands of a document's shell blocks, with continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


def test_every_address_is_documented_with_its_methods() -> None:
    """The table of docs/reference/api.md and the routes are the same list."""
    documented = dict(re.findall(r"^\| `(/[^`]+)` \| ([A-Z, ]+) \|", _text("docs/reference/api.md"), re.MULTILINE))
    served = {address.path: set(address.operations) for address in MAP.addresses}
    assert {path: set(methods.split(", ")) for path, methods in documented.items()} == served


def test_the_version_has_its_place_in_the_changelog() -> None:
    """The changelog's newest section is the version that the program prints."""
    newest = re.search(r"^## (\S+)", _text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of every document points at a file that exists."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} → {target}"


def test_the_readme_names_make_targets_that_exist() -> None:
    """The two commands of the README are in the Makefile."""
    targets = {
        command.removeprefix("make ") for command in _commands(_text("README.md")) if command.startswith("make ")
    }
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", _text("Makefile"), re.MULTILINE)


def test_promises_name_tests_that_exist() -> None:
    """Every test file that the page on security names exists."""
    named = set(re.findall(r"`(test_\w+\.py)`", _text("docs/security.md")))
    assert named
    assert named <= {file.name for file in ROOT.glob("tests/**/test_*.py")}
