"""Clients of git that are no git: libraries with a protocol of their own."""

import json
from pathlib import Path

import pytest

from tests.acceptance.node.programs import running
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work


@pytest.mark.node
@pytest.mark.slow
def test_isomorphic_git_clones_and_pushes(place: Place, work: Work, tmp_path: Path) -> None:
    """npm `isomorphic-git` makes a shallow clone, and its push is as git's."""
    work.git("push", place.url(), "main")
    environment = {"GIT_URL": place.public_url, "FOLDER": str(tmp_path / "clone"), "TOKEN": place.ann}
    with running("git_client.js", tmp_path / "log", **environment) as program:
        answer = json.loads(program.line())
    assert answer["ok"]
    assert place.changes()[1:] == [("library", None, answer["commit"])]
    assert place.is_whole()
