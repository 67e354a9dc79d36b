"""Calls as they are recorded: with the app of each, without secrets."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qs

from roadstead.connect.evidence import Evidence
from roadstead.connect.presented import Presented, present, present_token
from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.answered import Answered, Headers
from roadstead.domain.traffic.redaction import KEPT, RAW_BYTES, cleaned, kept, named_secrets
from roadstead.model import Identity
from roadstead.outbound.calls import Answer, Sent
from roadstead.recorded import REFUSALS, Message, RecordedRequest, RequestDetails
from roadstead.storage import Store
from roadstead.storage.installations import find_app_key, find_caller, get_installation

MOST_JUDGED = 10
"""Tokens of a batch, because each takes up to 4 ms: callers who are refused repeatedly must not keep a core busy. The
rest of the batch is judged when it is viewed.
"""
_LONGEST_APP_KEY = 255


class Records:
    """Makes the records of one batch. `now` is Unix time."""

    def __init__(self, store: Store, now: float) -> None:
        self._store = store
        self._judged = 0
        self._began = datetime.fromtimestamp(now - time.perf_counter(), UTC)

    async def of_received(self, call: Answered) -> RequestDetails:
        """Return what is recorded of a call to this host."""
        query = call.query.decode("latin-1")
        credential = _credential(call.headers, query)
        app, secrets = await self._caller(call.identity, credential)
        body, size = (call.answer_body, call.answer_size) if call.method != "HEAD" else (b"", 0)
        answer_headers = [*call.answer_headers, (request_id.HEADER, call.request_id.encode())]
        return self._details(
            call,
            direction="in",
            app=app,
            url=cleaned(f"{call.path.decode('latin-1')}{'?' if query else ''}{query}", secrets),
            status=call.status,
            request=kept(call.headers, call.body, stated_size(call.headers), secrets=secrets, credential=credential),
            answer=kept(answer_headers, body, size, secrets=secrets),
            credential=credential,
            evidence=await self._evidence(call.status, credential),
        )

    async def of_sent(self, call: Sent) -> RequestDetails:
        """Return what is recorded of a call of the host. The body of an `installed` call names a secret, and the app
        may send it back."""
        secrets = named_secrets(call.body.decode("utf-8", "replace"))
        authorization = call.headers.get("Authorization")
        headers = [(name.encode(), value.encode()) for name, value in call.headers.items()]
        credential = present(authorization) if authorization else None
        return self._details(
            call,
            direction="out",
            app=call.app_key or await find_app_key(self._store.database, call.url),
            url=cleaned(call.url, secrets),
            status=call.answer.status if call.answer else None,
            error=call.error,
            request=kept(headers, call.body[:RAW_BYTES], len(call.body), secrets=secrets, credential=credential),
            answer=_answer(call.answer, secrets),
        )

    def _details(
        self,
        call: Answered | Sent,
        *,
        direction: Literal["in", "out"],
        app: str | None,
        url: str,
        status: int | None,
        request: Message,
        answer: Message,
        error: str | None = None,
        credential: Presented | None = None,
        evidence: Evidence | None = None,
    ) -> RequestDetails:
        summary = RecordedRequest(
            id=0,
            time=self._began + timedelta(seconds=call.started),
            direction=direction,
            app=app,
            method=call.method,
            url=url[:KEPT],
            status=status,
            error=error,
            duration_ms=round((call.ended - call.started) * 1000, 2),
            request_size=request.size,
            answer_size=answer.size,
        )
        return RequestDetails(summary, request, answer, credential, evidence)

    async def _evidence(self, status: int, credential: Presented | None) -> Evidence | None:
        """Return the host's facts about the token of a refused call, because later the state would be another."""
        if status not in REFUSALS or credential is None or not credential.signing_input:
            return None
        if self._judged == MOST_JUDGED:
            return None
        self._judged += 1
        # Imported late: most hosts refuse no call for a long time.
        from roadstead.domain.access.evidence import evidence_of

        return await evidence_of(self._store, credential)

    async def _caller(self, identity: Identity, credential: Presented | None) -> tuple[str | None, Sequence[str]]:
        """Return the app that called, or claims that it did, and its secrets, which must be redacted everywhere."""
        if identity.secrets:
            return identity.app_key, identity.secrets
        if identity.installation_id is not None:
            installation = await get_installation(self._store, identity.installation_id)
            return (installation.app_key, (installation.shared_secret,)) if installation else (None, ())
        return await self._claimed(credential) if credential is not None else (None, ())

    async def _claimed(self, credential: Presented) -> tuple[str | None, Sequence[str]]:
        claims = credential.claims
        issuer = claims.get("iss")
        for named in (claims.get("sub"), issuer):
            caller = await find_caller(self._store, named) if isinstance(named, str) else None
            if caller is not None:
                return caller.app_key, caller.secrets
        return (cleaned(issuer)[:_LONGEST_APP_KEY] if isinstance(issuer, str) else None), ()


def _credential(headers: Headers, query: str) -> Presented | None:
    for name, value in headers:
        if name == b"authorization":
            return present(value.decode("latin-1"))
    tokens = parse_qs(query).get("jwt") if "jwt=" in query else None
    return present_token(tokens[0], scheme="query") if tokens else None


def stated_size(headers: Headers) -> int:
    """Return the length of a body as its sender states it, in bytes."""
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length) if length.isdigit() and len(length) < 19 else 0


def _answer(answer: Answer | None, secrets: Sequence[str]) -> Message:
    if answer is None:
        return Message((), "", 0)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    return kept(headers, answer.body[:RAW_BYTES], len(answer.body), secrets=secrets)
