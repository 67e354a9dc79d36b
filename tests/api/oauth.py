"""A consumer, its users' browsers, and the requests of OAuth that go between them."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from roadstead.domain.access import consumers, credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.model import Consumer
from tests.live import LiveHost

CALLBACK = "https://app.example/callback"
SCOPES = "account repository:write"
AUTHORIZE = "/site/oauth2/authorize"
TOKEN = "/site/oauth2/access_token"  # an address
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@dataclass
class Client:
    """A consumer with its secret, at a host."""

    host: LiveHost
    consumer: Consumer
    secret: str

    @property
    def basic(self) -> tuple[str, str]:
        return self.consumer.key, self.secret

    def post(self, *, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        """Send a form to the token endpoint."""
        return httpx.post(f"{self.host.url}{TOKEN}", data=form, auth=auth or self.basic)

    def redeem(self, code: str, **form: Any) -> httpx.Response:
        return self.post(grant_type="authorization_code", code=code, **form)

    def refresh(self, token: str, **form: Any) -> httpx.Response:
        return self.post(grant_type="refresh_token", refresh_token=token, **form)


@dataclass
class Person:
    """A user who is signed in with a browser."""

    host: LiveHost
    name: str
    cookies: httpx.Cookies = field(init=False)

    def __post_init__(self) -> None:
        answer = httpx.get(self.host.work(self._link))
        assert answer.status_code == 303
        self.cookies = answer.cookies

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request with the cookie of the session."""
        return httpx.request(method, f"{self.host.url}{path}", cookies=self.cookies, **request)

    async def _link(self, host: Host) -> str:
        return await credentials.sign_in_link(host, user_id=(await users.find_user(host, self.name)).id)

    def csrf(self) -> str:
        """Return the token of this person's forms."""
        (found,) = set(re.findall(r'name="csrf" value="(\w+)"', self.send("GET", "/-/sign-in").text))
        return str(found)

    def ask(self, client: Client, **changes: Any) -> httpx.Response:
        """Open the consent page."""
        return self.send("GET", AUTHORIZE, params=request(client, **changes))

    def decide(self, client: Client, decision: str = "allow", **changes: Any) -> httpx.Response:
        """Send the form of the consent page."""
        form = {"csrf": self.csrf(), "decision": decision}
        return self.send("POST", AUTHORIZE, params=request(client, **changes), data=form)

    def code(self, client: Client, **changes: Any) -> str:
        """Consent, and return the code."""
        return outcome(self.decide(client, **changes))["code"]


def request(client: Client, **changes: Any) -> dict[str, Any]:
    """Return the parameters of a request for a code; those that are `None` are left out."""
    asked = {"client_id": client.consumer.key, "response_type": "code", **changes}
    return {name: value for name, value in asked.items() if value is not None}


def outcome(answer: httpx.Response) -> dict[str, str]:
    """Return what the consumer is told at its callback."""
    assert answer.status_code == 303, answer.text
    return {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def new_client(host: LiveHost, *, callback_url: str = CALLBACK, scopes: str | None = SCOPES) -> Client:
    """Create a consumer of the workspace `acme`, whose owner is ann."""

    async def make(opened: Host) -> tuple[Consumer, str]:
        return await consumers.create_consumer(opened, "acme", "Widgets", callback_url=callback_url, scopes=scopes)

    return Client(host, *host.work(make))


def new_people(host: LiveHost, *names: str) -> None:
    """Create users, the first of whom owns the workspace `acme`."""

    async def make(opened: Host) -> None:
        for name in names:
            await users.create_user(opened, name)
        await workspaces.create_workspace(opened, "acme", name=None, owner=names[0])

    host.work(make)


def account(host: LiveHost, token: str) -> httpx.Response:
    """Ask whose token it is."""
    return httpx.get(f"{host.url}/2.0/user", headers={"Authorization": f"Bearer {token}"})
