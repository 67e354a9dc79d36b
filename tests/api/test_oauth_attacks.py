"""Attacks on consent, on the client's trust in the host, and on tokens, each with what it is refused with.

The attacks on the address of the answer, on the request for a code and on the token endpoint are tables of
`test_oauth.py`.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.host import Host
from tests.api.oauth import AUTHORIZE, CALLBACK, Client, Person, new_client, new_people, outcome, request
from tests.live import LiveHost, live_host

COOKIE = "roadstead_session"


@dataclass(frozen=True)
class Scene:
    """A host, a consumer, and two users who are signed in; ben is the one who is attacked."""

    host: LiveHost
    client: Client
    ben: Person
    ann: Person

    def post(self, **sent: Any) -> httpx.Response:
        """Send what should consent, as ben's browser would."""
        sent.setdefault("cookies", self.ben.cookies)
        sent.setdefault("params", request(self.client))
        return httpx.request(sent.pop("method", "POST"), f"{self.host.url}{AUTHORIZE}", **sent)

    def form(self, **changes: str) -> dict[str, str]:
        return {"csrf": self.ben.csrf(), "decision": "allow", **changes}

    def signed_out(self) -> Person:
        """Return another browser of ben's, which has signed out and kept its cookie."""
        person = Person(self.host, "ben")
        person.cookies, kept = httpx.Cookies(person.cookies), person.csrf()
        person.send("POST", "/-/sign-out", data={"csrf": kept})
        return person


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with live_host(tmp_path_factory.mktemp("oauth attacks")) as host:
        new_people(host, "ann", "ben")
        yield Scene(host, new_client(host), Person(host, "ben"), Person(host, "ann"))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


FORGED_CONSENT: dict[str, tuple[int, Callable[[Scene], httpx.Response]]] = {
    "no token of the form": (403, lambda it: it.post(data={"decision": "allow"})),
    "an empty one": (403, lambda it: it.post(data=it.form(csrf=""))),
    "a made-up one": (403, lambda it: it.post(data=it.form(csrf="0" * 64))),
    "one that is cut": (403, lambda it: it.post(data=it.form(csrf=it.ben.csrf()[:-1]))),
    "one that is prolonged": (403, lambda it: it.post(data=it.form(csrf=f"{it.ben.csrf()}0"))),
    "another user's": (403, lambda it: it.post(data=it.form(csrf=it.ann.csrf()))),
    "that of another session of the user": (403, lambda it: it.post(data=it.form(csrf=Person(it.host, "ben").csrf()))),
    "that of no session": (403, lambda it: it.post(data=it.form(csrf=_hashed("csrf None")))),
    "in the address": (403, lambda it: it.post(params={**request(it.client), **it.form()}, data={"decision": "allow"})),
    "in a header": (403, lambda it: it.post(data={"decision": "allow"}, headers={"X-CSRF-Token": it.ben.csrf()})),
    "as JSON": (403, lambda it: it.post(json=it.form())),
    "a link": (200, lambda it: it.post(method="GET", params={**request(it.client), **it.form()})),
    "a preview": (200, lambda it: it.post(method="HEAD", params={**request(it.client), **it.form()})),
    "a made-up session": (401, lambda it: it.post(cookies={COOKIE: "x" * 43}, data=it.form())),
    "no session": (401, lambda it: it.post(cookies={}, data=it.form())),
    "a session that has ended": (401, lambda it: it.post(cookies=it.signed_out().cookies, data=it.form())),
    "a refusal of another site": (403, lambda it: it.post(data={"decision": "deny"})),
}


@pytest.mark.sample(5)
@pytest.mark.parametrize("attack", FORGED_CONSENT)
def test_a_consent_is_not_forged(scene: Scene, attack: str) -> None:
    """Only the form of the page, in the user's own session, decides; nothing else sends the browser anywhere."""
    status, send = FORGED_CONSENT[attack]
    answer = send(scene)
    assert (answer.status_code, "Location" in answer.headers) == (status, False), answer.text


