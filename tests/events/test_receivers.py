"""What Roadstead does when a receiver fails: the table of the how-to, row by row, with a clock of its own."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.outbound.calls import Outbound
from roadstead.receiver import Answering
from roadstead.settings import Settings
from tests.certificates import self_signed
from tests.conftest import NewDatabase
from tests.events.scene import EACH_TRY, Receiving, Scene, receiving, run

HOW_TO = Path(__file__).parents[2] / "docs/how-to/receive-webhooks.md"
HEADING = "| what a receiver does |"


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


@dataclass(frozen=True)
class Case:
    """A receiver, and the state of a delivery after its attempts at those seconds: what it says, and its attempts.

    One that differs little from another of its row is slow.
    """

    state: str
    said: str
    attempts: int = 1
    answering: Answering = field(default_factory=Answering)
    seconds: tuple[float, ...] = (0, 1, 4)
    hook: Mapping[str, Any] = field(default_factory=dict)
    heard: bool = True
    differs_little: bool = False


_LARGE = b"x" * 10_000_000
CASES: Mapping[str, list[Case]] = {
    "answers 2xx": [Case("delivered", "200"), Case("delivered", "204", answering=Answering(204), differs_little=True)],
    "answers 5xx or 408": [
        Case("pending", "500", 2, Answering(500)),
        Case("pending", "408", 2, Answering(408), differs_little=True),
        Case("given up", "503", 13, Answering(503), (*EACH_TRY, 200_000)),
    ],
    "answers 429": [
        Case("pending", "429", 2, Answering(429)),
        Case("pending", "429", 1, Answering(429, headers=(("Retry-After", "60"),))),
        Case("pending", "503", 1, Answering(503, headers=(("Retry-After", "60"),)), differs_little=True),
    ],
    "answers 400, 404, 410 or another 4xx": [
        Case("failed", f"{status}", answering=Answering(status), differs_little=status != 410)
        for status in (400, 404, 410, 451)
    ],
    "redirects": [
        Case("failed", "302", answering=Answering(302, headers=(("Location", "/elsewhere"),))),
        Case("failed", "308", answering=Answering(308, headers=(("Location", "/elsewhere"),)), differs_little=True),
    ],
    "answers with 10 MB": [
        Case("delivered", "200", answering=Answering(200, body=_LARGE)),
        Case("pending", "500", 2, Answering(500, body=_LARGE), differs_little=True),
    ],
    "hangs": [Case("pending", "did not answer within 0.5 seconds", 2, Answering(delay=30))],
    "closes the connection": [Case("pending", "cannot be reached", 2, Answering(close=True))],
    "is at an address that may not be called": [
        Case("pending", "--allow-target 127.0.0.1:", 2, hook={"home": None}, heard=False)
    ],
}
"""The rows that need nothing but a receiver that answers as told."""


def _marked(row: str, case: Case) -> Any:
    return pytest.param(case, id=f"{row}: {case.said}", marks=[pytest.mark.slow] if case.differs_little else [])


@pytest.mark.parametrize("case", [_marked(row, case) for row, cases in CASES.items() for case in cases])
def test_what_a_receiver_does(settings: Settings, case: Case) -> None:
    """Its answer, or that there is none, decides about another attempt; the hook stays active."""

    async def scenario(scene: Scene) -> None:
        if case.answering.delay:
            scene = _impatient(scene)
        await scene.hook(receiver.url, **case.hook)
        await scene.event(1)
        await scene.dispatch()
        for later in case.seconds:
            await scene.send(later)
        (one,) = await scene.log()
        assert (one.state, one.attempts) == (case.state, case.attempts)
        assert case.said in f"{one.status} {one.error}"
        assert [sent.target for sent in receiver.kept] == ["/"] * (case.attempts if case.heard else 0)
        assert [sent.attempt for sent in receiver.kept] == [str(n + 1) for n in range(len(receiver.kept))]
        assert await scene.host.store.database.read("SELECT 1 FROM hooks WHERE is_active = 1")
        await scene.host.outbound.close()

    with receiving(answering=case.answering) as receiver:
        run(settings, scenario)


def _impatient(scene: Scene) -> Scene:
    """Return the scene with a host that waits for half a second in place of ten."""
    return replace(scene, host=replace(scene.host, outbound=Outbound(allow_loopback=True, total_seconds=0.5)))


def test_a_receiver_that_is_down_for_an_hour(settings: Settings) -> None:
    """Seven attempts fail; the next one arrives, three hours after the first, and what waited follows it."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(url)
        await scene.event(1)
        await scene.dispatch()
        tries = [second for second in EACH_TRY if second < 3600]
        for second in tries:
            await scene.send(second)
        for number in (2, 3):
            await scene.event(number)
        await scene.dispatch()
        first, *others = await scene.log()
        assert (first.state, first.attempts, [one.attempts for one in others]) == ("pending", len(tries), [0, 0])
        with receiving(port=port) as receiver:
            await scene.send(3600)
            assert receiver.numbers == []
            await scene.send(EACH_TRY[len(tries)])
            assert receiver.numbers == [1, 2, 3]
            assert [one.headers["X-Attempt-Number"] for one in receiver.kept] == ["8", "1", "1"]
        assert {one.state for one in await scene.log()} == {"delivered"}

    with receiving() as gone:
        url, port = gone.url, gone.server_address[1]
    run(settings, scenario)


def test_a_receiver_that_is_down_for_days(settings: Settings) -> None:
    """A delivery is given up after a day, and one that waited longer behind it after a single attempt."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(url)
        for number in (1, 2, 3):
            await scene.event(number)
        await scene.dispatch()
        for second in (*EACH_TRY, 2 * 86_400):
            await scene.send(second)
        assert {one.state for one in await scene.log()} == {"given up"}
        assert [one.attempts for one in await scene.log()] == [13, 2, 1]

    with receiving() as gone:
        url = gone.url
    run(settings, scenario)


@pytest.mark.parametrize("skips", [False, True])
def test_a_receiver_with_a_certificate_of_its_own(settings: Settings, tmp_path: Path, skips: bool) -> None:
    """Nothing is sent to it, unless the hook skips the check."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url.replace("http:", "https:"), skip_cert_verification=skips)
        await scene.event(1)
        await scene.dispatch()
        await scene.send()
        (one,) = await scene.log()
        assert (one.state, receiver.numbers) == (("delivered", [1]) if skips else ("pending", []))
        assert skips or "TLS failed, self-signed certificate" in (one.error or "")

    with _with_tls(tmp_path) as receiver:
        run(settings, scenario)


@contextmanager
def _with_tls(folder: Path) -> Iterator[Receiving]:
    """Yield a receiver that speaks TLS, with a certificate that it has signed itself."""
    certificate = folder / "certificate.pem"
    certificate.write_bytes(self_signed())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with receiving() as receiver:
        receiver.socket = tls.wrap_socket(receiver.socket, server_side=True)
        yield receiver


def test_each_row_of_the_how_to_is_tested() -> None:
    """A row is a case here, or has a test of its own."""
    rows = HOW_TO.read_text().partition(HEADING)[2].split("\n\n")[0].splitlines()[2:]
    apart = {"is down for an hour", "is down for days", "has a certificate that no known authority has signed"}
    assert {row.split("|")[1].strip() for row in rows} == {*CASES, *apart}
