"""The clients' additions to the core: sending, waiting, and raising the client's own errors."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from roadstead.client import (
    AddonClient,
    AsyncAddonClient,
    ClientError,
    ConnectionFailed,
    LinkerValue,
    ServerError,
    exchange,
)
from tests.client.conftest import Call, credentials
from tests.client.loopback_host import Answer, HangUp, LoopbackHost, NotHttp, Stall, refusal
from tests.ports import free_port

VALUE = LinkerValue(5, "BB")


@pytest.fixture(autouse=True)
def one_value(loopback: LoopbackHost) -> None:
    loopback.values["tickets"] = {5: "BB"}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "trouble",
    [
        HangUp(),
        NotHttp(b"SSH-2.0-OpenSSH\r\n"),
        NotHttp(b""),
        Answer(503),
        Answer(502, b"<html>"),
        Answer(429, b"", {"Retry-After": "0"}),
    ],
    ids=["hangs up", "speaks SSH", "says nothing", "503", "502", "429"],
)
def test_trouble_that_passes_is_not_noticed(loopback: LoopbackHost, call: Call, trouble: Answer) -> None:
    """A read that fails once is repeated, signed again, and returns its result."""
    loopback.script.append(trouble)

    assert call("value", "tickets", 5) == VALUE
    assert len(loopback.requests) == 2


def test_trouble_that_stays_is_an_error(loopback: LoopbackHost, call: Call) -> None:
    """After four attempts the last answer counts."""
    loopback.script += [refusal(503, "Come back later.", retry_after=0)] * 4

    with pytest.raises(ServerError, match="Come back later"):
        call("value", "tickets", 5)

    assert len(loopback.requests) == 4


@pytest.mark.sample(3)
@pytest.mark.parametrize("trouble", [HangUp(), NotHttp(b"garbage"), Stall()], ids=["hangs up", "garbage", "silence"])
def test_a_value_is_never_added_twice(
    loopback: LoopbackHost, call_at: Callable[..., Call], trouble: HangUp | NotHttp | Stall
) -> None:
    """When the answer to a POST is lost, the error says that it may have been done, and the caller decides."""
    loopback.script.append(trouble)

    with pytest.raises(ConnectionFailed) as raised:
        call_at(loopback.base_url, timeout=1)("add_value", "tickets", "OPS")

    assert raised.value.may_have_been_done
    assert len(loopback.requests) == 1


def test_a_host_that_is_not_there_is_an_error(call_at: Callable[..., Call], monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the request and says that it was not sent."""
    monkeypatch.setattr(exchange, "PAUSES", (0, 0, 0))
    port = free_port()

    with pytest.raises(ConnectionFailed, match=f"^POST http://127.0.0.1:{port}/.* could not be sent") as raised:
        call_at(f"http://127.0.0.1:{port}")("add_value", "tickets", "BB")

    assert not raised.value.may_have_been_done


def test_nothing_of_the_secret_is_in_an_error_from_the_wire(loopback: LoopbackHost, call: Call) -> None:
    """Neither the error nor its cause shows the secret or a token."""
    loopback.script.append(HangUp())

    with pytest.raises(ClientError) as raised:
        call("add_value", "tickets", "OPS")

    shown = f"{raised.value!r} {raised.value.__cause__!r} {vars(raised.value)}"
    token = loopback.requests[-1].headers["Authorization"].removeprefix("JWT ")
    assert credentials()["shared_secret"] not in shown
    assert token not in shown


def test_cookies_are_not_kept(loopback: LoopbackHost) -> None:
    """A JWT is the only credential; the client keeps no cookie of a host."""
    loopback.script.append(Answer(200, {"id": 5, "value": "BB"}, {"Set-Cookie": "session=1"}))

    with AddonClient(loopback.base_url, **credentials()) as addon:
        addon.value("tickets", 5)
        addon.value("tickets", 5)

    assert "Cookie" not in loopback.requests[1].headers


def test_one_client_serves_many_threads(loopback: LoopbackHost) -> None:
    """A web application may keep a single client."""
    found: list[LinkerValue] = []
    with AddonClient(loopback.base_url, **credentials()) as addon:
        threads = [threading.Thread(target=lambda: found.append(addon.value("tickets", 5))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [VALUE] * 20


def test_one_async_client_serves_many_tasks(loopback: LoopbackHost) -> None:
    """Concurrent operations do not mix up their answers."""
    loopback.values["tickets"] = {number: f"V{number}" for number in range(1, 21)}

    async def all_values() -> list[LinkerValue]:
        async with AsyncAddonClient(loopback.base_url, **credentials()) as addon:
            return await asyncio.gather(*(addon.value("tickets", number) for number in range(1, 21)))

    assert asyncio.run(all_values()) == [LinkerValue(number, f"V{number}") for number in range(1, 21)]