MIXED_UP: dict[str, Callable[[Scene], httpx.Response]] = {
    "a code": lambda it: it.ben.decide(it.client, state="s"),
    "a refusal": lambda it: it.ben.decide(it.client, "deny", state="s"),
    "an error": lambda it: it.ben.ask(it.client, scope="webhook", state="s"),
    "an issuer in the request": lambda it: it.ben.decide(it.client, iss="https://evil.example", state="s"),
    "a code in the request": lambda it: it.ben.decide(it.client, "deny", code="planted", state="s"),
    "an error in the request": lambda it: it.ben.decide(it.client, error="planted", state="s"),
    "a query of the consumer": lambda it: it.ben.decide(it.client, redirect_uri=f"{CALLBACK}?from=a", state="s"),
}


@pytest.mark.parametrize("attack", MIXED_UP)
def test_every_answer_names_the_host_that_gives_it(scene: Scene, attack: str) -> None:
    """Whatever the request says, a consumer of several hosts can tell whose answer it is, and that nothing is planted
    in it.
    """
    told = outcome(MIXED_UP[attack](scene))
    assert (told["iss"], told["state"]) == (scene.host.url, "s")
    assert "planted" not in told.values()
    assert ("code" in told) != ("error" in told)


@pytest.mark.parametrize(
    "planted",
    [
        f"{CALLBACK}?iss=https://evil.example",
        f"{CALLBACK}?error=none",
        f"{CALLBACK}?state=mine",
        f"{CALLBACK}?a&Code=x",
    ],
)
def test_no_address_plants_a_part_of_the_answer(scene: Scene, planted: str) -> None:
    """A consumer would read two parameters of one name, and perhaps the wrong one."""
    answer = scene.ben.decide(scene.client, redirect_uri=planted)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_a_state_is_no_header_and_no_parameter(scene: Scene) -> None:
    """It comes back as it went, and adds nothing to the answer."""
    state = "a\r\nSet-Cookie: x=y&code=planted&iss=https://evil.example#\u2028"
    answer = scene.ben.decide(scene.client, state=state)
    assert outcome(answer)["state"] == state
    assert "x" not in answer.cookies


Guess = Callable[[str], dict[str, Any]]


def _bearer(text: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {text}"}}


TOKEN_GUESSES: dict[str, Guess] = {
    "the stored hash": lambda token: _bearer(_hashed(token)),
    "its prefix": lambda token: _bearer(token[:4]),
    "one character less": lambda token: _bearer(token[:-1]),
    "one character more": lambda token: _bearer(f"{token}A"),
    "another last character": lambda token: _bearer(token[:-1] + ("A" if token[-1] != "A" else "B")),
    "other letters": lambda token: _bearer(token.swapcase()),
    "without its prefix": lambda token: _bearer(token[4:]),
    "with another prefix": lambda token: _bearer(f"xxx_{token[4:]}"),
    "a wildcard": lambda token: _bearer("%"),
    "a statement": lambda token: _bearer("' OR '1'='1"),
    "nothing": lambda token: {"auth": ("", "")},
    "twice": lambda token: _bearer(f"{token} {token}"),
    "as a JWT": lambda token: {"headers": {"Authorization": f"JWT {token}"}},
    "under a made-up scheme": lambda token: {"headers": {"Authorization": f"Token {token}"}},
    "as a user name": lambda token: {"auth": (token, "")},
    "beside a made-up user name": lambda token: {"auth": ("ghost", token)},
    "beside another's user name": lambda token: {"auth": ("ann", token)},
    "in two headers": lambda token: {"headers": [("Authorization", f"Bearer {token}")] * 2},
    "in the address": lambda token: {"params": {"access_token": token}},
    "in a cookie": lambda token: {"cookies": {COOKIE: token}},
}


async def _tokens(host: Host) -> tuple[str, str]:
    ben = (await credentials.create_user_with_token(host, "bea"))[1]
    return ben, (await create_access_token(host, "ci", "acme", None, scopes=None, lifetime=None))[0]


@pytest.fixture(scope="module")
def tokens(scene: Scene) -> tuple[str, str]:
    made: tuple[str, str] = scene.host.work(_tokens)
    return made


@pytest.mark.sample(8)
@pytest.mark.parametrize("guess", TOKEN_GUESSES)
def test_a_token_is_not_guessed(scene: Scene, tokens: tuple[str, str], guess: str) -> None:
    """What is similar to a user's token, or to an access token, or sent in another place, is nobody's."""
    for token in tokens:
        answer = httpx.get(f"{scene.host.url}/2.0/workspaces/acme", **TOKEN_GUESSES[guess](token))
        assert answer.status_code == 401, answer.text
