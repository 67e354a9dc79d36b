"""The pages of a workspace: who sees which, their forms, and what the audit log says of them."""

import httpx
import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.people import groups, permissions, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from tests.web.acme import LONG, ROOT, Acme, changes
from tests.web.reading import document, fields, main_text, texts

PAGES = (
    "/overview",
    "/projects",
    "/projects/OPEN",
    "/projects/SECRET",
    "/members",
    "/settings/groups",
    "/settings/groups/writers",
    "/settings/api",
    "/settings/access-tokens",
    "/projects/OPEN/settings/access-tokens",
    "/projects/SECRET/settings/access-tokens",
)
SEEN = {
    "operator": (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "owner": (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200),
    "collaborator": (200, 200, 200, 200, 200, 403, 403, 403, 403, 403, 403),
    "member": (200, 200, 200, 404, 200, 403, 403, 403, 403, 403, 404),
    "stranger": (404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404),
    "anonymous": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
}
"""The status of each page for each viewer. A collaborator here is in the group that has the secret project."""


# Who sees what


@pytest.mark.sample(2)
@pytest.mark.parametrize("viewer", SEEN)
def test_each_page_is_for_those_who_may_see_it(acme: Acme, viewer: str) -> None:
    """Owners and operators see all, members what the API lets them read; a stranger learns nothing."""
    browser = acme(viewer)
    assert tuple(browser.get(f"{ROOT}{page}").status_code for page in PAGES) == SEEN[viewer]


def test_an_invisible_workspace_looks_like_a_missing_one(acme: Acme) -> None:
    """The same status, headers and text, but for the name that was asked for."""
    for page in PAGES:
        hidden, missing = (acme("stranger").get(f"/{slug}/workspace{page}") for slug in ("acme", "nope"))
        assert hidden.text.replace("acme", "nope") == missing.text, page
        assert {*hidden.headers} == {*missing.headers}


@pytest.mark.sample(2)
@pytest.mark.parametrize("viewer", ["collaborator", "member", "stranger"])
def test_only_an_owner_changes_anything(acme: Acme, viewer: str) -> None:
    """Every form of every page is refused to others, whatever they send, and nothing is changed."""
    forms = {
        "/members": ("add", "role", "remove", "invite", "withdraw"),
        "/settings/groups": ("create",),
        "/settings/groups/writers": ("add", "remove", "delete"),
        "/projects": ("create",),
        "/projects/OPEN": ("change", "delete", "grant", "take-back", "add-reviewer", "remove-reviewer"),
        "/settings/api": ("create", "delete"),
        "/settings/api/ghost": ("change", "delete"),
        "/settings/access-tokens": ("create", "revoke"),
        "/projects/OPEN/settings/access-tokens": ("create", "revoke"),
    }
    before = acme.host.work(changes)
    given = {"name": "member", "role": "owner", "sure": "yes", "key": "X", "permission": "admin", "user": "member"}
    given |= {"callback": "http://localhost/", "scope:account": "yes", "id": "1", "expires": "30"}
    for page, actions in forms.items():
        for do in actions:
            answer = acme.send(viewer, page, do, **given)
            assert answer.status_code == (404 if viewer == "stranger" else 403), (page, do)
    assert acme.host.work(changes) == before


def test_home_leads_to_the_workspaces_that_a_user_sees(acme: Acme) -> None:
    """A member has the link, a stranger has none; the links in API bodies lead to the same page."""
    link = f'a[href="{ROOT}/overview"]'
    assert document(acme("member").get("/")).css(link)
    assert document(acme("operator").get("/")).css(link)
    assert not document(acme("stranger").get("/")).css(link)
    uuid = acme.host.work(lambda host: workspaces.find_changeable(host, "acme", None)).uuid
    led = acme("member").get(f"/{uuid}/")
    assert (led.status_code, led.headers["location"]) == (303, f"{ROOT}/overview")
    assert acme("stranger").get(f"/{uuid}/").status_code == 404


def test_an_owner_finds_every_page_from_the_overview(acme: Acme) -> None:
    """The tabs lead to all pages; a member's only to those which the member sees."""
    for viewer, count in (("owner", 6), ("member", 3)):
        page = acme(viewer).get(f"{ROOT}/overview")
        tabs = [str(tab.attributes["href"]) for tab in document(page).css(".tabs a")]
        assert [acme(viewer).get(tab).status_code for tab in tabs] == [200] * count


# Members


def test_an_owner_adds_changes_and_removes_a_member(acme: Acme) -> None:
    """Removal asks first; each change is in the audit log by the owner's name."""
    assert "The user is a member." in main_text(acme.send("owner", "/members", "add", name="stranger", role="member"))
    assert acme.roles()["stranger"] == "member"
    acme.send("owner", "/members", "role", name="stranger", role="collaborator")
    assert acme.roles()["stranger"] == "collaborator"
    asked = acme.send("owner", "/members", "remove", name="stranger")
    assert "Remove stranger?" in main_text(asked)
    assert acme.roles()["stranger"] == "collaborator"
    done = acme("owner").post(f"{ROOT}/members", data=_confirmed(asked), follow_redirects=True)
    assert "The member was removed." in main_text(done)
    assert "stranger" not in acme.roles()
    assert acme.host.work(changes)[:3] == [
        ("user owner", "member removed", "acme"),
        ("user owner", "member added", "acme"),
        ("user owner", "member added", "acme"),
    ]


def _confirmed(page: httpx.Response) -> dict[str, str]:
    (form,) = document(page).css("form.question")
    return {str(one.attributes["name"]): one.attributes["value"] or "" for one in form.css("input")}


@pytest.mark.parametrize(
    ("do", "given"),
    [("role", {"role": "member"}), ("role", {"role": "collaborator"}), ("add", {"role": "member"}), ("remove", {})],
)
def test_the_last_active_owner_stays(acme: Acme, do: str, given: dict[str, str]) -> None:
    """Not even the operator removes or demotes the last owner."""
    for viewer in ("owner", "operator"):
        refused = acme.send(viewer, "/members", do, name="owner", sure="yes", **given)
        assert refused.status_code == 409
        assert "needs an active owner" in main_text(refused)
    assert acme.roles()["owner"] == "owner"


def test_a_refused_form_keeps_what_was_typed(acme: Acme) -> None:
    """The error is beside its field, which says so to a screen reader; the role that was chosen stays chosen."""
    page = acme.send("owner", "/members", "add", name='"><b>nobody', role="collaborator")
    assert page.status_code == 400
    (wrong,) = document(page).css('[aria-invalid="true"]')
    assert (wrong.attributes["name"], wrong.attributes["value"]) == ("name", '"><b>nobody')
    (why,) = document(page).css(f"#{wrong.attributes['aria-describedby']}")
    assert "There is no user" in why.text()
    (chosen,) = document(page).css("#add option[selected]")
    assert chosen.text() == "collaborator"
    assert acme.send("owner", "/members", "add", name="stranger", role="king").status_code == 400
    assert acme.send("owner", "/members", "fly").status_code == 400


def test_an_invitation_is_shown_once_and_can_be_withdrawn(acme: Acme) -> None:
    """The link is on the answer alone; the list has its address, role and a button."""
    made = acme.send("owner", "/members", "invite", email="new@acme.example", role="collaborator")
    (link,) = texts(made, "pre")
    assert link.startswith(f"{acme.host.url}/-/invitation?code=")
    page = acme("owner").get(f"{ROOT}/members")
    assert link not in page.text
    assert "new@acme.example" in main_text(page)
    (row,) = [one for one in document(page).css("tr") if "new@acme.example" in one.text()]
    sent = {str(one.attributes["name"]): one.attributes["value"] or "" for one in row.css("input")}
    done = acme("owner").post(f"{ROOT}/members", data=sent, follow_redirects=True)
    assert "withdrawn" in main_text(done)
    assert "new@acme.example" not in main_text(done)
    assert acme.send("owner", "/members", "invite", email="x", role="member").status_code == 400


# Groups


def test_an_owner_makes_a_group_and_deletes_it(acme: Acme) -> None:
    """A user who joins a group joins the workspace; deleting the group asks first, and leaves its members there."""
    acme.send("owner", "/settings/groups", "create", name="Release Team")
    again = acme.send("owner", "/settings/groups", "create", name="Release Team")
    assert (again.status_code, fields(again, f"{ROOT}/settings/groups")["name"]) == (409, "Release Team")
    page = "/settings/groups/release-team"
    assert "The group has no members yet." in main_text(acme("owner").get(f"{ROOT}{page}"))
    joined = acme.send("owner", page, "add", name="invited")
    assert "now a member of the workspace." in main_text(joined)
    assert "now a member" not in main_text(acme.send("owner", page, "add", name="invited"))
    assert acme.roles()["invited"] == "member"
    assert "invited" in main_text(acme("owner").get(f"{ROOT}{page}"))
    assert acme.send("owner", page, "remove", name="owner").status_code == 400
    acme.send("owner", page, "remove", name="invited")
    acme.send("owner", page, "delete", name="Release Team")
    assert acme("owner").get(f"{ROOT}{page}").status_code == 200
    assert "was deleted" in main_text(acme.send("owner", page, "delete", sure="yes"))
    assert acme("owner").get(f"{ROOT}{page}").status_code == 404
    acme.send("owner", "/members", "remove", name="invited", sure="yes")


# Projects


def test_an_owner_makes_a_project_and_says_who_may_what(acme: Acme) -> None:
    """What is granted there holds at once, for a user and a group, and can be taken back."""
    made = acme.send("owner", "/projects", "create", name="New", key="NEW", description="a\r\nb", private="yes")
    page = "/projects/NEW"
    assert made.url.path == f"{ROOT}{page}"
    member = acme("member")
    assert member.get(f"{ROOT}{page}").status_code == 404
    acme.send("owner", page, "grant", user="member", permission="read")
    assert "Permissions" not in main_text(member.get(f"{ROOT}{page}"))
    acme.send("owner", page, "grant", user="member", permission="admin")
    assert "Permissions" in main_text(member.get(f"{ROOT}{page}"))
    acme.send("owner", page, "take-back", user="member")
    assert member.get(f"{ROOT}{page}").status_code == 404
    acme.send("owner", page, "grant", group="writers", permission="write")
    assert acme("collaborator").get(f"{ROOT}{page}").status_code == 200
    acme.send("owner", page, "add-reviewer", name="member")
    assert "Member" in main_text(acme("owner").get(f"{ROOT}{page}"))
    acme.send("owner", page, "remove-reviewer", name="member")
    moved = acme.send("owner", page, "change", name="Newer", key="NEWER", description="", private="")
    assert (moved.url.path, "The project was changed." in moved.text) == (f"{ROOT}/projects/NEWER", True)
    assert acme.send("owner", page, "change", name="Back", key="NEW", description="").status_code == 404
    acme.send("owner", "/projects/NEWER", "delete", sure="yes")
    assert acme("owner").get(f"{ROOT}/projects/NEWER").status_code == 404


@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("page", "do", "given", "name"),
    [
        ("/projects", "create", {"name": "x", "key": "1"}, "key"),
        ("/projects", "create", {"name": "", "key": "K"}, "name"),
        ("/projects", "create", {"name": "x", "key": "K", "description": "x" * 10_001}, "description"),
        ("/projects/OPEN", "grant", {"user": "nobody", "permission": "read"}, "user"),
        ("/projects/OPEN", "grant", {"user": "owner", "permission": "read"}, "user"),
        ("/projects/OPEN", "grant", {"user": "member", "permission": "all"}, "permission"),
        ("/projects/OPEN", "grant", {"user": "", "permission": "read"}, "user"),
        ("/projects/OPEN", "grant", {"user": "member", "group": "writers", "permission": "read"}, "user"),
        ("/projects/OPEN", "add-reviewer", {"name": "stranger"}, "name"),
        ("/settings/api", "create", {"name": "x", "callback": "ftp://x", "scope:account": "yes"}, "callback"),
        ("/settings/api", "create", {"name": "", "callback": "http://localhost/", "scope:account": "yes"}, "name"),
        ("/settings/groups", "create", {"name": "🚢"}, "name"),
        ("/settings/groups", "create", {"name": ".."}, "name"),
        ("/settings/groups/writers", "add", {"name": "nobody"}, "name"),
    ],
)
def test_a_wrong_field_says_why(acme: Acme, page: str, do: str, given: dict[str, str], name: str) -> None:
    """Each error is beside its field, and nothing that was typed is lost."""
    refused = acme.send("owner", page, do, **given)
    assert refused.status_code == 400
    (wrong,) = document(refused).css('[aria-invalid="true"]')
    assert wrong.attributes["name"] == name
    assert document(refused).css(f"#{wrong.attributes['aria-describedby']}")
    form = document(refused).css_first(f"#{do}")
    assert form is not None
    kept = {str(one.attributes["name"]): one.attributes.get("value") for one in form.css("input")}
    kept |= {str(one.attributes["name"]): one.text() for one in form.css("textarea")}
    assert all(kept[key] == value for key, value in given.items() if key in kept)


