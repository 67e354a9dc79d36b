"""People at the pages: their accounts, and browsers in which they are signed in."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from roadstead.domain.access import credentials, passwords
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.model import User
from tests.live import LiveHost
from tests.web.reading import document

PASSWORD = "three words in a row"


def person(host: LiveHost, name: str, *, password: str | None = None) -> User:
    """Create a user, with a password if one is given."""

    async def make(opened: Host) -> User:
        user = await users.create_user(opened, name, display_name=name.title(), email=f"{name}@acme.example")
        if password is not None:
            await passwords.change(opened, user, "", password, "test", staying="")
        return user

    made: User = host.work(make)
    return made


@contextmanager
def visitor_at(host: LiveHost) -> Iterator[httpx.Client]:
    """Yield a browser without JavaScript, in which no one is signed in."""
    with httpx.Client(base_url=host.url, timeout=30) as client:
        yield client


@contextmanager
def signed_in_as(host: LiveHost, user: User) -> Iterator[httpx.Client]:
    """Yield a browser in which a user is signed in."""
    with visitor_at(host) as client:
        link = host.work(lambda opened: credentials.sign_in_link(opened, user_id=user.id))
        assert client.get(link).status_code == 303
        yield client


def sign_in(client: httpx.Client, name: str, password: str, **more: str) -> httpx.Response:
    """Send the form of the sign-in page."""
    return client.post("/-/sign-in/password", data={"name": name, "password": password, **more})


def submit_profile(client: httpx.Client, form: str, **fields: str) -> httpx.Response:
    """Send a form of the profile with its token, and follow to the page that tells what was done."""
    page = client.get("/-/profile")
    (token, *_) = (one.attributes["value"] or "" for one in document(page).css("main input[name=csrf]"))
    return client.post(f"/-/profile/{form}", data={"csrf": token, **fields}, follow_redirects=True)
