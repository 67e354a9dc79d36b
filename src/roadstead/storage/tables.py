"""Every table, declared once: its columns, its key, its secrets, whether it is exported, and where its rows are.

Statements take their lists of columns from here, and so do export and import, the rotation of the key, and the tests of
distribution. A test compares this module with the schema that the migrations make. A new column is named here, in a
migration, in the model if it is shown, and by the module that writes the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Rows = Literal["distributed", "everywhere", "in one place"]
"""The place of rows in a distributed database: by their `installation_id`, copied to each machine, or on one."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Its rows are read in the order of `key`, by which the database finds them.

    `sealed` columns contain encrypted secrets, and no other column contains bytes. `unsafe` ones may reveal one: an
    app's answers may repeat it, and a password can be guessed from its hash. A table that `stays` is not in an export;
    the text says why. A `local` column is not, either: it refers to a row of such a table. Processes cache rows of one
    with a `version`, which is a column of `remembered` (`storage/remembered.py`). The migrations make the `first_rows`,
    and an import replaces them.
    """

    name: str
    columns: tuple[str, ...]
    rows: Rows
    key: tuple[str, ...]
    sealed: frozenset[str] = frozenset()
    unsafe: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    stays: str = ""
    version: str = ""
    first_rows: int = 0

    def of(self, model: type[Any], alias: str = "") -> str:
        """Return the columns that are members of a model, in its order, to select a model's values."""
        prefix = f"{alias}." if alias else ""
        return ", ".join(f"{prefix}{name}" for name in model.__match_args__ if name in self.columns)

    def members(self, model: type[Any], row: tuple[Any, ...]) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Return the cells that `of` selects, by name, and the rest of the row."""
        names = [name for name in model.__match_args__ if name in self.columns]
        return dict(zip(names, row, strict=False)), row[len(names) :]

    def besides(self, model: type[Any]) -> str:
        """Return the columns that are no members of a model, in the order of the table."""
        return ", ".join(name for name in self.columns if name not in model.__match_args__)

    @property
    def travelling(self) -> tuple[str, ...]:
        """Return the columns that are exported."""
        return tuple(name for name in self.columns if name not in self.local)

    def replacing(self, columns: Iterable[str]) -> str:
        """Return the end of the statement that adds a row, if it may be one of the first, which it then replaces."""
        if not self.first_rows:
            return ""
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
        return f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"

    @property
    def into(self) -> str:
        """Return the beginning of a statement that adds rows, of all columns but an `id`, which the database gives."""
        return f"INSERT INTO {self.name} ({', '.join(name for name in self.columns if name != 'id')})"

    def adding(self, columns: Iterable[str]) -> str:
        """Return the statement that adds one row of those columns."""
        return _adding(self.name, tuple(columns))

    def insert(self, end: str = "", /, **cells: Any) -> tuple[Any, ...]:
        """Return the statement that adds one row, followed by `end`, and its arguments."""
        statement = self.adding(cells)
        return f"{statement} {end}" if end else statement, *cells.values()


@lru_cache(200)
def _adding(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _table(
    name: str,
    columns: str,
    rows: Rows,
    *,
    key: str = "",
    sealed: str = "",
    unsafe: str = "",
    local: str = "",
    stays: str = "",
    version: str = "",
    first_rows: int = 0,
) -> Table:
    """Return a table from names separated by spaces. The key is the first column, unless another is named."""
    first, *_ = names = columns.split()
    return Table(
        name,
        tuple(names),
        rows,
        tuple(key.split()) or (first,),
        frozenset(sealed.split()),
        frozenset(unsafe.split()),
        frozenset(local.split()),
        stays,
        version,
        first_rows,
    )


# What the host knows

FACTS = _table("facts", "name value", "in one place")
MIGRATIONS = _table("migrations", "number", "in one place", stays="The new database has its own.")
SEALING_KEY = _table("sealing_key", "only_row fingerprint", "in one place", stays="The new host has a key of its own.")
REMEMBERED = _table(
    "remembered",
    "only_row version people repositories",
    "in one place",
    stays="It tells the new database's processes when to read anew.",
)

# People

USERS = _table(
    "users",
    "id uuid account_id username nickname display_name created_on is_active is_administrator kind",
    "everywhere",
    version="people",
    first_rows=1,
)
EMAILS = _table("emails", "id user_id address is_primary is_confirmed", "everywhere", version="people")
PASSWORDS = _table("passwords", "user_id hash changed_on", "everywhere", unsafe="hash")

# Apps

WORKSPACES = _table(
    "workspaces", "id slug uuid name created_on made_for_app project_count", "everywhere", version="version"
)
MEMBER_GROUPS = _table("member_groups", "id workspace_id slug name", "everywhere", version="people")
GROUP_MEMBERS = _table("group_members", "group_id user_id", "everywhere", key="group_id user_id", version="people")
PROJECTS = _table(
    "projects",
    "id workspace_id uuid key name description private created_on updated_on",
    "everywhere",
    version="people",
)
REPOSITORIES = _table(
    "repositories",
    "id workspace_id project_id uuid slug name description is_private fork_policy language has_issues has_wiki website "
    "mainbranch size parent_id storage own_merge_strategy own_branching_model created_on updated_on pushes",
    "everywhere",
    version="repositories",
)
REPOSITORY_REDIRECTS = _table(
    "repository_redirects", "workspace_id slug repository_id", "everywhere", key="workspace_id slug"
)
WATCHERS = _table("watchers", "id workspace_id repository_id user_id", "everywhere")
PERMISSIONS = _table(
    "permissions",
    "id workspace_id project_id user_id group_id privilege repository_id",
    "everywhere",
    version="people",
)
DEFAULT_REVIEWERS = _table("default_reviewers", "id workspace_id project_id user_id", "everywhere")
MEMBERS = _table(
    "members", "workspace_id user_id role added_on", "everywhere", key="workspace_id user_id", version="people"
)
INVITATIONS = _table(
    "invitations",
    "id token_hash inviter_id username email workspace_id role expires_on",
    "everywhere",
    stays="Their links lead to the host that made them.",
)
REFS = _table(
    "refs",
    "repository_id kind name target commit_hash committed_on natural_name",
    "in one place",
    key="repository_id kind name",
)
COMMIT_COMMENTS = _table(
    "commit_comments",
    "id repository_id commit_hash user_id installation_id parent_id path line_from line_to start_from start_to "
    "content is_deleted created_on updated_on",
    "in one place",
)
COMMIT_APPROVALS = _table(
    "commit_approvals",
    "repository_id commit_hash user_id approved_on",
    "in one place",
    key="repository_id commit_hash user_id",
    version="people",
)
COMMIT_STATUSES = _table(
    "commit_statuses",
    "id repository_id commit_hash key state name description url refname created_on updated_on",
    "in one place",
)
REGISTRATIONS = _table(
    "registrations", "app_key descriptor_url shared_secret created_on", "everywhere", sealed="shared_secret"
)
INSTALLATIONS = _table(
    "installations",
    "id workspace_id app_key client_key state descriptor_url descriptor shared_secret installed_on updated_on "
    "hears_after",
    "everywhere",
    sealed="shared_secret",
    local="hears_after",
    version="version",
)
DOWNLOADS = _table("downloads", "id repository_id name file size downloads user_id created_on", "in one place")
PROPERTIES = _table("properties", "id installation_id repository_id commit_hash user_id name value", "everywhere")
HANDSHAKES = _table(
    "handshakes",
    "installation_id started_on previous_state previous_descriptor_url previous_descriptor previous_secret",
    "everywhere",
    sealed="previous_secret",
    version="version",
)
"""The importing host undoes one that was running during the export, as after a crash."""
OFFERS = _table(
    "offers",
    "id workspace_id app_key client_key descriptor_url descriptor secret offered_on",
    "everywhere",
    sealed="secret",
)
RETIRED_SECRETS = _table("retired_secrets", "installation_id secret", "everywhere", sealed="secret")
LIFECYCLE_CALLS = _table(
    "lifecycle_calls",
    "id workspace_id installation_id app_key event url created_on status error body duration_ms request "
    "content canonical secret attempts due_on claimed_until given_up_on descriptor_url",
    "in one place",
    sealed="secret",
    unsafe="body",
)

# Pushes

PUSHES = _table("pushes", "id repository_id user_id installation_id begun_on changes", "in one place")
"""The importing host records what those did that ran during the export, as after a crash."""

# Linkers

LINKERS = _table(
    "linkers", "id installation_id key position regex url value_count revision", "distributed", version="version"
)
LINKER_VALUES = _table("linker_values", "id installation_id linker_id value", "distributed", key="linker_id id")
DELETED_VALUES = _table(
    "deleted_values",
    "installation_id linker_id revision value",
    "distributed",
    key="linker_id revision",
    stays="They are for hosts that have read the linkers' values before.",
)

# Credentials

ACCESS_TOKENS = _table(
    "access_tokens",
    "token_hash installation_id scopes repository expires_on",
    "everywhere",
    stays="They live for an hour at most, and the app exchanges its JWT for another.",
)
API_TOKENS = _table(
    "api_tokens",
    "id name token_hash created_on expires_on user_id scopes last_used_on workspace_id project_id creator_id "
    "repository_id",
    "in one place",
)
SSH_KEYS = _table(
    "ssh_keys",
    "id uuid user_id key comment fingerprint label created_on expires_on last_used_on",
    "in one place",
)
DEPLOY_KEYS = _table(
    "deploy_keys",
    "id project_id repository_id key comment fingerprint label created_on last_used_on creator_id",
    "in one place",
)
CONSUMERS = _table(
    "consumers",
    "id key secret_hash workspace_id owner_id name callback_url scopes created_on description url",
    "everywhere",
)
OAUTH_GRANTS = _table(
    "oauth_grants", "id consumer_id user_id scopes redirect_uri challenge expires_on by_consent", "everywhere"
)
OAUTH_TOKENS = _table("oauth_tokens", "token_hash grant_id kind is_used expires_on", "everywhere")
SESSIONS = _table(
    "sessions", "token_hash kind expires_on user_id", "in one place", stays="Signing in belongs to one host."
)

# Records

REQUESTS = _table(
    "requests",
    "id time direction app method url status error duration_ms request_headers request_body request_size "
    "answer_headers answer_body answer_size credential evidence",
    "in one place",
    stays="They tell what went on at one host.",
)
EVENTS = _table(
    "events",
    "id key workspace_id repository_id user_id installation_id time payload is_pending",
    "in one place",
    stays="They tell what went on at one host.",
)
HOOKS = _table(
    "hooks",
    "id uuid workspace_id repository_id installation_id url home description is_active secret events "
    "skip_cert_verification history_enabled created_at hears_after",
    "in one place",
    sealed="secret",
    local="hears_after",
)
DELIVERIES = _table(
    "deliveries",
    "id time event hook url status error attempts request_id state workspace repository duration_ms resent_from "
    "is_edited hook_id installation_id event_time lane target content request_headers answer_headers "
    "answer_body answer_size outcomes due_on claimed_until given_up_on is_sample",
    "in one place",
    unsafe="answer_body",
    stays="They tell what one host sends.",
)
AUDIT_RUNS = _table(
    "audit_runs",
    "installation_id action about began_on last_on repeats details",
    "in one place",
    key="installation_id action about",
)
AUDIT_LOG = _table("audit_log", "id time actor action subject details", "in one place")

TABLES = (
    FACTS,
    MIGRATIONS,
    SEALING_KEY,
    REMEMBERED,
    USERS,
    EMAILS,
    PASSWORDS,
    WORKSPACES,
    MEMBERS,
    INVITATIONS,
    MEMBER_GROUPS,
    GROUP_MEMBERS,
    PROJECTS,
    REPOSITORIES,
    REPOSITORY_REDIRECTS,
    WATCHERS,
    PERMISSIONS,
    DEFAULT_REVIEWERS,
    REFS,
    DOWNLOADS,
    REGISTRATIONS,
    INSTALLATIONS,
    PROPERTIES,
    COMMIT_COMMENTS,
    COMMIT_APPROVALS,
    COMMIT_STATUSES,
    HOOKS,
    HANDSHAKES,
    OFFERS,
    RETIRED_SECRETS,
    PUSHES,
    LINKERS,
    LINKER_VALUES,
    DELETED_VALUES,
    ACCESS_TOKENS,
    API_TOKENS,
    SSH_KEYS,
    DEPLOY_KEYS,
    CONSUMERS,
    OAUTH_GRANTS,
    OAUTH_TOKENS,
    SESSIONS,
    LIFECYCLE_CALLS,
    REQUESTS,
    EVENTS,
    DELIVERIES,
    AUDIT_RUNS,
    AUDIT_LOG,
)
"""In the order in which they can be filled: a row comes after those that it refers to."""

TRAVELLING = tuple(table for table in TABLES if not table.stays)
"""The exported tables."""
SEALED = tuple((table, column) for table in TABLES for column in sorted(table.sealed))
"""Every column of secrets."""