def test_an_administrator_of_a_project_does_not_learn_who_has_an_account(acme: Acme) -> None:
    """A user who is no member, by name or address, and a name that no one has, are refused alike."""

    async def add(host: Host) -> None:
        await users.create_user(host, "elsewhere", display_name="Else Where", email="elsewhere@acme.example")

    acme.host.work(add)
    acme.send("owner", "/projects/OPEN", "grant", user="member", permission="admin")
    for do, name in (("grant", "user"), ("take-back", "user"), ("add-reviewer", "name"), ("remove-reviewer", "name")):
        for one in ("elsewhere", "elsewhere@acme.example", "unused"):
            refused = acme.send("member", "/projects/OPEN", do, permission="read", **{name: one})
            assert (refused.status_code, texts(refused, ".wrong")) == (400, [f"'{one}' is no member of acme."])
    acme.send("owner", "/projects/OPEN", "take-back", user="member")


def test_a_project_has_a_picture_whatever_its_name(acme: Acme) -> None:
    """A slash or a question mark in the name is not one of the address."""
    acme.send("owner", "/projects", "create", name="a/b?c", key="SLASH")
    for page in ("/projects", "/projects/SLASH"):
        (address,) = [
            str(one.attributes["src"])
            for one in document(acme("owner").get(f"{ROOT}{page}")).css("main img")
            if "b%3Fc" in str(one.attributes["src"])
        ]
        picture = acme("owner").get(address, follow_redirects=True)
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/svg+xml")
    acme.send("owner", "/projects/SLASH", "delete", sure="yes")


