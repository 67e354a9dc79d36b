"""Many concurrent callers: exactly one wins, sets stay whole, and answered changes are stored."""

import asyncio
import time
from collections import Counter

import httpx
import pytest

from tests.live import AppClient, LiveHost

VALUES = "/2.0/addon/linkers/tickets/values"


def _at_once(host: LiveHost, requests: list[tuple[str, str, str, object]]) -> list[httpx.Response]:
    """Send all requests (method, target, token, JSON body) at the same time."""

    async def send() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(requests))
        async with httpx.AsyncClient(base_url=host.url, timeout=60, limits=limits, verify=False) as client:
            return await asyncio.gather(
                *(
                    client.request(method, target, json=body, headers={"Authorization": f"JWT {token}"})
                    for method, target, token, body in requests
                )
            )

    return asyncio.run(send())


@pytest.mark.slow
def test_one_value_is_added_once(api: AppClient, host: LiveHost) -> None:
    """Of 200 concurrent POSTs of one value exactly one is answered 201, the rest 409."""
    token = api.token("POST", VALUES)
    answers = _at_once(host, [("POST", VALUES, token, {"value": "BB"})] * 200)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 199}
    page = api("GET", VALUES).json()
    assert (page["size"], [value["value"] for value in page["values"]]) == (1, ["BB"])


@pytest.mark.each_database
def test_concurrent_sets_stay_whole(api: AppClient, host: LiveHost) -> None:
    """After concurrent bulk PUTs the result is one of the sets, and so is what a reader sees meanwhile."""
    token = api.token("PUT", VALUES)
    sets = [[f"S{number}-{item}" for item in range(50 + number)] for number in range(12)]
    api("PUT", VALUES, json=sets[0])
    target = f"{VALUES}?pagelen=100"
    reads = [("GET", target, api.token("GET", target), None)] * 20
    answers = _at_once(host, [*(("PUT", VALUES, token, chosen) for chosen in sets), *reads])
    assert {answer.status_code for answer in answers} == {200, 204}
    seen = [answer.json() for answer in answers if answer.status_code == 200] + [api("GET", target).json()]
    for page in seen:
        found = [value["value"] for value in page["values"]]
        assert found in sets
        assert page["size"] == len(found)


def test_counts_agree_after_mixed_writes(api: AppClient, host: LiveHost) -> None:
    """`size` is stored beside the values; after concurrent adds, deletes and conflicts it is still their number."""
    ids = [api("POST", VALUES, json={"value": f"OLD-{number}"}).json()["id"] for number in range(20)]
    adding = api.token("POST", VALUES)
    adds = [("POST", VALUES, adding, {"value": f"NEW-{number % 30}"}) for number in range(60)]
    deletes = [("DELETE", f"{VALUES}/{value}", api.token("DELETE", f"{VALUES}/{value}"), None) for value in ids]
    answers = _at_once(host, [*adds, *deletes])
    assert Counter(answer.status_code for answer in answers) == {201: 30, 409: 30, 204: 20}
    page = api("GET", f"{VALUES}?pagelen=100").json()
    assert page["size"] == len(page["values"]) == 30


def test_a_bulk_change_does_not_hold_up_readers(api: AppClient, host: LiveHost) -> None:
    """While thirty thousand values are stored, other requests are answered; this proves order, not speed."""
    big = [f"V{number}" for number in range(30_000)]

    async def run() -> tuple[float, list[float]]:
        async with httpx.AsyncClient(base_url=host.url, timeout=60, verify=False) as client:
            headers = {"Authorization": f"JWT {api.token('PUT', VALUES)}"}
            writing = asyncio.create_task(client.put(VALUES, json=big, headers=headers))
            answered = []
            while not writing.done():
                await client.get("/-/health/ready")
                answered.append(time.monotonic())
            assert (await writing).status_code == 204
            return time.monotonic(), answered

    _, answered = asyncio.run(run())
    assert len(answered) > 1
    assert api("GET", f"{VALUES}?page=3000&pagelen=10").json()["values"][-1]["value"] == "V29999"
