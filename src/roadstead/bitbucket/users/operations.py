"""`/2.0/user` and `/2.0/users`: the account of a credential, its e-mail addresses, and the accounts of others."""

from roadstead.api.answers import Answer
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OwnScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import USERS as OPERATIONS
from roadstead.bitbucket.users import shapes
from roadstead.bitbucket.users.shapes import EmailResource
from roadstead.domain.apps import installations
from roadstead.domain.people import users
from roadstead.errors import NotFound
from roadstead.listing import PageRequest, slice_of
from roadstead.shapes import accounts
from roadstead.shapes.accounts import AppUser, CurrentUser, Principal, UserResource

ACCOUNT = OwnScope("account", "read:user:bitbucket")
EMAIL = OwnScope("email", "read:user:bitbucket")
PUBLIC = Scope(None, "read:user:bitbucket")


@OPERATIONS.get("/user", needs=ACCOUNT, query=Partial, gives={200: (Principal, CurrentUser)})
async def current_user(call: Call) -> Answer:
    """Return the user of the credential; for an app's, the account that the app is installed on."""
    if call.identity.user is not None:
        return shaped(call, accounts.current_user(call.identity.user, call.host.base_url))
    installed = await installations.get_installed(call.host, call.installation_id)
    return shaped(call, accounts.principal(installed.workspace, call.host.base_url))


@OPERATIONS.get("/user/emails", needs=EMAIL, lists=shapes.EMAIL_LIST, gives={200: Page[EmailResource]})
async def list_emails(call: Call, wanted: PageRequest) -> Answer:
    """List the e-mail addresses of the user; an app's account has none."""
    return page_answer(call, slice_of(await _emails(call), wanted))


@OPERATIONS.get("/user/emails/{email}", needs=EMAIL, query=Partial, gives={200: EmailResource})
async def get_email(call: Call) -> Answer:
    """Return an e-mail address of the user."""
    wanted: str = call.path["email"]
    for email in await _emails(call):
        if email["email"] == wanted.lower():
            return shaped(call, email)
    raise NotFound(f"You have no e-mail address {wanted!r}.")


@OPERATIONS.get("/users/{selected_user}", needs=PUBLIC, query=Partial, gives={200: (UserResource, AppUser)})
async def get_user(call: Call) -> Answer:
    """Return a user, or the account of an access token, by UUID in braces or account id."""
    account = await users.get_account(call.host, call.path["selected_user"])
    shape = accounts.full_user if account.kind == "user" else accounts.app_user
    return shaped(call, shape(account, call.host.base_url))


async def _emails(call: Call) -> list[EmailResource]:
    below = call.url(list_emails)
    return [shapes.email(email, below) for email in await users.list_emails(call.host, call.identity.user)]