def test_a_taken_key_is_told(acme: Acme) -> None:
    """Two projects of a workspace cannot have one key."""
    refused = acme.send("owner", "/projects", "create", name="Other", key="OPEN")
    assert (refused.status_code, "already exists" in main_text(refused)) == (400, True)


# Many


@pytest.mark.slow
def test_a_long_list_has_pages(acme: Acme) -> None:
    """Fifty members are on each, in the order of their accounts; a wrong number of a page is the first."""
    acme.host.work(_fill)
    first, second = (acme("owner").get(f"/many/workspace/members?page={number}") for number in ("1", "2"))
    counts = [len(document(page).css('select[aria-label^="Role of"]')) for page in (first, second)]
    assert counts == [50, 11]
    assert texts(first, ".pages a") == ["Next"]
    assert texts(second, ".pages a") == ["Previous"]
    for number in ("0", "x", "-1", "9" * 20):
        assert acme("owner").get(f"/many/workspace/members?page={number}").status_code == 200
    for page, nav, names in _LISTS:
        first = acme("owner").get(f"/many/workspace{page}")
        (following,) = document(first).css(f'[aria-label="{nav}"] a')
        second = acme("owner").get(str(following.attributes["href"]))
        shown = [texts(answer, f'table:has(+ [aria-label="{nav}"]) tbody th') for answer in (first, second)]
        assert (len(shown[0]), len(shown[1]), {*shown[0], *shown[1]}) == (50, len(names) - 50, names), page


