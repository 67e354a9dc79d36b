"""Many hostile requests, and valid ones beside them."""

import asyncio
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.live import AppClient, LiveHost, host_process, recording_app

LINKERS = "/2.0/addon/linkers"
VALUES = f"{LINKERS}/tickets/values"
CONNECTIONS = 32

HOSTILE_PATTERNS = [r"((?K)-\d+)", r"([\w\-]+\-\d+)", r"(a|aa)+$", r"(?=(a+)+b)(a+)", r"(\w+)\1"]
NASTY = [
    "",
    "\x00",
    "'",
    '"',
    "' OR 1=1--",
    "<script>",
    "{{7*7}}",
    "../" * 9,
    "%00",
    "%ff",
    "１",
    "+1",
    "1_0",
    "-1",
    "1e9",
    "\ud800",
    "é" * 50,
    "\u202e",
    "a" * 300,
    "a" * 5000,
    "null",
    "true",
    "[]",
    "${jndi:ldap://x}",
    "\r\nX: y",
    "\t",
]


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Attacker:
    """Makes hostile requests, the same ones for the same seed, and says of each whether it is complete.

    A hostile app signs many of them correctly; but none is one that an app may make.
    """

    def __init__(self, api: AppClient, seed: int) -> None:
        self._api = api
        self._random = random.Random(seed)

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        kinds: list[Callable[[], bytes]] = [
            self._no_http,
            self._wrong_token,
            self._wrong_token,
            self._wrong_body,
            self._wrong_body,
            self._wrong_address,
            self._wrong_query,
            self._wrong_method,
            self._wrong_form,
            self._wrong_headers,
            self._text,
            self._pasted,
        ]
        while True:
            kind = self._random.choice(kinds)
            yield kind(), kind != self._no_http

    def _nasty(self) -> str:
        return self._random.choice(NASTY)

    def _noise(self, most: int) -> bytes:
        return self._random.randbytes(self._random.randrange(most))

    def _request(self, method: str, target: str, body: bytes = b"", *headers: str, token: str | None = None) -> bytes:
        signed = token if token is not None else self._api.token(method, target)
        lines = [f"{method} {target} HTTP/1.1", "Host: x", f"Authorization: JWT {signed}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body

    def _no_http(self) -> bytes:
        whole = self._request("PUT", VALUES, b'["E V I L"]')
        cut = self._random.randrange(1, len(whole))
        return self._random.choice(
            [
                self._noise(500),
                whole[:cut],
                b"\x16\x03\x01" + self._noise(200),
                whole.replace(b"HTTP/1.1", b"HTTP/9.9"),
                whole.replace(b"\r\n", b"\n", 1),
                b"\r\n" * 50,
                whole[:20] + self._noise(50) + whole[20:],
                whole[:-1],
            ]
        )

    def _wrong_token(self) -> bytes:
        return self._request("PUT", VALUES, b'["E V I L"]', token=self._token())

    def _pasted(self) -> bytes:
        """Return a token to explain, with any request."""
        url = self._random.choice([VALUES, f"{VALUES}?{self._nasty()}", f"http://x{self._nasty()}", self._nasty() * 50])
        method = self._random.choice(["GET", "", self._nasty(), "x" * 5000])
        prefix = self._random.choice(["", "JWT ", "curl -H 'Authorization: JWT ", self._nasty(), "Bearer "])
        body = {"token": prefix + self._token(), "method": method, "url": url}
        return self._request("POST", "/-/debug-jwt", json.dumps(body).encode(), "Content-Type: application/json")

    def _token(self) -> str:
        good = self._api.token("PUT", VALUES)
        header, claims, signature = good.split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        deep = base64.urlsafe_b64encode(b"[" * 3000 + b"]" * 3000).decode().rstrip("=")
        return self._random.choice(
            [
                f"{none}.{claims}.",
                f"{header}.{claims}.{signature[:-1]}",
                f"{header}.{deep}.{signature}",
                f"{header}.{claims}",
                good + "." + signature,
                self._noise(60).hex(),
                base64.b64encode(self._noise(3000)).decode(),
                self._api.token("PUT", VALUES, secret="a" * 43),
                self._api.token("GET", VALUES),
                self._api.token("PUT", VALUES, exp=self._random.choice([None, 0, "soon", [], 10**400, -1, True])),
                self._api.token("PUT", VALUES, sub=self._random.choice([None, 1, [], {}, "x", _utf8(self._nasty())])),
                self._api.token("PUT", VALUES, qsh=_utf8(self._nasty())),
            ]
        )

    def _wrong_body(self) -> bytes:
        depth = self._random.choice([50, 500, 5000])
        value: object = self._random.choice(
            [None, 1, 1.5, True, [], {}, [[]], {"value": 1}, self._nasty() + " ", [1, "A B"]]
        )
        body = self._random.choice(
            [
                json.dumps({"value": value}).encode(),
                json.dumps({"values": [value, "BB", "BB"]}).encode(),
                json.dumps([self._nasty() + "!" for _ in range(5)]).encode(),
                b"[" * depth + b"]" * depth,
                b'{"value":' * depth,
                b'{"value": "' + self._noise(100) + b'"',
                self._noise(1000) or b"{",
                b'{"values": [' + b"1," * 1000 + b"1]}",
            ]
        )
        method, target = self._random.choice(
            [("POST", VALUES), ("PUT", VALUES), ("PUT", f"{VALUES}/"), ("PUT", "/2.0/addon")]
        )
        return self._request(method, target, body, "Content-Type: application/json")

    def _wrong_address(self) -> bytes:
        piece = quote(self._nasty().encode("utf-8", "surrogatepass"), safe=self._random.choice(["", "/%'"]))
        place = self._random.choice(
            [f"{LINKERS}/{{}}", f"{LINKERS}/{{}}/values", f"{VALUES}/{{}}", "/{}", "/2.0/{}", "/-/{}", "/-/static/{}"]
        )
        return self._request(self._random.choice(["GET", "DELETE"]), place.format(f"x{piece}"))

    def _wrong_query(self) -> bytes:
        name = self._random.choice(
            ["q", "sort", "fields", "page", "pagelen", "after", "before", "workspace", "jwt", "direction"]
        )
        value = self._random.choice(
            [
                self._nasty(),
                "(" * 200,
                'value ~ "' + self._nasty(),
                "id = " + "9" * 400,
                "value IN (" + '"a",' * 300,
                "-*," * 200,
                "a." * 500,
            ]
        )
        target = self._random.choice([VALUES, LINKERS, "/-/linkers", "/-/audit", "/-/requests"])
        return self._request("GET", f"{target}?{name}={quote(value.encode('utf-8', 'surrogatepass'))}")

    def _wrong_method(self) -> bytes:
        method = self._random.choice(["PATCH", "TRACE", "PROPFIND", "OPTIONS", "CONNECT", "HEAD", "PUT", "DELETE"])
        return self._request(
            method, self._random.choice(["/", LINKERS, "/-/sign-in", "/-/health/live", "/2.0/user", "*"])
        )

    def _wrong_form(self) -> bytes:
        form = self._random.choice(["code=", "csrf=", "grant_type=", "a=&" * 300]) + quote(
            self._nasty().encode("utf-8", "surrogatepass")
        )
        kind = self._random.choice(
            [
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "text/plain",
            ]
        )
        body = self._random.choice([form.encode(), b"--x\r\n" + form.encode(), self._noise(300) or b"x"])
        target = self._random.choice(
            ["/-/sign-in", "/-/sign-out", "/site/oauth2/access_token", "/site/addons/authorize"]
        )
        return self._request("POST", target, body, f"Content-Type: {kind}")

    def _wrong_headers(self) -> bytes:
        header = self._random.choice(
            [
                "Content-Length: -1",
                "Content-Length: 1, 2",
                "Content-Length: 99999999999999999999",
                "Content-Length: 17000000",
                "Transfer-Encoding: chunked",
                "Transfer-Encoding: gzip",
                "Content-Encoding: gzip",
                "Expect: 100-continue",
                "Upgrade: websocket\r\nConnection: upgrade",
                "Authorization: Basic " + self._noise(30).hex(),
                "Cookie: " + "a=b;" * 500,
                f"Cookie: roadstead_session={self._nasty().strip()}",
                "Content-Type: ;;;",
                "X: " + "a" * 60_000,
                "X: " + "a" * 70_000,
                "Connection: close",
                f"Accept: {self._nasty().strip()}",
            ]
        )
        return self._request(
            self._random.choice(["GET", "PUT"]), self._random.choice([VALUES, "/", "/-/linkers"]), b"", header
        )

    def _text(self) -> bytes:
        text = self._random.choice(["a", "a-", "aA1-", "BB-1 ", self._nasty()]) * self._random.choice([1, 30, 1000])
        form = self._random.choice(["html", "markdown", "terminal", "json", "pdf", 1, None])
        body = {"text": text, "format": form, "input": self._random.choice(["text", "html", 1]), "workspace": "local"}
        body["explain"] = self._random.choice([True, False, 1])
        return self._request("POST", "/-/linkify", json.dumps(body).encode(), "Content-Type: application/json")


async def _answer(reader: asyncio.StreamReader) -> int | None:
    """Return the status of the answer, or `None` if the connection ends without one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return int(head.split(maxsplit=2)[1])


class Flood:
    """Sends hostile requests, each on a separate connection, and valid ones on another until these are through."""

    def __init__(self, host: LiveHost, api: AppClient) -> None:
        self._address = (urlsplit(host.url).hostname, urlsplit(host.url).port)
        self._api = api
        self.statuses: Counter[int | None] = Counter()
        self.unanswered = 0
        self.valid = 0
        self.slowest = 0.0

    async def send(self, number: int, seed: int) -> None:
        requests = iter(Attacker(self._api, seed))
        left = iter(range(number))
        tasks = [asyncio.create_task(self._attack(requests, left)) for _ in range(CONNECTIONS)]
        valid = asyncio.create_task(self._behave(tasks))
        await asyncio.gather(*tasks, valid)

    async def _attack(self, requests: Iterator[tuple[bytes, bool]], left: Iterator[int]) -> None:
        for _ in left:
            request, whole = next(requests)
            status = await self._exchange(request, whole=whole)
            self.statuses[status] += 1
            self.unanswered += whole and status is None

    async def _exchange(self, request: bytes, *, whole: bool) -> int | None:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            writer.write(request)
            if not whole:
                writer.write_eof()
            async with asyncio.timeout(30):
                return await _answer(reader)
        except ConnectionError:
            return None
        finally:
            writer.close()

    async def _behave(self, meanwhile: list[asyncio.Task[None]]) -> None:
        """Add, read and remove a value as a harmless client, waiting for each answer."""
        while not all(task.done() for task in meanwhile):
            began = time.monotonic()
            name = f"V{self.valid}"
            made = await asyncio.to_thread(self._api, "POST", VALUES, json={"value": name})
            assert made.status_code == 201, made.text
            path = f"{VALUES}/{made.json()['id']}"
            assert (await asyncio.to_thread(self._api, "GET", path)).json()["value"] == name
            assert (await asyncio.to_thread(self._api, "DELETE", path)).status_code == 204
            self.valid += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


def _resident(pid: int) -> float:
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines() if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("number", [100, pytest.param(100_000, marks=pytest.mark.slow)])
def test_hostile_requests_change_nothing_and_disturb_nobody(tmp_path: Path, number: int) -> None:
    """No 5xx, no traceback, no growth; valid requests beside them are answered, and nothing changes."""
    linkers = [{"key": f"hostile-{n}", "regex": regex, "url": "/x"} for n, regex in enumerate(HOSTILE_PATTERNS)]
    tickets = {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/\1"}
    log = tmp_path / "log"
    with (
        recording_app(modules={"linkers": [tickets, *linkers]}) as app,
        host_process(tmp_path / "data", log) as (host, _, process),
    ):
        api = AppClient(host.url, host.install(app))
        assert api("PUT", VALUES, json=["BEFORE"]).status_code == 204
        flood = Flood(host, api)
        memory = []
        for tenth in range(10):
            asyncio.run(flood.send(number // 10, seed=tenth))
            memory.append(_resident(process.pid))
        assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["BEFORE"]
    print(f"{number} requests: {dict(flood.statuses)}, whole ones without an answer: {flood.unanswered}")  # noqa: T201  # figures are wanted, not only the verdict
    print(f"valid rounds beside them: {flood.valid}, the slowest {flood.slowest * 1000:.0f} ms")  # noqa: T201
    print(f"resident memory after each tenth, in MiB: {[round(size) for size in memory]}")  # noqa: T201
    assert not [status for status in flood.statuses if status is not None and status >= 500]
    # The host may close the connection of a refused request before the test reads the answer.
    assert flood.unanswered < number / 50
    assert "Traceback" not in (logged := log.read_text("utf-8", "replace"))
    # A parked linker has a log line; a refused request has none, because then anyone could fill the log.
    assert len(logged.splitlines()) < 100
    assert flood.valid > 0
    assert memory[-1] < memory[2] + 30
