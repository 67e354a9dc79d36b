"""Shared parts of a workspace's pages: finding it, its head with tabs, and forms that are refused or ask again."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from roadstead.domain.people.workspaces import Visible, find_visible, may_administer
from roadstead.errors import Conflict, InvalidInput, NotFound, RoadsteadError
from roadstead.listing import PageRequest, Slice
from roadstead.model import Workspace
from roadstead.query import Sort
from roadstead.web.page import Handler, NavigationLink, Visit

T = TypeVar("T")
Form = Mapping[str, str]
SHOWN = 50
"""Entries on a page of a list."""

_TABS = {
    "/overview": "Overview",
    "/projects": "Projects",
    "/members": "Members",
}
"""The names of a workspace's tabs, by the end of their addresses, which are the cloud's."""
_TABS_OF_OWNERS = {
    "/settings/groups": "Groups",
    "/settings/access-tokens": "Access tokens",
    "/settings/api": "OAuth consumers",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that was refused, and what was typed. `faults` say by field what is wrong."""

    action: str
    typed: Form
    faults: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True)
class Question:
    """A step that the page asks about before it takes it. `fields` are those of the form that confirms it."""

    text: str
    fields: Form


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a form that was sent to the page; nothing if none was."""

    tried: Tried | None = None
    question: Question | None = None

    @property
    def status(self) -> int:
        """Return the status of the answer."""
        return 200 if self.tried is None else self.tried.status

    def typed(self, action: str) -> Form | None:
        """Return what was typed into a form, if it is the one that was refused."""
        return self.tried.typed if self.tried is not None and self.tried.action == action else None


NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class FormsAt:
    """The state of a page's forms. `path` is the address of the page, and `done` the notice of the last change."""

    path: str
    done: str
    outcome: Outcome

    def typed(self, action: str, name: str, otherwise: str = "") -> str:
        """Return what a field of a form contains: after a refusal, what was typed."""
        typed = self.outcome.typed(action)
        return otherwise if typed is None else typed.get(name, "")

    def fault(self, action: str, name: str) -> str:
        """Return what is wrong with a field of a form."""
        tried = self.outcome.tried
        return tried.faults.get(name, "") if tried is not None and tried.action == action else ""


@dataclass(frozen=True, slots=True)
class Here(FormsAt):
    """The part that a workspace's pages have in common. `above` are the pages between the workspace and this one."""

    workspace: Workspace
    tabs: list[NavigationLink]
    above: list[NavigationLink]
    may_administer: bool

    @property
    def root(self) -> str:
        """Return the beginning of the addresses of the workspace's pages."""
        return root_of(self.workspace)


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A page of a list, with the addresses of the pages beside it."""

    items: list[T]
    size: int
    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """A change that a form of a page asks for.

    `run` makes it, and returns an answer unless the browser is to come back to the page, which then says `done`. A
    refusal that names no field is shown at `field`. `asks` is the question before a change that cannot be undone, with
    fields of the form in braces.
    """

    run: Callable[[Visit, Form], Awaitable[Response | None]]
    done: str
    field: str = ""
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a page, by the value of their field `do`, and the handler that shows the page.

    `notices` are those of forms on other pages that lead here, by the same value.
    """

    page: Callable[[Visit, Outcome], Awaitable[Response]]
    actions: Mapping[str, Action] = field(default_factory=dict)
    notices: Mapping[str, str] = field(default_factory=dict)

    @property
    def show(self) -> Handler:
        """Return the handler for GET."""

        async def handle(visit: Visit) -> Response:
            return await self.page(visit, NOTHING)

        return handle

    async def change(self, visit: Visit) -> Response:
        """Make the change that a form asks for, or show the page again with a question or what is wrong."""
        form = await visit.form()
        name = form.get("do", "")
        action = self.actions.get(name)
        if action is None:
            raise InvalidInput("This page has no such form.", "Open the page again.")
        if action.asks and form.get("sure") != "yes":
            return await self.page(visit, Outcome(question=_question(action, form)))
        try:
            answer = await action.run(visit, form)
        except (InvalidInput, Conflict, NotFound) as exc:
            return await self.page(visit, Outcome(_tried(name, form, exc, action.field)))
        return answer or RedirectResponse(f"{visit.request.url.path}?{urlencode({'done': name})}", 303)

    def notice(self, visit: Visit) -> str:
        """Return the notice of the last change, which is in the address."""
        name = visit.request.query_params.get("done", "")
        return self.actions[name].done if name in self.actions else self.notices.get(name, "")


