"""`…/hooks` below repositories and workspaces, and `/2.0/hook_events`: webhooks, and what they may hear of."""

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import ANYONE, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import HOOK_EVENTS as OF_EVENTS
from roadstead.bitbucket.map import WEBHOOKS as OPERATIONS
from roadstead.bitbucket.map import WORKSPACE_WEBHOOKS as OF_WORKSPACES
from roadstead.bitbucket.webhooks import shapes
from roadstead.bitbucket.webhooks.shapes import HOOK_EVENT_LIST, HookEvent, HookResource, SubjectTypes
from roadstead.bitbucket.workspaces.shapes import condensed_workspace
from roadstead.domain.people.workspaces import administered
from roadstead.errors import NotFound
from roadstead.events import hooks
from roadstead.events.catalogue import SUBJECTS, Subject, offered_to
from roadstead.events.hooks import HookChanges, Owner
from roadstead.listing import PageRequest, cut
from roadstead.model.hooks import HOOK_LIST, Hook
from roadstead.shapes.repositories import condensed_repository

READ_ANY = Scope("webhook", "read:webhook:bitbucket")
WRITE_ANY = Scope("webhook", "read:webhook:bitbucket", "write:webhook:bitbucket")
DELETE_ANY = Scope("webhook", "delete:webhook:bitbucket")
READ, WRITE, DELETE = READ_ANY & "admin", WRITE_ANY & "admin", DELETE_ANY & "admin"

_DEPRECATED_SUBJECTS: dict[str, Subject] = {"team": "workspace", "user": "workspace"}
"""Names that the cloud still answers to."""


@OPERATIONS.get("", needs=READ, lists=HOOK_LIST, gives={200: Page[HookResource]})
async def list_repository_hooks(call: Call, wanted: PageRequest) -> Answer:
    """List the webhooks of a repository."""
    return await _list(call, _of_repository(call), wanted)


@OPERATIONS.post("", needs=WRITE, takes=shapes.NEW_HOOK, gives={201: HookResource})
async def create_repository_hook(call: Call, given: HookChanges) -> Answer:
    """Create a webhook of a repository. The credential needs the scopes of its events, too."""
    return await _create(call, _of_repository(call), given)


@OPERATIONS.get("/{uid}", needs=READ, query=Partial, gives={200: HookResource})
async def get_repository_hook(call: Call) -> Answer:
    """Return a webhook of a repository, by its UUID with or without braces."""
    return await _get(call, _of_repository(call))


@OPERATIONS.put("/{uid}", needs=WRITE, takes=shapes.HOOK, gives={200: HookResource})
async def put_repository_hook(call: Call, given: HookChanges) -> Answer:
    """Change a webhook of a repository."""
    return await _put(call, _of_repository(call), given)


@OPERATIONS.delete("/{uid}", needs=DELETE, gives={204: None})
async def delete_repository_hook(call: Call) -> Answer:
    """Delete a webhook of a repository."""
    return await _delete(call, _of_repository(call))


@OF_WORKSPACES.get("", needs=READ_ANY, lists=HOOK_LIST, gives={200: Page[HookResource]})
async def list_workspace_hooks(call: Call, wanted: PageRequest) -> Answer:
    """List the webhooks of a workspace itself, which hear of all of its repositories."""
    return await _list(call, await _of_workspace(call), wanted)


@OF_WORKSPACES.post("", needs=WRITE_ANY, takes=shapes.NEW_HOOK, gives={201: HookResource})
async def create_workspace_hook(call: Call, given: HookChanges) -> Answer:
    """Create a webhook of a workspace. The credential needs the scopes of its events, too."""
    return await _create(call, await _of_workspace(call), given)


@OF_WORKSPACES.get("/{uid}", needs=READ_ANY, query=Partial, gives={200: HookResource})
async def get_workspace_hook(call: Call) -> Answer:
    """Return a webhook of a workspace, by its UUID with or without braces."""
    return await _get(call, await _of_workspace(call))


@OF_WORKSPACES.put("/{uid}", needs=WRITE_ANY, takes=shapes.HOOK, gives={200: HookResource})
async def put_workspace_hook(call: Call, given: HookChanges) -> Answer:
    """Change a webhook of a workspace."""
    return await _put(call, await _of_workspace(call), given)


@OF_WORKSPACES.delete("/{uid}", needs=DELETE_ANY, gives={204: None})
async def delete_workspace_hook(call: Call) -> Answer:
    """Delete a webhook of a workspace."""
    return await _delete(call, await _of_workspace(call))


@OF_EVENTS.get("", needs=ANYONE, gives={200: SubjectTypes})
async def list_subjects(call: Call) -> Answer:
    """List what webhooks can belong to."""
    return json_answer(shapes.subject_types({one: call.url(list_hook_events, one) for one in SUBJECTS}))


@OF_EVENTS.get("/{subject_type}", needs=ANYONE, lists=HOOK_EVENT_LIST, gives={200: Page[HookEvent]}, refuses=(404,))
async def list_hook_events(call: Call, wanted: PageRequest) -> Answer:
    """List the events that webhooks of a repository, or of a workspace, can subscribe to."""
    named = call.path["subject_type"]
    subject = next((one for one in SUBJECTS if one == named), _DEPRECATED_SUBJECTS.get(named))
    if subject is None:
        raise NotFound(f"{named[:60]} is not a valid subject type.", f"Those are: {', '.join(SUBJECTS)}.")
    page = cut(offered_to(subject), wanted)
    return page_answer(call, page.of([shapes.hook_event(kind) for kind in page.items]))


async def _list(call: Call, owner: Owner, wanted: PageRequest) -> Answer:
    page = await hooks.page_of_hooks(call.host, owner, wanted)
    return page_answer(call, page.of([_resource(call, owner, one) for one in page.items]))


async def _create(call: Call, owner: Owner, given: HookChanges) -> Answer:
    created = await hooks.create_hook(call.host, call.identity, owner, given)
    resource = _resource(call, owner, created)
    return json_answer(resource, 201, headers={"Location": resource["links"].to_self.href})


async def _get(call: Call, owner: Owner) -> Answer:
    return shaped(call, _resource(call, owner, await hooks.get_hook(call.host, owner, call.path["uid"])))


async def _put(call: Call, owner: Owner, given: HookChanges) -> Answer:
    changed = await hooks.change_hook(call.host, call.identity, owner, call.path["uid"], given)
    return json_answer(_resource(call, owner, changed))


async def _delete(call: Call, owner: Owner) -> Answer:
    await hooks.delete_hook(call.host, call.identity, owner, call.path["uid"])
    return no_content()


def _of_repository(call: Call) -> Owner:
    return Owner(call.repository.workspace, call.repository)


async def _of_workspace(call: Call) -> Owner:
    return Owner((await administered(call.host, call.identity, call.path["workspace"])).workspace)


def _resource(call: Call, owner: Owner, hook: Hook) -> HookResource:
    base_url, workspace, repository = call.host.base_url, owner.workspace, owner.repository
    if repository is not None:
        url = call.url(get_repository_hook, workspace.slug, repository.slug, hook.uuid)
        return shapes.hook(hook, condensed_repository(repository, base_url), url)
    url = call.url(get_workspace_hook, workspace.slug, hook.uuid)
    return shapes.hook(hook, condensed_workspace(workspace, base_url, _workspace_url(call, workspace.slug)), url)


def _workspace_url(call: Call, slug: str) -> str:
    return call.url(list_workspace_hooks, slug).removesuffix("/hooks")
