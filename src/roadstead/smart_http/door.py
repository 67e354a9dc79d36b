"""The addresses that git asks for below that of a repository. Refusals are texts, which git shows its user."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from roadstead.api import auth
from roadstead.api.answers import Answer, Redirect
from roadstead.api.bodies import body_in_pieces
from roadstead.api.errors import STOPPING, RequestRefused, expect_method, headers_of, status_of
from roadstead.api.incoming import Incoming
from roadstead.api.streams import Stream
from roadstead.domain.host import Host
from roadstead.domain.repositories import transfers
from roadstead.domain.repositories.access import NoSuchRepository, RepositoryMoved, find_repository
from roadstead.domain.repositories.commits import find_hash, folder_of
from roadstead.domain.repositories.transfers import Transfer
from roadstead.domain.traffic.answered import answered
from roadstead.errors import NotAuthenticated, NotFound, RoadsteadError, WrongCredential
from roadstead.model import UNIDENTIFIED, Identity, Privilege
from roadstead.pushed import ArchiveFormat, Service
from roadstead.smart_http import lfs

_ADVERTISEMENT = "info/refs"
_SERVICES: tuple[Service, ...] = ("git-upload-pack", "git-receive-pack")
_ARCHIVES = "get/"
_MEDIA: dict[ArchiveFormat, str] = {
    "tar.gz": "application/gzip",
    "tar.bz2": "application/x-bzip2",
    "zip": "application/zip",
}
_KNOWN = (_ADVERTISEMENT, *_SERVICES)
_NEEDS: dict[Service, tuple[Privilege, str, str]] = {
    "git-upload-pack": ("read", "repository", "read:repository:bitbucket"),
    "git-receive-pack": ("write", "repository:write", "write:repository:bitbucket"),
}
"""The privilege that each takes, the scope, and its granular form."""
_PROTOCOL = re.compile(r"[\x21-\x7e]{1,64}")
_CHALLENGE = {"WWW-Authenticate": lfs.CHALLENGE}
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
_FRESH = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "Pragma": "no-cache"}

_SMART_ONLY = RequestRefused(
    400, "This host speaks only git's smart protocol.", "Use git 1.6.6 or later, or a client that asks for a service."
)
_NO_SERVICE = RequestRefused(400, "There is no such service of git.", "There are: git-upload-pack, git-receive-pack.")
_SEND_A_TOKEN = NotAuthenticated(
    "Authentication is required.",
    "Use your user name, or x-bitbucket-api-token-auth, with an API token, or x-token-auth with another token.",
)

log = logging.getLogger("roadstead.git")


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request of git, or one for an archive: `admission.is_of_git` knows the addresses."""
    started, visit = time.perf_counter(), _Visit(scope, receive)
    with body_in_pieces(scope):
        answer = await visit.answer()
        await answer(scope, receive, send)
    answered(visit.host, scope, started, answer, route=visit.template, identity=visit.identity)


