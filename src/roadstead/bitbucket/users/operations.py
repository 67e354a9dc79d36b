"""`/2.0/user`: the account of a credential."""

from roadstead.api.answers import Answer, json_answer
from roadstead.api.needs import Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import USERS as OPERATIONS
from roadstead.bitbucket.users.shapes import Operator
from roadstead.domain.apps import installations
from roadstead.shapes.accounts import Principal, principal
from roadstead.shapes.links import Link


@OPERATIONS.get(needs=Scope("account"), gives={200: (Principal, Operator)})
async def current_user(call: Call) -> Answer:
    """Return the account that an app is installed on or, for an operator's token or an app's page, the operator."""
    if not call.identity.is_operator:
        installed = await installations.get_installed(call.host, call.installation_id)
        return json_answer(principal(installed.workspace, call.host.base_url))
    sender = await call.host.sender()
    operator: Operator = {
        "type": "user",
        "uuid": sender.actor_uuid,
        "account_id": sender.actor_account_id,
        "display_name": "Operator",
        "nickname": "operator",
        "links": {"self": Link(call.url(current_user))},
    }
    return json_answer(operator)
