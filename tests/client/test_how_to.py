"""The how-to page of the client is correct."""

import re
from pathlib import Path

import pytest

from roadstead import client
from roadstead.client import ClientError
from tests.client.loopback_host import LoopbackHost

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "use-the-client.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.sample(2)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_page_runs(loopback: LoopbackHost, example: str) -> None:
    """Each example works against a host; only the host's address differs from the page."""
    loopback.app_key = "acme-issue-links"
    loopback.secrets = {"connection:1": "the secret of the installed call"}

    exec(compile(example.replace("http://localhost:7990", loopback.base_url), "use-the-client.md", "exec"), {})

    assert loopback.requests


def test_the_page_has_examples() -> None:
    """If the marks of examples change, this notices that none is run any more."""
    assert len(EXAMPLES) == 4


def test_every_error_is_on_the_page() -> None:
    """A new kind of error is explained on the page."""
    errors = [
        name
        for name, exported in vars(client).items()
        if isinstance(exported, type) and issubclass(exported, ClientError)
    ]

    assert [name for name in errors if f"`{name}`" not in PAGE] == []
