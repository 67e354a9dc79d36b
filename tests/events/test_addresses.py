"""Context parameters in the addresses of apps' webhooks."""

from typing import Any

import pytest

from roadstead.events.addresses import address_for
from roadstead.events.subscribers import server_of

ACCOUNT = {"uuid": "{a}", "username": "acme"}
PAYLOAD: dict[str, Any] = {
    "actor": {"uuid": "{u}", "nickname": "ann & bob"},
    "repository": {
        "uuid": "{r}",
        "full_name": "acme/widgets",
        "is_private": True,
        "owner": ACCOUNT,
        "workspace": {"slug": "acme"},
        "project": {"key": "ALL"},
    },
    "commit_status": {"key": "unit", "commit": {"hash": "1" * 40}},
}
OF_PROJECT = {"actor": {}, "project": {"owner": ACCOUNT, "workspace": {"slug": "acme"}}}
BOTH = {"repository", "account"}


@pytest.mark.parametrize(
    ("template", "scopes", "payload", "address"),
    [
        ("http://a/heard", BOTH, PAYLOAD, "http://a/heard"),
        ("http://a/{repository.uuid}", BOTH, PAYLOAD, "http://a/%7Br%7D"),
        ("http://a/?r={repository.full_name}", BOTH, PAYLOAD, "http://a/?r=acme%2Fwidgets"),
        ("http://a/?r={repo_path}", BOTH, PAYLOAD, "http://a/?r=acme%2Fwidgets"),
        ("http://a/?p={repository.is_private}", BOTH, PAYLOAD, "http://a/?p=true"),
        ("http://a/?u={user.nickname}", BOTH, PAYLOAD, "http://a/?u=ann%20%26%20bob"),
        ("http://a/?w={workspace.slug}&p={principal.uuid}", BOTH, PAYLOAD, "http://a/?w=acme&p=%7Ba%7D"),
        ("http://a/?c={commit.hash}", BOTH, PAYLOAD, f"http://a/?c={'1' * 40}"),
        ("http://a/?w={workspace.slug}&t={target_user.username}", BOTH, OF_PROJECT, "http://a/?w=acme&t=acme"),
        ("http://a/{repository.uuid}?u={user.uuid}", {"repository"}, PAYLOAD, "http://a/%7Br%7D?u={user.uuid}"),
        ("http://a/?r={repository.uuid}", BOTH, OF_PROJECT, "http://a/?r={repository.uuid}"),
        (
            "http://a/?r={repository}&p={repository.project}",
            BOTH,
            PAYLOAD,
            "http://a/?r={repository}&p={repository.project}",
        ),
        ("http://a/?b={branch.name}&x={signed_request}", BOTH, PAYLOAD, "http://a/?b={branch.name}&x={signed_request}"),
        ("http://a/?r={repository.uuid.length}", BOTH, PAYLOAD, "http://a/?r={repository.uuid.length}"),
        ("http://a/{repository.uuid}", BOTH, {}, "http://a/{repository.uuid}"),
    ],
)
def test_the_address_of_an_event(template: str, scopes: set[str], payload: dict[str, Any], address: str) -> None:
    """Parameters that the scopes allow are replaced with encoded members of the payload; all others stay."""
    assert address_for(template, scopes, payload) == address


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("http://A:80/x//y", "a:80"),
        ("https://a?b//c", "a"),
        ("http://[::1]:9#//x", "[::1]:9"),
        ("http://x{repository[}/h", "x{repository[}"),
    ],
)
def test_the_server_of_an_address(address: str, server: str) -> None:
    """An address that is no URL has one, too: otherwise it would hold up the events of the whole host."""
    assert server_of(address) == server
