"""What the domain can raise, and what every front door can show.

    RoadsteadError
    ├── InvalidInput              the input cannot be accepted
    │   └── InvalidLinkerValue
    ├── NotAuthenticated          no credential, or one that fails
    ├── WrongCredential           a valid credential of a kind that does not work here
    │   └── ScopeMissing          it lacks a scope
    ├── NotFound
    │   ├── WorkspaceNotFound
    │   ├── AppNotInstalled
    │   ├── LinkerNotFound
    │   └── LinkerValueNotFound
    ├── Removed                   the cloud had this in an earlier era, and has it no longer
    ├── Conflict
    │   ├── LinkerValueExists
    │   └── HandshakeUnderWay
    ├── RateLimitExceeded         more requests than an installation may make in an hour
    ├── TooManyGuesses            too many wrong secrets of an account, or from an address
    ├── TooMuchAtOnce             a caller has as much running as it may
    │   └── UpdateUnderWay        an app updates itself once at a time
    ├── HostBusy                  others keep the host busy for longer than this caller waits
    ├── RepositoryFull            it would be larger than a repository may be here
    ├── OutgoingCallFailed        a server could not be reached, or may not be called
    ├── InstallationFailed        has the step, and the app's answer
    ├── GitFailed                 git is missing, or failed
    │   └── GitLimit              it would take longer, or say more, than is allowed
    └── StorageUnavailable        the database cannot serve a request now; try again later
        ├── StorageBusy           other callers keep it busy, without a fault
        └── StorageUnusable       the data folder or the database cannot be used at all

`message` is one sentence; `detail` says what to do about it. Neither ever contains a secret.
"""

from collections.abc import Iterable, Mapping, Sequence


class RoadsteadError(Exception):
    """The base of every error that a user may see."""

    data: Mapping[str, str] | None = None
    """Texts for programs, which error bodies have as `data`."""
    sentences: Sequence[str] = ()
    """What error bodies have as `fields` where the cloud lists sentences there, and not members."""

    def __init__(self, message: str, detail: str = "", *, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.fields = fields

    @property
    def lines(self) -> str:
        """Return message and detail, each on a line of its own, for a terminal."""
        return f"{self.message}\n{self.detail}".strip()


class InvalidInput(RoadsteadError):
    """The input cannot be accepted; nothing changed."""


def invalid_member(name: str, reason: str, detail: str = "") -> InvalidInput:
    """Return the refusal of one member of a body, or of one field of a form; `detail` says what to do."""
    return InvalidInput(f"{name}: {reason}", detail, fields={name: [reason]})


class InvalidLinkerValue(InvalidInput):
    """At least one linker value is not acceptable; `fields` names the offenders."""


class NotAuthenticated(RoadsteadError):
    """There is no credential, or the credential fails."""


class WrongCredential(RoadsteadError):
    """The credential is valid, but this resource takes another kind."""


class ScopeMissing(WrongCredential):
    """The credential lacks a scope: one that is `required` is not among the `granted`."""

    def __init__(self, required: Sequence[str], granted: Iterable[str]) -> None:
        self.required = list(required)
        self.granted = sorted(granted)
        super().__init__(
            "Your credentials lack one or more required privilege scopes.",
            f"Required: {' '.join(self.required)}. Granted: {' '.join(self.granted) or 'none'}.",
        )


class NotFound(RoadsteadError):
    """The addressed object does not exist, or the caller may not know that it does."""


class WorkspaceNotFound(NotFound):
    """There is no workspace of that name."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no workspace {slug!r}.", "Create it with: roadstead workspace create SLUG")


class Removed(RoadsteadError):
    """The cloud had this in an earlier era, and removed it with a numbered change. The texts are the cloud's."""

    def __init__(self, change: str) -> None:
        super().__init__(
            f"{change} - Functionality has been deprecated", "Please read the changelog entry for more details."
        )
        self.data = {"announcement_url": f"https://developer.atlassian.com/cloud/bitbucket/changelog#{change}"}


class AppNotInstalled(NotFound):
    """The app is not installed in the workspace."""

    def __init__(self, app_key: str, workspace: str | None = None) -> None:
        where = f" in workspace {workspace!r}" if workspace else ""
        super().__init__(f"The app {app_key!r} is not installed{where}.", "List what is installed with: roadstead apps")


class LinkerNotFound(NotFound):
    """The installation has no linker with that key."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"There is no linker {key!r}.",
            "Linkers are the ones declared under modules.linkers of the app's installed descriptor.",
        )


class LinkerValueNotFound(NotFound):
    """The linker has no value with that id."""

    def __init__(self, value_id: str) -> None:
        super().__init__(
            f"There is no linker value {value_id!r}.",
            "A value's id is in the answer that created it and in its list.",
        )


class Conflict(RoadsteadError):
    """The request is valid but conflicts with the present state."""


class LinkerValueExists(Conflict):
    """The linker already has the value being added."""

    def __init__(self, value: str) -> None:
        super().__init__(
            f"The linker already has the value {value!r}.",
            "Nothing was changed.",
            fields={"value": ["Already exists."]},
        )


class HandshakeUnderWay(Conflict):
    """The same app is being installed in the same workspace right now."""

    def __init__(self, app_key: str) -> None:
        super().__init__(
            f"The app {app_key!r} is being installed at this moment.", "Wait for that to end, then try again."
        )


class RateLimitExceeded(RoadsteadError):
    """The installation has used up its rate limit; `retry_after` is in seconds. The message is Bitbucket's."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(
            "Rate limit for this resource has been exceeded",
            f"An app may make {limit} requests within an hour here; the next one in {retry_after} s.",
        )
        self.retry_after = retry_after


