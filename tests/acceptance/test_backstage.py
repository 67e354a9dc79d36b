"""Backstage's own client of Bitbucket, unchanged: what its templates offer for choice, and its catalogue reads."""

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.node.programs import running
from tests.api.stocked import stocked, workspace
from tests.live import LiveHost

pytestmark = pytest.mark.node


def test_backstage_finds_repositories_and_branches(host: LiveHost, tmp_path: Path) -> None:
    """Projects, repositories of one, and branches, to the end of their pages; removed and missing lists are refused."""
    people = workspace(host, "backstage")
    widgets, other = (stocked(host, tmp_path / name, "backstage", people) for name in ("widgets", "other"))
    widgets.work.commit("first")
    for name in ("feature/x", "v1"):
        widgets.work.git("branch", name)
    widgets.push()
    slugs = [made.place.repository.slug for made in (widgets, other)]
    environment = {"HOST_URL": host.url, "USERNAME": "backstageowner", "TOKEN": people[0]}
    with running("backstage_client.js", tmp_path / "log", **environment) as program:

        def read(operation: str, *parameters: object, pagelen: int = 100) -> list[Any]:
            answer = program.ask({"operation": operation, "parameters": parameters, "pagelen": pagelen})
            found: list[Any] = answer.get("items") or [answer["problem"]]
            return found

        assert [one["key"] for one in read("listProjectsByWorkspace", "backstage")] == ["OPEN"]
        in_open = {"q": 'project.key="OPEN"'}
        repositories = read("listRepositoriesByWorkspace", "backstage", in_open, pagelen=1)
        assert [one["slug"] for one in repositories] == slugs
        assert repositories[0]["mainbranch"]["name"] == "main"
        branches = read("listBranchesByRepository", slugs[0], "backstage", pagelen=2)
        assert [one["name"] for one in branches] == ["feature/x", "main", "v1"]
        assert "410" in read("listWorkspaces")[0]
        assert "404" in read("listBranchesByRepository", "none", "backstage")[0]
