"""SSH keys of users, and deploy keys of repositories and projects."""

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.access.public_keys import read_key
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.domain.upkeep import audit
from tests.api.repositories import Made, repository
from tests.live import AppClient, LiveHost, sender
from tests.public_keys import fingerprint, line, public_key

_numbers = itertools.count(1)
POINT = b"\x04" + bytes(64)
PROJECT = "/2.0/workspaces/local/projects/TESTED/deploy-keys"


@dataclass(frozen=True)
class Ann:
    """A user with a token, and the address of the user's keys."""

    name: str
    send: Any
    keys: str

    def add(self, key: str, **given: Any) -> httpx.Response:
        answer: httpx.Response = self.send("POST", self.keys, json={"key": key, **given})
        return answer


def _user(host: LiveHost, scopes: str | None = None) -> Ann:
    async def job(opened: Host) -> tuple[str, str, str]:
        user = await users.create_user(opened, f"keys-{next(_numbers)}", display_name="Ann")
        token, _ = await credentials.create_api_token(opened, "test", None, user_id=user.id, scopes=scopes)
        return user.username, user.uuid, token

    name, uuid, token = host.work(job)
    return Ann(name, sender(host, f"Bearer {token}"), f"/2.0/users/{quote(uuid)}/ssh-keys")


@pytest.fixture(scope="module")
def ann(host: LiveHost) -> Ann:
    return _user(host)


@pytest.fixture(scope="module")
def made(host: LiveHost) -> Made:
    return repository(host)


@pytest.fixture(scope="module")
def operator(host: LiveHost) -> Any:
    return sender(host, f"Bearer {host.api_token()}")


@pytest.fixture(params=["repository", "project"])
def deploy_keys(request: pytest.FixtureRequest, made: Made) -> str:
    """Return the address of the deploy keys of each kind of place."""
    return PROJECT if request.param == "project" else f"{made.below}/deploy-keys"