class _Visit:
    """One request. `identity` is the caller, once the credential is checked."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.host: Host = scope["state"]["host"]
        self.identity: Identity = UNIDENTIFIED
        self._request = Request(scope, receive)
        path: str = scope["path"]
        _, self._workspace, self._name, self._rest = (*path.split("/", 3), "", "")[:4]

    @property
    def template(self) -> str:
        """The address, as metrics name it."""
        below = self._rest if self._rest in _KNOWN else ""
        if self._rest.startswith(_ARCHIVES):
            below = f"{_ARCHIVES}{{ref}}"
        elif self._rest.startswith(lfs.BELOW):
            below = lfs.template_of(self._rest)
        return f"/{{workspace}}/{{repo_slug}}/{below}" if below else "none"

    async def answer(self) -> Answer:
        """Return the answer. Every failure is one."""
        try:
            return await self._answer()
        except RepositoryMoved as exc:
            return self._moved(exc)
        except RoadsteadError as exc:
            return _refusal(exc)
        except asyncio.CancelledError:
            return _refusal(STOPPING)
        except Exception:
            log.exception("%s %s failed", self._request.method, self._request.url.path)
            return _refusal(RequestRefused(500, "Roadstead failed with an internal error.", "The log has the details."))

    async def _answer(self) -> Answer:
        if self._rest.startswith(_ARCHIVES):
            expect_method(self._request.method, "GET", "HEAD")
            return await self._archive(self._rest.removeprefix(_ARCHIVES).replace("%2F", "/"))
        if self._rest.startswith(lfs.BELOW):
            below = self._rest.removeprefix(lfs.BELOW)
            return await lfs.answer(lfs.Visit(self.host, self._request, self._name, below, self._transfer))
        if self._rest not in _KNOWN:
            raise RequestRefused(404, "There is nothing at this address.")
        if self._rest == _ADVERTISEMENT:
            expect_method(self._request.method, "GET")
            service = _service(dict(parse_qsl(self._request.scope["query_string"].decode("latin-1"))).get("service"))
            return await self._streamed(service, "advertisement", _advertised)
        expect_method(self._request.method, "POST")
        service = _service(self._rest)
        self._expect_type(f"application/x-{service}-request")
        return await self._streamed(service, "result", _exchanged)

    async def _archive(self, asked: str) -> Answer:
        """Return an archive of the commit that a branch, a tag or an id names, before one of the endings."""
        wanted = next(ending for ending in _MEDIA if asked.endswith(f".{ending}"))
        transfer = await self._transfer("git-upload-pack")
        repository = transfer.repository
        commit = find_hash(folder_of(self.host, repository), asked.removesuffix(f".{wanted}"))
        name = f"{repository.workspace.slug}-{repository.slug}-{commit[:12]}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}.{wanted}"',
            "X-Content-Type-Options": "nosniff",
            **_FRESH,
        }
        stream = Stream(transfers.archive(transfer, commit, wanted, name), _MEDIA[wanted], headers=headers, paced=True)
        await stream.begin()
        return stream

    async def _streamed(self, service: Service, what: str, pieces: "_Pieces") -> Answer:
        """Return a stream, once its first piece is made: only until then can a failure become an answer."""
        made = pieces(await self._transfer(service), service, self._request)
        stream = Stream(made, f"application/x-{service}-{what}", headers=_FRESH, paced=True)
        await stream.begin()
        return stream

    async def _transfer(self, service: Service) -> Transfer:
        """Return the transfer if the caller may make it. Raise `RepositoryMoved` and refusals.

        Without a credential, an invisible, a missing and a read-only repository have one answer, a 401: git sends its
        credential only after one.
        """
        least, scope, granular = _NEEDS[service]
        if auth.has_credential(self._request):
            self.identity = await auth.holder_of(scope, (granular,), self._request, self.host)
        slug = self._name.removesuffix(".git")
        try:
            held = await find_repository(self.host, self.identity, self._workspace, slug, least)
        except RepositoryMoved:
            raise
        except (NotFound, WrongCredential) as exc:
            if self.identity is UNIDENTIFIED:
                raise _SEND_A_TOKEN from exc
            raise NoSuchRepository if isinstance(exc, NotFound) else exc from exc
        return Transfer(self.host, self.identity, held.repository, auth.sharer_of(self.identity, self._request))

    def _moved(self, moved: RepositoryMoved) -> Answer:
        query = self._request.scope["query_string"].decode("latin-1")
        ending = ".git" if self._name.endswith(".git") else ""
        place = f"{self.host.base_url}/{moved.repository.full_name}{ending}/{self._rest}"
        # git follows a 301 with another POST, and git-lfs a 308.
        status = 308 if self._rest.startswith(lfs.BELOW) else 301
        return Redirect(status, f"{place}?{query}" if query else place)

    def _expect_type(self, media_type: str) -> None:
        if self._request.headers.get("content-type") != media_type:
            raise RequestRefused(415, f"This address takes {media_type}.")


_Pieces = Callable[[Transfer, Service, Request], AsyncGenerator[bytes, None]]


def _service(name: str | None) -> Service:
    """Return the service of that name. Raise `RequestRefused`."""
    for service in _SERVICES:
        if service == name:
            return service
    raise _SMART_ONLY if name is None else _NO_SERVICE


def _advertised(transfer: Transfer, service: Service, request: Request) -> AsyncGenerator[bytes, None]:
    return transfers.advertise(transfer, service, _protocol(request))


def _exchanged(transfer: Transfer, service: Service, request: Request) -> AsyncGenerator[bytes, None]:
    if service == "git-receive-pack":
        return transfers.receive(transfer, _body(request))
    return transfers.upload(transfer, _body(request, most=transfers.MOST_ASKED_BYTES), _protocol(request))


def _body(request: Request, *, most: int | None = None) -> Incoming:
    """Return the body. Raise `RequestRefused` for one that is packed in a way that git does not use."""
    packed = request.headers.get("content-encoding", "identity").lower()
    if packed not in ("identity", "gzip", "x-gzip"):
        raise RequestRefused(415, "A body of this Content-Encoding is not taken.", "Send it plain, or with gzip.")
    return Incoming(request.receive, gzipped=packed != "identity", most=most)


def _protocol(request: Request) -> str:
    """Return the versions of the protocol that the client speaks. What git would not send is ignored."""
    sent = request.headers.get("git-protocol", "")
    return sent if _PROTOCOL.fullmatch(sent) else ""


def _refusal(error: RoadsteadError) -> Answer:
    """Return a refusal as a text, which git shows its user."""
    text = f"{error.lines}\n"
    if isinstance(error, NotAuthenticated) and error is not _SEND_A_TOKEN:
        text = f"Invalid credentials\n{text}"
    answer = Answer(status_of(error), _PLAIN, text.encode())
    answer.add_headers({"Content-Length": str(answer.size), **headers_of(error)})
    if isinstance(error, NotAuthenticated):
        answer.add_headers(_CHALLENGE)
    return answer