def _question(action: Action, form: Form) -> Question:
    fields = {name: value for name, value in form.items() if name not in ("csrf", "sure")}
    return Question(action.asks.format_map(defaultdict(str, form)), fields)


def _tried(name: str, form: Form, refusal: RoadsteadError, otherwise: str) -> Tried:
    # What a `NotFound` advises is for the command line.
    whole = refusal.message if isinstance(refusal, NotFound) else f"{refusal.message} {refusal.detail}".strip()
    faults = {field: _sentence(said) for field, said in (refusal.fields or {otherwise: [whole]}).items()}
    return Tried(name, form, faults, 409 if isinstance(refusal, Conflict) else 400)


def _sentence(said: str | Sequence[str]) -> str:
    return said if isinstance(said, str) else " ".join(said)


def text_in(form: Form, name: str) -> str:
    """Return a text of several lines; a browser ends them as HTTP does."""
    return form.get(name, "").replace("\r\n", "\n")


def number_in(form: Form, name: str) -> int:
    """Return the id of a row that a form names, or 0, which is no row's."""
    number = form.get(name, "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0


def root_of(workspace: Workspace) -> str:
    """Return the beginning of the addresses of a workspace's pages."""
    return f"/{workspace.slug}/workspace"


def slug_in(visit: Visit) -> str:
    """Return the slug or the UUID of the workspace that the address names."""
    slug: str = visit.request.path_params["workspace"]
    return slug


async def find_workspace(visit: Visit) -> Visible:
    """Return the workspace of the address, and the visitor's role in it. Raise `NoSuchWorkspace`."""
    return await find_visible(visit.host, visit.identity, slug_in(visit))


def here_at(
    visit: Visit, visible: Visible, tab: str, outcome: Outcome, *, done: str = "", below: str = "", project: str = ""
) -> Here:
    """Return what the page has in common with the others; `below` is the end of its address below the tab's.

    `project` is the key of the project whose page is above this one.
    """
    root, administers = root_of(visible.workspace), may_administer(visit.identity, visible)
    ends = _TABS | _TABS_OF_OWNERS if administers else _TABS
    tabs = [NavigationLink(f"{root}{end}", label, end == tab) for end, label in ends.items()]
    path = f"{root}{tab}{below}"
    above = [one for one in tabs if one.current] if below else []
    if project:
        above.append(NavigationLink(f"{root}{tab}/{quote(project)}", project, current=False))
    return Here(path, done, outcome, visible.workspace, tabs, above, administers)


def wanted_page(visit: Visit, name: str = "page", sort: Sort | None = None) -> PageRequest:
    """Return which page of a list the visitor wants; `name` is the list's parameter in the address."""
    number = visit.request.query_params.get(name, "1")
    usable = number.isascii() and number.isdigit() and 0 < len(number) < 7
    return PageRequest(max(1, int(number)) if usable else 1, SHOWN, sort=sort)


def part_of(path: str, found: Slice[T], name: str = "") -> Part[T]:
    """Return a page of a list as a page shows it; with a name, the list is one of several, below the heading `name`."""
    address = f"{path}?{name}={{}}#{name}" if name else f"{path}?page={{}}"
    previous = address.format(found.number - 1) if found.number > 1 else None
    following = address.format(found.number + 1) if found.has_next else None
    return Part(list(found.items), found.size, previous, following)
