"""One address and its methods.

Common to all operations: finding the operation, authentication before the body is read, HEAD, OPTIONS, 405 with
`Allow`, and errors as Bitbucket's body.
"""

import asyncio
import logging
import time
from collections.abc import Generator
from types import coroutine

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from roadstead.api.answers import CORS_PREFLIGHT, Answer, no_content
from roadstead.api.auth import CALLER, VIEWER, challenge, scope_headers
from roadstead.api.bodies import HELD, INSTALLATION, let_go
from roadstead.api.errors import STOPPING, RequestRefused, error_answer
from roadstead.api.operation import Call, Operation
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.answered import answered
from roadstead.errors import NotAuthenticated, RoadsteadError
from roadstead.model import UNIDENTIFIED, Identity

PATH_VALUES = "roadstead.path_values"
"""The key in a request's scope of the address's parameters, in the order of the template."""

IN_ONE_TURN = 0.001
"""Seconds that a handler takes at most, usually, if it does not wait."""

log = logging.getLogger("roadstead.api")


class Address:
    """An ASGI application for one address; `path` names it in metrics. Calls to a `recorded` one can be viewed
    afterwards.

    Roadstead's own addresses are not recorded: their calls say nothing about apps, and are made by those who watch the
    record.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.recorded = not path.startswith("/-/")
        self._operations: dict[str, Operation] = {}
        self.allow = "OPTIONS"

    def add(self, operation: Operation) -> None:
        """Serve an operation here. HEAD comes with GET."""
        self._operations[operation.method] = operation
        if operation.method == "GET":
            self._operations["HEAD"] = operation
        self.allow = ", ".join(sorted({*self._operations, "OPTIONS"}))

    @property
    def operations(self) -> dict[str, Operation]:
        """Return the operations by method, without HEAD."""
        return {method: operation for method, operation in self._operations.items() if method != "HEAD"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        host: Host = scope["state"]["host"]
        identity: Identity = scope.get(VIEWER, UNIDENTIFIED)
        counted_for: int | None = None
        try:
            operation = self._operations.get(scope["method"])
            if operation is None:
                answer = self._without_operation(scope["method"])
            else:
                request = Request(scope, receive)
                caller = identity = await operation.needs.identify(request, host)
                counted_for = caller.installation_id
                if counted_for is not None:
                    under_way = host.admission.of_installations
                    number = under_way[counted_for] = under_way[counted_for] + 1
                    if number > host.admission.share_of_installation:
                        raise _has_its_share(host, counted_for, scope)
                    if operation.takes is not None:
                        scope[INSTALLATION] = counted_for
                path = operation.template.read(scope[PATH_VALUES])
                answer = await operation.answer(Call(request, host, caller, path))
        except RoadsteadError as exc:
            answer = _refusal(exc, scope, operation)
        except asyncio.CancelledError:
            answer = error_answer(STOPPING)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = error_answer(
                RequestRefused(
                    500, "Roadstead failed with an internal error.", "The log has the details; please report it."
                )
            )
        if counted_for is not None:
            host.admission.of_installations[counted_for] -= 1
        if CALLER in scope:
            answer.headers += scope_headers(*scope[CALLER])
        if HELD in scope:
            let_go(scope)
        # Yield once, so that all requests of this loop turn are handled before any answer is written: alternating
        # handlers with system calls more than doubled their time. A request that had to wait, for a commit say, is no
        # longer in the turn in which it began.
        if time.perf_counter() - started < IN_ONE_TURN:
            await _next_turn()
        await answer(scope, receive, send)
        answered(host, scope, started, answer, route=self.path, recorded=self.recorded, identity=identity)

    def _without_operation(self, method: str) -> Answer:
        if method == "OPTIONS":
            return no_content({"Allow": self.allow, **CORS_PREFLIGHT})
        raise RequestRefused(
            405,
            f"This address does not accept {method}.",
            f"This address takes: {self.allow}.",
            headers={"Allow": self.allow},
        )


@coroutine
def _next_turn() -> Generator[None, None, None]:
    """Let the loop run the other tasks of this turn. `asyncio.sleep(0)` does this in two steps."""
    yield


def _refusal(error: RoadsteadError, scope: Scope, operation: Operation | None) -> Answer:
    answer = error_answer(error)
    if operation is not None and isinstance(error, NotAuthenticated):
        answer.add_headers(challenge(scope, operation.needs.credentials))
    return answer


def _has_its_share(host: Host, installation: int, scope: Scope) -> RequestRefused:
    host.refusals.add(429, "installation", f"installation {installation}", scope[request_id.IN_SCOPE])
    return RequestRefused(
        429,
        "Your app has as many requests running as one app may.",
        "Send this one again when some of them have been answered.",
        headers={"Retry-After": "1"},
    )
