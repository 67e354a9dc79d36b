"""The groups of Bitbucket's API: where each begins, and the module that declares its operations."""

from roadstead.api.operation import Group
from roadstead.api.within import repository

ADDON = Group("addon", below="/2.0/addon", module="roadstead.bitbucket.addon.operations")
LINKERS = Group("linkers", below="/2.0/addon/linkers", module="roadstead.bitbucket.linkers.operations")
USERS = Group("users", below="/2.0", then={"user", "users"}, module="roadstead.bitbucket.users.operations")
WORKSPACES = Group(
    "workspaces", below="/2.0", then={"user", "workspaces"}, module="roadstead.bitbucket.workspaces.operations"
)
PROJECTS = Group(
    "projects", below="/2.0/workspaces/{workspace}/projects", module="roadstead.bitbucket.projects.operations"
)
REPOSITORIES = Group(
    "repositories",
    below="/2.0",
    then={"repositories", "user", "workspaces"},
    within=repository,
    module="roadstead.bitbucket.repositories.operations",
    reads_git=True,
)
REFS = Group(
    "refs",
    below="/2.0/repositories/{workspace}/{repo_slug}/refs",
    module="roadstead.bitbucket.refs.operations",
    within=repository,
    reads_git=True,
)
SOURCE = Group(
    "source",
    below="/2.0/repositories/{workspace}/{repo_slug}",
    then={"src", "filehistory"},
    module="roadstead.bitbucket.source.operations",
    within=repository,
    reads_git=True,
)
DOWNLOADS = Group(
    "downloads",
    below="/2.0/repositories/{workspace}/{repo_slug}/downloads",
    module="roadstead.bitbucket.downloads.operations",
    within=repository,
)
PROPERTIES = Group(
    "properties",
    below="/2.0/repositories/{workspace}/{repo_slug}",
    then={"properties", "commit"},
    module="roadstead.bitbucket.properties.operations",
    within=repository,
)
USER_PROPERTIES = Group(
    "properties", below="/2.0/users/{selected_user}/properties", module="roadstead.bitbucket.properties.operations"
)
SSH_KEYS = Group("keys", below="/2.0/users/{selected_user}/ssh-keys", module="roadstead.bitbucket.keys.operations")
DEPLOY_KEYS = Group(
    "keys",
    below="/2.0/repositories/{workspace}/{repo_slug}/deploy-keys",
    module="roadstead.bitbucket.keys.operations",
    within=repository,
)
PROJECT_KEYS = Group(
    "keys",
    below="/2.0/workspaces/{workspace}/projects/{project_key}/deploy-keys",
    module="roadstead.bitbucket.keys.operations",
)
COMMITS = Group(
    "commits",
    below="/2.0/repositories/{workspace}/{repo_slug}",
    then={"commit", "commits", "diff", "diffstat", "merge-base", "patch"},
    within=repository,
    module="roadstead.bitbucket.commits.operations",
    reads_git=True,
)
STATUSES = Group(
    "statuses",
    below="/2.0/repositories/{workspace}/{repo_slug}/commit/{commit}",
    then={"statuses"},
    within=repository,
    module="roadstead.bitbucket.statuses.operations",
    reads_git=True,
)
WEBHOOKS = Group(
    "webhooks",
    below="/2.0/repositories/{workspace}/{repo_slug}/hooks",
    module="roadstead.bitbucket.webhooks.operations",
    within=repository,
)
WORKSPACE_WEBHOOKS = Group(
    "webhooks", below="/2.0/workspaces/{workspace}/hooks", module="roadstead.bitbucket.webhooks.operations"
)
HOOK_EVENTS = Group("webhooks", below="/2.0/hook_events", module="roadstead.bitbucket.webhooks.operations")
OAUTH = Group("oauth", below="/site/oauth2", module="roadstead.bitbucket.oauth.operations")

GROUPS = [
    ADDON,
    LINKERS,
    USERS,
    WORKSPACES,
    PROJECTS,
    REPOSITORIES,
    REFS,
    SOURCE,
    COMMITS,
    DOWNLOADS,
    PROPERTIES,
    USER_PROPERTIES,
    STATUSES,
    WEBHOOKS,
    WORKSPACE_WEBHOOKS,
    HOOK_EVENTS,
    SSH_KEYS,
    DEPLOY_KEYS,
    PROJECT_KEYS,
    OAUTH,
]
