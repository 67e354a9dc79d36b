"""`/{workspace}/{repo}/admin/access-tokens`: the access tokens of a repository, for its administrators."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp

from roadstead.domain.access import access_tokens
from roadstead.domain.repositories.reading import Reading
from roadstead.model import ApiToken
from roadstead.web.page import NavigationLink, Visit, render
from roadstead.web.repositories.settings import administered
from roadstead.web.repositories.shown import SETTINGS, Shown, names_in, of_repository, reading_of, root, shown
from roadstead.web.sign_in import for_user
from roadstead.web.tokens_form import TokenForm, access_token_form, create_as_wished, token_actions
from roadstead.web.workspace_page import Form, Forms, FormsAt, Outcome, Part, number_in, part_of, wanted_page


@dataclass(frozen=True, slots=True)
class TokensPage:
    """Context of `repository_tokens.html`. `made` is a new token, which is shown once."""

    here: Shown
    forms: FormsAt
    tokens: Part[tuple[ApiToken, str | None]]
    new: TokenForm
    made: str


async def _page(visit: Visit, outcome: Outcome, *, made: str = "") -> Response:
    repository = await administered(visit)
    settings = f"{root(repository)}{SETTINGS}"
    forms = FormsAt(f"{settings}/access-tokens", FORMS.notice(visit), outcome)
    above = [NavigationLink(settings, "Settings", current=False)]
    here = await shown(visit, reading_of(visit, repository), SETTINGS, above)
    found = await access_tokens.page_of_access_tokens(
        visit.host,
        repository.workspace.slug,
        None,
        wanted_page(visit),
        repository=repository.slug,
        by=visit.identity,
    )
    new = access_token_form(outcome.typed("create"), "repository")
    page = TokensPage(here, forms, part_of(forms.path, found), new, made)
    return render("repository_tokens.html", page, visit=visit, status=outcome.status)


async def _create(visit: Visit, form: Form) -> Response:
    workspace, slug = names_in(visit)
    made = await create_as_wished(visit, form, workspace, None, slug)
    return await _page(visit, Outcome(), made=made)


async def _revoke(visit: Visit, form: Form) -> None:
    workspace, slug = names_in(visit)
    token = number_in(form, "id")
    await access_tokens.revoke_access_token(visit.host, workspace, None, token, repository=slug, by=visit.identity)


FORMS = Forms(_page, token_actions(_create, _revoke))


async def _show(visit: Visit, reading: Reading) -> ASGIApp:
    return await FORMS.show(visit)


show = for_user(of_repository(_show))
change = for_user(FORMS.change)