class TooManyGuesses(RoadsteadError):
    """There were too many wrong secrets of an account, or from an address; `retry_after` is in seconds."""

    def __init__(self, kind: str, retry_after: int) -> None:
        super().__init__(f"There were too many wrong {kind}s.", f"Wait for {retry_after} s, and send the right one.")
        self.retry_after = retry_after


class TooMuchAtOnce(RoadsteadError):
    """The caller has as many requests of one kind running as it may; `retry_after` is in seconds."""

    retry_after = 1


class UpdateUnderWay(TooMuchAtOnce):
    """An update of the installation, or as many updates as allowed, are running."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Nothing was changed. Try again in a second.")


class HostBusy(RoadsteadError):
    """Other callers keep the host busy for longer than this caller waits. Nothing changed; trying again may work."""


class RepositoryFull(RoadsteadError):
    """A repository would be larger than the operator allows. The message is the cloud's."""

    def __init__(self, gibibytes: int) -> None:
        super().__init__(
            f"Repository is over the size limit ({gibibytes} GB) and will not accept further additions.",
            "Remove what is not needed, or ask the operator of this host for more.",
        )


class OutgoingCallFailed(RoadsteadError):
    """A server could not be reached, may not be called, or did not answer in time.

    `may_have_arrived` says that the request was sent, and that perhaps only the answer is missing.
    """

    def __init__(self, message: str, detail: str = "", *, may_have_arrived: bool = False) -> None:
        super().__init__(message, detail)
        self.may_have_arrived = may_have_arrived


class TargetForbidden(OutgoingCallFailed):
    """The address may not be called. The detail names the setting that allows it, if there is one."""


class NameNotResolved(OutgoingCallFailed):
    """The server's name has no address that this machine can find."""


class InstallationFailed(RoadsteadError):
    """An installation failed and was undone.

    `step` is one of `fetch`, `validate`, `installed`; `status` and `body` are the app's answer, if any (`body` cut to
    what fits on a screen). `call_id` is that of the record of the call to the app, if one was made. `unanswered` says
    that the app may have accepted, although its answer did not arrive.
    """

    def __init__(
        self,
        message: str,
        detail: str = "",
        *,
        step: str,
        status: int | None = None,
        body: str | None = None,
        call_id: int | None = None,
        unanswered: bool = False,
    ) -> None:
        super().__init__(message, detail)
        self.unanswered = unanswered
        self.step = step
        self.status = status
        self.body = body
        self.call_id = call_id


class GitFailed(RoadsteadError):
    """git is missing, or failed."""


class GitLimit(GitFailed):
    """git would take longer, or say more, than is allowed. Nothing is wrong with the repository."""


class StorageUnavailable(RoadsteadError):
    """The database cannot serve this request now. Nothing changed; trying again may work."""


class StorageBusy(StorageUnavailable):
    """Other callers keep the database busy for longer than this caller waits."""


class StorageUnusable(StorageUnavailable):
    """The data folder or the database cannot be used until an operator repairs it."""
