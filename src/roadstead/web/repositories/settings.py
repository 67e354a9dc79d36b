"""`/{workspace}/{repo}/admin`: name, description, privacy, and who has which permission, for administrators."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from roadstead.domain.repositories.access import find_repository
from roadstead.domain.repositories.changes import change_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.reading import Reading
from roadstead.model import Repository
from roadstead.web.grants import Grants, grant, grants_in, take_back
from roadstead.web.page import Visit, render
from roadstead.web.repositories.shown import SETTINGS, Shown, names_in, of_repository, reading_of, root, shown
from roadstead.web.sign_in import for_user
from roadstead.web.workspace_page import Action, Form, Forms, FormsAt, Outcome, text_in

_PRIVILEGES = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Context of `settings.html`."""

    here: Shown
    forms: FormsAt
    grants: Grants
    privileges: tuple[str, ...]


async def _page(visit: Visit, outcome: Outcome) -> Response:
    repository = await administered(visit)
    path = f"{root(repository)}{SETTINGS}"
    here = await shown(visit, reading_of(visit, repository), SETTINGS)
    forms = FormsAt(path, FORMS.notice(visit), outcome)
    page = SettingsPage(here, forms, await grants_in(visit, repository, path), _PRIVILEGES)
    return render("settings.html", page, visit=visit, status=outcome.status)


async def administered(visit: Visit) -> Repository:
    """Return the repository of the address. Raise `WrongCredential` for a visitor who does not administer it."""
    return (await find_repository(visit.host, visit.identity, *names_in(visit), "admin")).repository


async def _change(visit: Visit, form: Form) -> Response:
    given = RepositoryChanges(
        name=form.get("name", "").strip(),
        description=text_in(form, "description"),
        is_private=form.get("private") == "yes",
    )
    after = await change_repository(visit.host, visit.identity, await administered(visit), given)
    return RedirectResponse(f"{root(after)}{SETTINGS}?done=change", 303)


async def _grant(visit: Visit, form: Form) -> None:
    await grant(visit, await administered(visit), form)


async def _take_back(visit: Visit, form: Form) -> None:
    await take_back(visit, await administered(visit), form)


FORMS = Forms(
    _page,
    {
        "change": Action(_change, "The repository was changed.", "name"),
        "grant": Action(_grant, "The permission was granted.", "user"),
        "take-back": Action(_take_back, "The permission was taken back.", "user"),
    },
)


async def _show(visit: Visit, reading: Reading) -> ASGIApp:
    return await FORMS.show(visit)


show = for_user(of_repository(_show))
change = for_user(FORMS.change)