async def _fill(host: Host) -> None:
    """Make a workspace with long names, and in each list more than a page has."""
    await workspaces.create_workspace(host, "many", name=LONG, owner="owner")
    owner = SessionUser(await users.find_user(host, "owner"))
    project = await projects.create_project(host, owner, "many", ProjectChanges("BIG", "Big", "", False))
    crew = await groups.create_group(host, "many", "Crew", ())
    for number in range(60):
        user = await users.create_user(host, f"user-{number:02}", display_name=LONG[:50])
        await workspaces.add_member(host, "many", user.username, "member")
        await groups.add_to_group(host, "many", crew.slug, user.username)
        await permissions.grant(host, owner, project, user, "read")
        await projects.add_reviewer(host, owner, project, user)
        await permissions.grant(
            host, owner, project, await groups.create_group(host, "many", f"{number:02}", ()), "read"
        )


_USERS = {f"{LONG[:50]} user-{number:02}" for number in range(60)}
_GROUPS = {f"{number:02} {number:02}" for number in range(60)}
_LISTS = (
    ("/settings/groups", "Pages of groups", _GROUPS | {"Crew crew"}),
    ("/settings/groups/crew", "Pages of members", _USERS),
    ("/projects/BIG", "Pages of groups", _GROUPS),
    ("/projects/BIG", "Pages of users", _USERS),
    ("/projects/BIG", "Pages of default reviewers", _USERS),
)
"""Lists beside that of the members: the page, the name of the links to its parts, and what is in it."""
