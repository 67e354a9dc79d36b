"""The catalogue of events: every key that a hook, or an app's webhook, may name."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

Subject = Literal["repository", "workspace"]
"""What a hook belongs to."""
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
_BOTH = frozenset(SUBJECTS)
_WORKSPACE = frozenset[Subject]({"workspace"})
_REPOSITORY = frozenset[Subject]({"repository"})


class EventType(NamedTuple):
    """A kind of event, as `GET /2.0/hook_events` tells it.

    Hooks of the `subjects` may subscribe to it. An app needs the `scope` to hear it, and the creator of a hook to
    subscribe to it.
    `fires` says that this version announces it; any other can be subscribed to, and never comes.
    """

    key: str
    category: str
    label: str
    description: str
    scope: str
    subjects: frozenset[Subject] = _BOTH
    fires: bool = False


def _repository(name: str, label: str, description: str, subjects: frozenset[Subject] = _BOTH) -> EventType:
    return EventType(f"repo:{name}", "Repository", label, description, "repository", subjects, fires=True)


def _pull_request(name: str, label: str, description: str) -> EventType:
    return EventType(f"pullrequest:{name}", "Pull Request", label, description, "pullrequest")


def _issue(name: str, label: str, description: str) -> EventType:
    return EventType(f"issue:{name}", "Issue", label, description, "issue")


_ALL = (
    _repository("push", "Push", "Whenever a repository push occurs"),
    _repository("fork", "Fork", "Whenever a repository fork occurs"),
    _repository("updated", "Updated", "Whenever a repository is updated"),
    _repository("commit_comment_created", "Commit comment created", "Whenever a commit comment is created"),
    _repository("commit_status_created", "Build status created", "Whenever a build status is created"),
    _repository("commit_status_updated", "Build status updated", "Whenever a build status is updated"),
    _repository("created", "Created", "Whenever a repository is created", _WORKSPACE),
    _repository("deleted", "Deleted", "Whenever a repository is deleted", _WORKSPACE),
    _repository("imported", "Import", "Whenever a repository import occurs", _WORKSPACE),
    _repository("transfer", "Transfer accepted", "Whenever a repository transfer is accepted", _WORKSPACE),
    _pull_request("created", "Created", "When a pull request is created"),
    _pull_request("updated", "Updated", "When a pull request is updated"),
    _pull_request("push", "Push", "When commits are pushed to the source branch of a pull request"),
    _pull_request("approved", "Approved", "When someone has approved a pull request"),
    _pull_request("unapproved", "Approval removed", "When someone has removed an approval of a pull request"),
    _pull_request(
        "changes_request_created", "Changes request created", "When someone has requested changes of a pull request"
    ),
    _pull_request(
        "changes_request_removed", "Changes request removed", "When someone has removed a request for changes"
    ),
    _pull_request("fulfilled", "Merged", "When a pull request is merged"),
    _pull_request("rejected", "Declined", "When a pull request is declined"),
    _pull_request("comment_created", "Comment created", "When a comment is made on a pull request"),
    _pull_request("comment_updated", "Comment updated", "When a comment on a pull request is changed"),
    _pull_request("comment_deleted", "Comment deleted", "When a comment on a pull request is deleted"),
    _pull_request("comment_resolved", "Comment resolved", "When a comment on a pull request is resolved"),
    _pull_request("comment_reopened", "Comment reopened", "When a comment on a pull request is reopened"),
    _issue("created", "Created", "When an issue is created"),
    _issue("updated", "Updated", "When an issue is updated"),
    _issue("comment_created", "Comment created", "When a comment is made on an issue"),
    EventType(
        "pipeline:span_created",
        "Pipeline",
        "Span created",
        "When a part of a pipeline has run",
        "pipeline",
        _REPOSITORY,
    ),
    EventType("project:updated", "Project", "Updated", "Whenever a project is updated", "project", _WORKSPACE, True),
)

CATALOGUE: Mapping[str, EventType] = {event.key: event for event in _ALL}


def offered_to(subject: Subject) -> list[EventType]:
    """Return the events that hooks of a repository, or of a workspace, may subscribe to."""
    return [event for event in _ALL if subject in event.subjects]
