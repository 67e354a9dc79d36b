"""`POST /-/debug-jwt`: why a token would be refused."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Annotated, Any, TypedDict

import msgspec

from roadstead.api.answers import Answer, json_answer
from roadstead.api.bodies import Shape
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.connect.diagnosis import Diagnosis
from roadstead.connect.evidence import Check, Verdict
from roadstead.control.map import DEBUG_JWT as OPERATIONS
from roadstead.domain.access import diagnosis
from roadstead.errors import InvalidInput


class PresentedToken(TypedDict):
    """A token, as a header, in a curl command or alone, and the request that it was meant for."""

    token: Annotated[str, msgspec.Meta(examples=["JWT eyJhbGciOiJIUzI1NiJ9.e30.x"])]
    method: Annotated[str, msgspec.Meta(examples=["GET"])]
    url: Annotated[str, msgspec.Meta(examples=["/2.0/addon/linkers?page=2"])]


class CheckResource(TypedDict):
    """The finding of a check. A `warning` is accepted nevertheless; for `unknown` another check must pass first."""

    check: str
    verdict: Verdict
    finding: str
    fix: str


class DiagnosisResource(TypedDict):
    """Every check of a token; `cause` is the first that fails, `difference` the offset at which the canonical requests
    differ.
    """

    cause: CheckResource | None
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    checks: list[CheckResource]
    canonical_request: str
    hashed: str | None
    difference: int | None


def _token_wanted(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput(
        "The body must give the token and the request it was meant for.",
        'Send {"token": "eyJ…", "method": "GET", "url": "/2.0/addon/linkers?page=2"}.',
    )


_PRESENTED: Shape[tuple[str, str, str]] = Shape(PresentedToken, itemgetter("token", "method", "url"), _token_wanted)


@OPERATIONS.post(needs=OPERATOR, takes=_PRESENTED, gives={200: DiagnosisResource})
async def debug_jwt(call: Call, presented: tuple[str, str, str]) -> Answer:
    """Explain why a token would be refused for a request: every check, and what to do."""
    found = await diagnosis.explain_pasted(call.host, *presented)
    return json_answer(explained_token(found), headers={"Cache-Control": "no-store"})


def explained_token(found: Diagnosis) -> DiagnosisResource:
    """Return a diagnosis as data."""
    return {
        "cause": None if found.cause is None else _check(found.cause),
        "header": found.header,
        "claims": found.claims,
        "checks": [_check(check) for check in found.checks],
        "canonical_request": found.canonical,
        "hashed": None if found.hashed is None else found.hashed.canonical,
        "difference": found.difference,
    }


def _check(check: Check) -> CheckResource:
    return {"check": check.name, "verdict": check.verdict, "finding": check.finding, "fix": check.fix}
