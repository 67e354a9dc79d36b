"""schemathesis makes requests from our OpenAPI document, valid and invalid ones, and judges the answers by it."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from tests.api.repositories import Made, repository
from tests.contract import DOCUMENT
from tests.live import AppClient, LiveHost, RecordingApp, recording_app

CONFIG = schemathesis.Config.from_dict(
    {
        # The test makes credentials; schemathesis must not generate them.
        "generation": {"with-security-parameters": False},
        # schemathesis does not know 411: a body that it leaves empty is sent in chunks.
        "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
    }
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
OPERATIONS = [(method.upper(), address) for address, methods in DOCUMENT["paths"].items() for method in methods]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
SHORT, LONG = 6, 200


class Signed(requests.auth.AuthBase):
    """Signs a request as the installed app does, once its method, path and query are final."""

    def __init__(self, api: AppClient) -> None:
        self._api = api

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"JWT {self._api.token(request.method or '', request.path_url)}"
        return request


@pytest.fixture(scope="module")
def app() -> Iterator[RecordingApp]:
    with recording_app() as running:
        yield running


@pytest.fixture(scope="module")
def made(host: LiveHost) -> Made:
    return repository(host)


@pytest.mark.sample(8)
@pytest.mark.parametrize("examples", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("method", "address"), OPERATIONS)
def test_answers_are_as_documented(
    host: LiveHost,
    app: RecordingApp,
    made: Made,
    method: str,
    address: str,
    examples: int,
    record_property: Callable[[str, object], None],
) -> None:
    """No request made from the document gets a 5xx, or an undocumented answer."""
    api = AppClient(host.url, host.install(app))
    operation = SCHEMA[address][method]
    good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    cases = st.one_of(good, good.map(lambda case: _at_a_known_place(case, api, made)), bad)
    judged: Counter[int] = Counter()

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=cases)
    def judge(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=host.url, auth=Signed(api), timeout=30)
        asked_in_part = "fields" in (case.query or {})
        case.validate_response(answer, checks=CHECKS[: -2 if asked_in_part else None])
        assert answer.status_code != 401, answer.text
        judged[answer.status_code] += 1
        if (method, address, answer.status_code) == ("DELETE", "/2.0/addon", 204):
            api.installation = host.install(app)

    judge()
    record_property("examples", judged.total())


def _at_a_known_place(case: schemathesis.Case[Any], api: AppClient, made: Made) -> schemathesis.Case[Any]:
    """Return the case with an address that exists."""
    known = {
        "linker_key": "tickets",
        "workspace": "local",
        "value_id": "",
        "repo_slug": made.repository.slug,
        "commit": "main",
        "app_key": api.installation.app_key,
    }
    for name in known.keys() & case.path_parameters.keys():
        case.path_parameters[name] = known[name] or str(_new_value(api))
    return case


def _new_value(api: AppClient) -> int:
    values = "/2.0/addon/linkers/tickets/values"
    api("DELETE", values)
    made: int = api("POST", values, json={"value": "THERE"}).json()["id"]
    return made
