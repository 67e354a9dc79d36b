"""Answers that are made once for each state of what they depend on."""

from collections.abc import Awaitable, Callable, Hashable

from roadstead.api.answers import Answer, encoded_answer
from roadstead.api.operation import Call

_OVERHEAD = 1_000
"""Bytes that keeping an answer takes beside its body."""


async def kept_answer(call: Call, about: Hashable, depends_on: object, make: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the JSON that was answered before at this address about the same, if it depends on the same, or make it.

    `about` names what the address stands for now, such as the commit of a branch, with all of the caller that counts.
    `depends_on` has the versions of all else, read before. The caller may see the answer: that is checked before.
    """
    scope = call.request.scope
    key = scope["raw_path"], scope["query_string"], about
    kept = call.host.store.memory.kept
    body: bytes | None = kept.find(key, depends_on)
    if body is not None:
        return encoded_answer(body)
    answer = await make()
    kept.keep(key, depends_on, answer.body, len(answer.body) + _OVERHEAD)
    return answer


async def kept_in_repository(call: Call, about: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return as `kept_answer` does what depends on the names of the call's repository, pushes to it, and people."""
    versions = await call.host.store.database.versions()
    return await kept_answer(call, about, (call.repository, versions.people), make)
