"""`/-/install`: a descriptor is checked during typing, agreed to, and installed step by step.

The page of the handshake is sent as it happens, so it needs no JavaScript. The handshake itself does not depend on a
viewer: when the browser disconnects, it continues.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.responses import Response

from roadstead.connect import Descriptor
from roadstead.domain.apps import installations, lifecycle
from roadstead.domain.apps.check import Verdict, check
from roadstead.domain.apps.descriptors import read_descriptor
from roadstead.domain.apps.fetching import fetch_descriptor
from roadstead.domain.host import Host
from roadstead.errors import InstallationFailed, InvalidInput, OutgoingCallFailed, RoadsteadError
from roadstead.model import LifecycleCall
from roadstead.web.descriptor_view import (
    Scope,
    ShownFinding,
    ShownPattern,
    digest,
    pattern_in_words,
    scopes_in_words,
    with_excerpts,
)
from roadstead.web.lifecycle_view import ShownCall, shown_call
from roadstead.web.page import Visit, render, stream

log = logging.getLogger("roadstead.web")


@dataclass(frozen=True, slots=True)
class Draft:
    """The descriptor to install: its text, or its URL. With a text, the URL is where the app will serve it."""

    url: str
    text: str

    async def document(self, host: Host) -> bytes:
        """Return the document. Raise `OutgoingCallFailed`."""
        return self.text.encode() if self.text else await fetch_descriptor(host.outbound, self.url)

    def descriptor_url(self, descriptor: Descriptor) -> str | None:
        """Return the URL for updates: the one given, or the one that the descriptor names as its own."""
        own = descriptor.links.get("self")
        return self.url or (own if isinstance(own, str) and own.startswith(("http://", "https://")) else None)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the operator has to agree to, with the fields of its form."""

    name: str
    key: str
    vendor: str
    base_url: str
    descriptor_url: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of the descriptor. It can be installed if there is an `agreement`."""

    findings: list[ShownFinding]
    errors: int
    patterns: list[ShownPattern]
    agreement: Agreement | None
    all_scopes: bool
    scopes: list[Scope]


@dataclass(frozen=True, slots=True)
class InstallPage:
    """Context of `install.html`, and of `parts/judged.html`, the part that changes during typing.

    `workspace` is the content of its field, and `workspace_wrong` the error of that.
    """

    draft: Draft
    judged: Judged | None
    failure: RoadsteadError | None
    workspaces: list[str]
    workspace: str
    workspace_wrong: str


@dataclass(frozen=True, slots=True)
class Event:
    """A step that `begins`, or the result of the step that began."""

    begins: str = ""
    note: str = ""
    failure: RoadsteadError | None = None
    call: ShownCall | None = None
    installation_id: int | None = None
    can_repeat: bool = False


@dataclass(frozen=True, slots=True)
class HandshakePage:
    """Context of `handshake.html`. `events` arrive as they happen."""

    draft: Draft
    workspace: str
    digest: str
    events: AsyncIterator[Event]


async def ask(visit: Visit) -> Response:
    return await _page(visit, Draft(visit.request.query_params.get("url", "").strip(), ""))


async def judge(visit: Visit) -> Response:
    return await _page(visit, _draft(await visit.form()))


async def run(visit: Visit) -> Response:
    form = await visit.form()
    draft, workspace = _draft(form), form.get("workspace", "").strip()
    try:
        installations.check_workspace_slug(workspace)
    except InvalidInput as exc:
        return await _page(visit, draft, workspace=workspace, wrong=f"{exc.message} {exc.detail}")
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    handshake = _Handshake(visit, draft, workspace, form.get("digest", ""), events.put_nowait)
    visit.host.run_later(handshake.run())
    return stream("handshake.html", HandshakePage(draft, workspace, handshake.agreed, _until_none(events)), visit=visit)


def _draft(form: dict[str, str]) -> Draft:
    text = form.get("text", "")
    return Draft(form.get("url", "").strip(), text if text.strip() else "")


async def _page(visit: Visit, draft: Draft, *, workspace: str = "", wrong: str = "") -> Response:
    judged, failure = None, None
    if draft.url or draft.text:
        try:
            judged = await _judged(visit.host, draft)
        except OutgoingCallFailed as exc:
            failure = exc
    known = [workspace.slug for workspace in await installations.list_workspaces(visit.host)]
    known = known or ["local"]
    page = InstallPage(draft, judged, failure, known, workspace or known[0], wrong)
    template = "parts/judged.html" if visit.part_only else "install.html"
    return render(template, page, visit=visit, status=400 if wrong else 200)


async def _judged(host: Host, draft: Draft) -> Judged:
    document = await draft.document(host)
    # In a thread, because a large document takes tens of milliseconds.
    verdict = await asyncio.to_thread(check, document)
    descriptor = await asyncio.to_thread(read_descriptor, document) if verdict.valid else None
    return Judged(
        findings=with_excerpts(document, verdict.findings),
        errors=_errors(verdict),
        patterns=[pattern_in_words(linker.key, linker) for linker in verdict.linkers],
        agreement=_agreement(draft, descriptor) if descriptor else None,
        all_scopes=descriptor is not None and descriptor.scopes is None,
        scopes=scopes_in_words(descriptor) if descriptor else [],
    )


def _errors(verdict: Verdict) -> int:
    return sum(finding.severity == "error" for finding in verdict.findings)


def _agreement(draft: Draft, descriptor: Descriptor) -> Agreement:
    return Agreement(
        name=descriptor.name,
        key=descriptor.key,
        vendor=descriptor.vendor.name if descriptor.vendor else "",
        base_url=descriptor.base_url,
        descriptor_url=draft.descriptor_url(descriptor),
        digest=digest(descriptor),
    )


class _Handshake:
    """An installation that reports each of its steps to `say`, and at its end `None`."""

    def __init__(
        self, visit: Visit, draft: Draft, workspace: str, agreed: str, say: Callable[[Event | None], None]
    ) -> None:
        self.agreed = agreed
        self._host = visit.host
        self._actor = visit.viewer
        self._draft = draft
        self._workspace = workspace
        self._say = say

    async def run(self) -> None:
        try:
            await self._run()
        except RoadsteadError as exc:
            call_id = exc.call_id if isinstance(exc, InstallationFailed) else None
            call = await lifecycle.find_call(self._host, call_id) if call_id else None
            self._say(
                Event(failure=exc, call=shown_call(call) if call else None, can_repeat=not isinstance(exc, _Changed))
            )
        except Exception:
            log.exception("An installation failed.")
            mistake = RoadsteadError(
                "Roadstead failed with an internal error.", "The log has the details; please report it."
            )
            self._say(Event(failure=mistake))
        finally:
            self._say(None)

    async def _run(self) -> None:
        document = await self._fetch()
        descriptor, url = await self._validate(document)
        installation = await installations.install_descriptor(
            self._host,
            descriptor,
            url,
            self._workspace,
            actor=self._actor,
            progress=lambda step: self._begin_call(descriptor),
        )
        call: LifecycleCall | None = None
        if descriptor.lifecycle.installed is not None:
            call, *_ = await lifecycle.list_calls(self._host, installation)
        shown = shown_call(call) if call else None
        self._say(Event(note="The app accepted.", call=shown, installation_id=installation.id))

    async def _fetch(self) -> bytes:
        self._say(Event(begins="Read the text" if self._draft.text else f"Fetch {self._draft.url}"))
        started = time.perf_counter()
        document = await self._draft.document(self._host)
        took = "" if self._draft.text else f" in {(time.perf_counter() - started) * 1000:.0f} ms"
        self._say(Event(note=f"{len(document):,} bytes{took}."))
        return document

    async def _validate(self, document: bytes) -> tuple[Descriptor, str]:
        self._say(Event(begins="Check the descriptor"))
        descriptor = await asyncio.to_thread(read_descriptor, document)
        if digest(descriptor) != self.agreed:
            raise _Changed("The descriptor has changed since you looked at it.", "Check it again before you install.")
        url = self._draft.descriptor_url(descriptor)
        if url is None:
            raise InvalidInput(
                "The URL of the descriptor is missing.", "Give it beside the text, or write it into links.self."
            )
        self._say(Event(note="The descriptor is valid, and the one that you agreed to."))
        return descriptor, url

    def _begin_call(self, descriptor: Descriptor) -> None:
        path = descriptor.lifecycle.installed
        self._say(
            Event(
                begins=f"Post installed to {descriptor.url(path)}"
                if path
                else "No call: the descriptor names no URL for installed"
            )
        )


class _Changed(InvalidInput):
    """The descriptor that is served now is not the one that was agreed to."""


async def _until_none(events: "asyncio.Queue[Event | None]") -> AsyncIterator[Event]:
    while (event := await events.get()) is not None:
        yield event
