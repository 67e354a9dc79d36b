"""The pages of a workspace in a real browser: on any screen, by keyboard, and for everybody."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from roadstead.accounts import SessionUser
from roadstead.domain.access import access_tokens, consumers
from roadstead.domain.host import Host
from roadstead.domain.people import invitations, permissions, projects, users
from roadstead.domain.people.privileges import find_project
from roadstead.domain.people.projects import ProjectChanges
from tests.live import LiveHost
from tests.web.acme import LONG, ROOT, Acme
from tests.web.chromium import tab_of, visitor
from tests.web.everybody import add_axe, expect_nothing_grave, expect_to_fit

pytestmark = pytest.mark.browser


async def _fill(host: Host) -> tuple[str, str]:
    """Put something with long words into every list; return the key of a consumer, and the path of an invitation."""
    owner = SessionUser(await users.find_user(host, "owner"))
    await projects.create_project(host, owner, "acme", ProjectChanges("LONG", LONG, LONG, True))
    project = await find_project(host, owner, "acme", "OPEN", "admin")
    member = await users.find_user(host, "member")
    for holder in (member, await permissions.find_group(host, project, "writers")):
        await permissions.grant(host, owner, project, holder, "create-repo")
    await projects.add_reviewer(host, owner, project, member)
    for key in (None, "OPEN"):
        for name, scopes in (("pipeline", "project repository:write webhook"), ("W" * 60, None)):
            await access_tokens.create_access_token(
                host, name, "acme", key, scopes=scopes, lifetime=timedelta(days=30), by=owner
            )
    callback = f"https://app.example/{'x' * 80}"
    made, _ = await consumers.create_consumer(
        host, "acme", LONG, callback_url=callback, scopes=None, description=LONG, url=callback
    )
    address = f"{'guest' * 8}@acme.example"
    link, _ = await invitations.invite(host, by=owner.user, email=address, workspace="acme")
    return made.key, f"/-/{link.partition('/-/')[2]}"


@pytest.fixture(scope="module")
def addresses(acme: Acme) -> list[str]:
    """Return the addresses of all pages about the people of a workspace, with content."""
    key, invitation = acme.host.work(_fill)
    tokens = "/settings/access-tokens"
    pages = [
        *("/overview", "/members", "/settings/groups", "/settings/groups/writers", "/projects", "/projects/OPEN"),
        *("/settings/api", f"/settings/api/{key}", tokens, f"/projects/OPEN{tokens}"),
    ]
    consent = f"/site/oauth2/authorize?client_id={key}&response_type=code"
    return [*(f"{ROOT}{page}" for page in pages), "/-/profile", invitation, consent]


@pytest.fixture(scope="module")
def host(acme: Acme) -> LiveHost:
    """Return the host of the workspace: the tabs are at it."""
    return acme.host


@pytest.mark.parametrize(
    ("width", "step"), [(390, 9), *(pytest.param(width, 1, marks=pytest.mark.slow) for width in (390, 660))]
)
def test_every_page_of_a_workspace_fits_a_small_screen(tab: Page, addresses: list[str], width: int, step: int) -> None:
    """By default every ninth page on a phone, because each takes half a second."""
    for address in addresses[::step]:
        expect_to_fit(tab, address, width)


@pytest.mark.node
@pytest.mark.parametrize(
    ("theme", "first", "step"),
    [
        ("dark", 5, 9),
        *(pytest.param(theme, 0, 1, marks=pytest.mark.slow) for theme in ("light", "dark")),
    ],
)
def test_every_page_of_a_workspace_can_be_used_by_everybody(
    real_browser: Browser, acme: Acme, addresses: list[str], theme: Literal["light", "dark"], first: int, step: int
) -> None:
    """By default one page in the dark, because each takes a second."""
    with visitor(real_browser, acme.host, bypass_policy=True) as tab:
        add_axe(tab, theme)
        for address in addresses[first::step]:
            expect_nothing_grave(tab, address)


@pytest.fixture
def heard() -> list[str]:
    """Return a list for the messages of the browser's console."""
    return []


@pytest.fixture
def refused_tab(profile: BrowserContext, acme: Acme, heard: list[str]) -> Iterator[Page]:
    """Yield a tab in which one form is refused, about which the console says so."""
    with tab_of(profile, acme.host, heard=heard) as page:
        yield page
    assert ["400" in one for one in heard] == [True]


def test_an_access_token_is_made_and_revoked_by_keyboard(refused_tab: Page) -> None:
    """A refused field has the focus, a question has it on its answer, and each change is told to a screen reader."""
    tab = refused_tab
    tab.goto(f"{ROOT}/projects/SECRET/settings/access-tokens")
    tab.get_by_label("Name").focus()
    tab.keyboard.type(" ")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("A token needs a name.")
    expect(tab.get_by_label("Name")).to_be_focused()
    tab.keyboard.type("nightly")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("status")).to_contain_text("Store the new token now")
    expect(tab.get_by_role("row", name="nightly")).to_contain_text("everything")
    tab.get_by_role("button", name="Revoke nightly").press("Enter")
    expect(tab.get_by_role("button", name="Yes, go ahead")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("status")).to_have_text("The token was revoked.")
    expect(tab.get_by_text("There are no access tokens yet.")).to_be_visible()