GOOD = {
    "ed25519": line("ssh-ed25519", bytes(32)),
    "rsa 2048": line("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 256),
    "nistp256": line("ecdsa-sha2-nistp256", b"nistp256", POINT),
    "nistp521": line("ecdsa-sha2-nistp521", b"nistp521", b"\x04" + bytes(132)),
    "security key": line("sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:"),
    "security key, ecdsa": line("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT, b"ssh:"),
    "a line with its end": f"  {line('ssh-ed25519', b'1' * 32)} ann@laptop \n",
}

BAD = {
    "empty": "",
    "a word": "ssh-ed25519",
    "no Base64": "ssh-ed25519 ----",
    "rsa 1024": line("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * 128),
    "rsa of a megabit": line("ssh-rsa", b"\x01\x00\x01", b"\xff" * 4000),
    "dsa": line("ssh-dss", b"1", b"2", b"3", b"4"),
    "a certificate": line("ssh-ed25519-cert-v01@openssh.com", bytes(32)),
    "another type": line("ssh-ed25519", bytes(32)).replace("ssh-ed25519", "ssh-rsa"),
    "another curve": line("ecdsa-sha2-nistp256", b"nistp384", POINT),
    "a compressed point": line("ecdsa-sha2-nistp256", b"nistp256", b"\x02" + bytes(32)),
    "cut off": line("ssh-ed25519", bytes(31)),
    "more after it": line("ssh-ed25519", bytes(32), b"more"),
    "a length beyond the end": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
    "options": f'command="sh" {line("ssh-ed25519", bytes(32))}',
    "two lines": f"{public_key()}\n{public_key()}",
    "a NUL": f"{public_key()} a\0b",
    "a long comment": f"{public_key()} {'x' * 256}",
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_key_of_each_type_is_added(ann: Ann, name: str) -> None:
    """It is shown as it was sent, with its comment apart, and the fingerprint that OpenSSH shows."""
    answer = ann.add(GOOD[name], label="Laptop")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    kind, encoded, *comment = GOOD[name].split()
    assert {name: found[name] for name in ("type", "key", "comment", "label", "fingerprint", "expires_on")} == {
        "type": "ssh_key",
        "key": f"{kind} {encoded}",
        "comment": " ".join(comment),
        "label": "Laptop",
        "fingerprint": fingerprint(GOOD[name]),
        "expires_on": None,
    }
    assert (answer.headers["Location"], found["last_used"]) == (found["links"]["self"]["href"], None)


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_secure_key_is_refused(ann: Ann, name: str) -> None:
    """The answer names the member, and no key is added."""
    before = ann.send("GET", ann.keys).json()["size"]
    answer = ann.add(BAD[name])
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["key"])
    assert ann.send("GET", ann.keys).json()["size"] == before


def test_a_private_key_does_not_come_back(ann: Ann) -> None:
    """A user who sends the wrong file learns so, without the answer repeating it."""
    answer = ann.add(BAD["a private key"])
    assert ("public one" in answer.text, "b3BlbnN" in answer.text) == (True, False)


def test_a_key_is_listed_renamed_and_removed(host: LiveHost) -> None:
    """A key goes through its life; the audit log tells when it came and went, and who did that."""
    ann = _user(host)
    key = public_key("ann@laptop")
    made = ann.add(key).json()
    at = made["links"]["self"]["href"].removeprefix(host.url)
    changed = ann.send("PUT", at, json={"label": "Desk", "comment": "ann@desk", "key": key}).json()
    assert changed == {**made, "label": "Desk", "comment": "ann@desk"} == ann.send("GET", at).json()
    assert ann.send("PUT", at, json={"key": public_key()}).status_code == 400
    assert ann.send("GET", f"{ann.keys}?q=label=%22Desk%22").json()["values"] == [changed]
    assert ann.send("DELETE", at).status_code == 204
    assert (ann.send("GET", at).status_code, ann.send("DELETE", at).status_code) == (404, 404)
    assert ann.send("GET", ann.keys).json()["values"] == []
    subject, entries = f"SHA256:{fingerprint(key)}", host.work(_entries)
    assert [(actor, action) for actor, action, about in entries if about == subject] == [
        (f"user {ann.name}", "SSH key removed"),
        (f"user {ann.name}", "SSH key added"),
    ]


async def _entries(host: Host) -> list[tuple[str, str, str]]:
    found = await audit.latest_entries(host, 100)
    return [(entry.actor, entry.action, entry.subject) for entry in found]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2099-12-31", "2099-12-31T00:00:00.000000+00:00"),
        ("2099-12-31T23:59:59.123Z", "2099-12-31T23:59:59.123000+00:00"),
        ("2099-12-31T23:59:59%2B02:00", "2099-12-31T21:59:59.000000+00:00"),
        ("2020-01-01", None),
        ("tomorrow", None),
        ("0001-01-01T00:00:00%2B12:00", None),
    ],
)
def test_a_key_may_expire(ann: Ann, given: str, shown: str | None) -> None:
    """The moment is in the query, as on the cloud; one that is past or cannot be read is a 400."""
    answer = ann.send("POST", f"{ann.keys}?expires_on={given}", json={"key": public_key()})
    found = answer.json().get("expires_on") if answer.status_code == 201 else None
    assert (answer.status_code, found) == (201 if shown else 400, shown)


def test_a_key_connects_one_account(host: LiveHost, ann: Ann, operator: Any, deploy_keys: str) -> None:
    """A key of one user can be neither another's nor a deploy key, and a deploy key no user's."""
    key, deployed = public_key(), public_key()
    assert ann.add(key).status_code == 201
    assert operator("POST", deploy_keys, json={"key": deployed}).status_code == 200
    refused = [
        _user(host).add(key),
        ann.add(f"{key} another comment"),
        operator("POST", deploy_keys, json={"key": key}),
        ann.add(deployed),
    ]
    message = "Someone has already registered that SSH key."
    assert [(one.status_code, one.json()["error"]["message"]) for one in refused] == [(400, message)] * 4


def test_only_the_user_manages_their_keys(host: LiveHost, api: AppClient, ann: Ann, operator: Any) -> None:
    """Another user, the operator and an app get a 403 at every operation; a token without the scope, too."""
    at = ann.add(public_key()).json()["links"]["self"]["href"].removeprefix(host.url)
    key: dict[str, Any] = {"json": {"key": public_key()}}
    for send in (_user(host).send, operator, api):
        asked = [send("GET", ann.keys), send("POST", ann.keys, **key), send("GET", at), send("DELETE", at)]
        asked.append(send("PUT", at, json={"label": "mine"}))
        assert [one.status_code for one in asked] == [403] * 5
    weak = _user(host, "account")
    assert [weak.send("GET", weak.keys).status_code, weak.add(public_key()).status_code] == [200, 403]
    assert ann.send("GET", at).json()["label"] == ""


def test_a_deactivated_user_has_no_keys(host: LiveHost) -> None:
    """The keys go with the tokens; another user may have them then."""
    ann, key = _user(host), public_key()
    assert ann.add(key).status_code == 201
    host.work(lambda opened: users.deactivate_user(opened, ann.name))
    assert _user(host).add(key).status_code == 201


def test_a_deploy_key_is_added_renamed_and_removed(host: LiveHost, made: Made, operator: Any, deploy_keys: str) -> None:
    """It is a 200 as on the cloud; one place has a key once, and several places may have the same."""
    key = public_key("ci")
    added = operator("POST", deploy_keys, json={"key": key, "label": "CI"}).json()
    at = added["links"]["self"]["href"].removeprefix(host.url)
    what = "repository" if "repositories" in deploy_keys else "project"
    assert (added["comment"], added["label"], added["last_used"]) == ("ci", "CI", None)
    assert added[what]["name"] in (made.repository.name, "Of tests")
    again = operator("POST", deploy_keys, json={"key": key})
    message = f"Someone has already added that access key to this {what}."
    assert (again.status_code, again.json()["error"]["message"]) == (400, message)
    other = f"{repository(host).below}/deploy-keys"
    assert operator("POST", other, json={"key": key}).status_code == 200
    if what == "repository":
        put = partial(operator, "PUT", at)
        changed = put(json={"key": f"{key}-2", "label": "CI 2"}).json()
        assert changed == {**added, "comment": "ci-2", "label": "CI 2"}
        assert put(json={"key": public_key()}).status_code == 400
    assert operator("GET", f"{deploy_keys}?q=id={added['id']}").json()["size"] == 1
    elsewhere = f"{other}/{added['id']}"
    assert [operator(how, elsewhere).status_code for how in ("GET", "DELETE")] == [404, 404]
    assert [operator("DELETE", at).status_code for _ in range(2)] == [204, 404]


def test_only_administrators_manage_deploy_keys(host: LiveHost, deploy_keys: str) -> None:
    """A member of the workspace, who sees the project, gets a 403, and someone else a 404."""
    member, stranger = _user(host), _user(host)
    host.work(lambda opened: workspaces.add_member(opened, "local", member.name, "member"))
    hidden = 404 if "repositories" in deploy_keys else 403
    for how, body in (("GET", {}), ("POST", {"json": {"key": public_key()}})):
        given = [send(how, deploy_keys, **body).status_code for send in (member.send, stranger.send)]
        assert given == [hidden, 404]


def test_the_fingerprint_is_that_of_openssh() -> None:
    """The document's own example of a key has the fingerprint that it shows."""
    example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqP3Cr632C2dNhhgKVcon4ldUSAeKiku2yP9O9/bDtY"
    assert read_key(example).fingerprint == "w9tZSiFoZ8oXwS4ZSWrJopGxwvnPIewA6Mo4owAHPrI"
