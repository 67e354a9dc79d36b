"""The access tokens of a workspace, and of each of its projects, for those who administer it.

`/{workspace}/workspace/settings/access-tokens` and `/{workspace}/workspace/projects/{key}/settings/access-tokens`.
"""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from roadstead.domain.access import access_tokens
from roadstead.domain.people.workspaces import Visible
from roadstead.model import ApiToken
from roadstead.web.page import Visit, render
from roadstead.web.projects import TAB as PROJECTS
from roadstead.web.tokens_form import TokenForm, access_token_form, create_as_wished, token_actions
from roadstead.web.workspace_page import (
    Form,
    Forms,
    Here,
    Outcome,
    Part,
    find_workspace,
    here_at,
    number_in,
    part_of,
    slug_in,
    wanted_page,
)

_ENDING = "/settings/access-tokens"


@dataclass(frozen=True, slots=True)
class AccessTokensPage:
    """Context of `access_tokens.html`. Each token has the name of its creator.

    `project` is the key of the project whose tokens these are, and `made` is a new token, which is shown once.
    """

    here: Here
    project: str
    tokens: Part[tuple[ApiToken, str | None]]
    new: TokenForm
    made: str


async def _page(visit: Visit, outcome: Outcome, *, made: str = "") -> Response:
    visible, key = await find_workspace(visit), _key(visit)
    slug = visible.workspace.slug
    found = await access_tokens.page_of_access_tokens(visit.host, slug, key, wanted_page(visit), by=visit.identity)
    here = _here(visit, visible, key, outcome)
    new = access_token_form(outcome.typed("create"), "project" if key else "workspace")
    page = AccessTokensPage(here, key or "", part_of(here.path, found), new, made)
    return render("access_tokens.html", page, visit=visit, status=outcome.status)


def _here(visit: Visit, visible: Visible, key: str | None, outcome: Outcome) -> Here:
    done = FORMS.notice(visit)
    if key is None:
        return here_at(visit, visible, _ENDING, outcome, done=done)
    return here_at(visit, visible, PROJECTS, outcome, done=done, below=f"/{quote(key)}{_ENDING}", project=key)


async def _create(visit: Visit, form: Form) -> Response:
    made = await create_as_wished(visit, form, slug_in(visit), _key(visit))
    return await _page(visit, Outcome(), made=made)


async def _revoke(visit: Visit, form: Form) -> None:
    token = number_in(form, "id")
    await access_tokens.revoke_access_token(visit.host, slug_in(visit), _key(visit), token, by=visit.identity)


def _key(visit: Visit) -> str | None:
    """Return the key of the project that the address names, or `None` for the tokens of the workspace."""
    key: str | None = visit.request.path_params.get("key")
    return key


FORMS = Forms(_page, token_actions(_create, _revoke))
