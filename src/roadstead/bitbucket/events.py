"""What the groups of Bitbucket's API announce: the module that builds the payload of each event."""

from roadstead.events.payloads import Payloads

_ANNOUNCED = {
    "projects": ("project:updated",),
    "repositories": ("repo:created", "repo:imported", "repo:deleted", "repo:updated", "repo:fork", "repo:transfer"),
    "refs": ("repo:push",),
    "commits": ("repo:commit_comment_created",),
    "statuses": ("repo:commit_status_created", "repo:commit_status_updated"),
}

PAYLOADS = Payloads({key: f"roadstead.bitbucket.{group}.events" for group, keys in _ANNOUNCED.items() for key in keys})
