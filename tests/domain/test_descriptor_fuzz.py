"""Any descriptor of a stranger is judged, refused or installed, and nothing else happens."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roadstead.connect import Descriptor, InvalidDescriptor
from roadstead.domain.apps import installations
from roadstead.domain.apps.check import check
from roadstead.domain.apps.descriptors import read_descriptor
from roadstead.errors import InstallationFailed, InvalidInput
from roadstead.settings import Settings
from tests.connect.descriptors import ONE_OF_EACH, TIDY
from tests.live import AppClient, LiveHost, opened, recording_app, serving

VALID: dict[str, Any] = {**TIDY, "modules": ONE_OF_EACH}
WORDS = [
    *(
        "",
        " ",
        "\0",
        "\n",
        "\x7f",
        "\u202e",
        "\ud800",
        "é",
        "%",
        "x" * 3000,
        "jwt",
        "none",
        "account",
        "*",
        "/",
        "//",
        "#",
    ),
    *(
        "http://",
        "http://[",
        "https://a.example:99999",
        "javascript:x",
        "mailto:",
        "../..",
        "{",
        "{repository.uuid}",
        "{}",
    ),
    *(
        "(",
        ")",
        "(?K",
        "(?K)",
        "((?K))",
        "(?K)(?K)",
        "[(?K)]",
        r"\(?K)",
        "(?K)*",
        "(?P<n>a)(?P<n>b)",
        "(?P<n>",
        "(?P=n)",
    ),
    *(
        "(a+)+$",
        "(a|a)*b",
        "(?<=a*)b",
        r"\p{L}",
        "a{999999}",
        "a{1000}{1000}",
        "(?i",
        "(?#",
        "\\",
        "[",
        "[]",
        "[^]",
        "(?R)",
    ),
    *(
        r"\1",
        r"\99",
        r"\g<n>",
        r"\g<",
        r"\0",
        "(" * 200 + ")" * 200,
        "(a)" * 120,
        r"(?(1)a|b)",
        "(?s:.)",
        r"\Z",
        r"\b*",
        "x**",
    ),
]
words = st.sampled_from(WORDS) | st.text(max_size=20) | st.text("()[]{}|?*+\\dwKP<>=!:#^$.,-019ab ", max_size=25)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
odd = scalars | st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)
Place = tuple[Any, Any]
Refusal = TypeVar("Refusal", bound=Exception)


def _places(value: Any) -> Iterator[Place]:
    """Yield everything in a document that can be replaced: a container and an index or a name in it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield value, name
        yield from _places(member)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid descriptor in which some members are replaced, missing, renamed, wrapped or repeated."""
    document = copy.deepcopy(VALID)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        container, name = draw(st.sampled_from(list(_places(document))))
        match draw(st.sampled_from(["exchange", "exchange", "remove", "rename", "wrap", "repeat"])):
            case "exchange":
                container[name] = draw(odd)
            case "remove":
                del container[name]
            case "rename" if isinstance(container, dict):
                container[draw(words)] = container.pop(name)
            case "wrap":
                container[name] = [container[name]]
            case "repeat" if isinstance(container, list):
                container.extend(copy.deepcopy(container[name]) for _ in range(draw(st.sampled_from([1, 300]))))
        if not document:
            break
    return document


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Draw the text of such a descriptor, in which bytes may be replaced, missing, added or cut off."""
    text = json.dumps(draw(mutated()), indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans()))
    document = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, max(len(document) - 1, 0)))
        match draw(st.sampled_from(["exchange", "insert", "remove", "cut off"])):
            case "exchange":
                document[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
            case "insert":
                document[at:at] = draw(
                    st.sampled_from([b'"', b"\\", b",", b"{", b"]", b"\xff", b"/*", b"[" * 500, b"\r\n"])
                )
            case "remove":
                del document[at : at + draw(st.integers(1, 8))]
            case "cut off":
                del document[at:]
    return bytes(document)


anything = documents() | st.binary(max_size=200) | odd.map(lambda value: json.dumps(value).encode())
FUZZ = settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
runs = pytest.mark.parametrize("examples", [150, pytest.param(5_000, marks=pytest.mark.slow)])
installs = pytest.mark.parametrize("examples", [25, pytest.param(1_000, marks=pytest.mark.slow)])


@runs
def test_every_document_is_judged(examples: int, record_property: Callable[[str, object], None]) -> None:
    """`check` never raises, each finding is inside the text, and a descriptor that it calls valid can be read."""

    outcomes: Counter[bool] = Counter()

    @settings(FUZZ, max_examples=examples)
    @given(document=anything)
    def judge(document: bytes) -> None:
        verdict = check(document)
        lines = document.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
        for finding in verdict.findings:
            assert finding.message.endswith(".")
            assert finding.fix.endswith((".", "?", '"'))
            assert finding.line is not None
            assert finding.column is not None
            assert 1 <= finding.line <= len(lines)
            assert 1 <= finding.column <= len(lines[finding.line - 1]) + 1
        assert _can_be_read(document) == verdict.valid
        outcomes[verdict.valid] += 1

    judge()
    _both_happened(outcomes, record_property)


def _can_be_read(document: bytes) -> bool:
    refusal = _refusal_of(InvalidInput, lambda: read_descriptor(document))
    if refusal is not None:
        assert refusal.message
        assert refusal.detail
        return False
    descriptor = read_descriptor(document)
    assert Descriptor.from_json(descriptor.to_json()) == descriptor
    return True


def _both_happened(outcomes: Counter[bool], record_property: Callable[[str, object], None]) -> None:
    """Check that the examples are neither always good nor always bad: otherwise half of the checks would
    not have run.
    """
    assert outcomes.keys() == {True, False}
    record_property("examples", outcomes.total())
    record_property("accepted", outcomes[True])


def _refusal_of(kind: type[Refusal], attempt: Callable[[], object]) -> Refusal | None:
    """Return the refusal of the attempt; any other exception fails the test."""
    try:
        attempt()
    except kind as refusal:
        return refusal
    return None


@runs
def test_every_value_is_read_or_refused(examples: int, record_property: Callable[[str, object], None]) -> None:
    """A descriptor that was JSON already is a `Descriptor` or `InvalidDescriptor`, and so is any other value."""

    outcomes: Counter[bool] = Counter()

    @settings(FUZZ, max_examples=examples)
    @given(value=mutated() | st.dictionaries(words, odd))
    def read(value: dict[str, Any]) -> None:
        refusal = _refusal_of(InvalidDescriptor, lambda: Descriptor.from_json(value))
        assert refusal is None or any(finding.severity == "error" for finding in refusal.findings)
        outcomes[refusal is None] += 1

    read()
    _both_happened(outcomes, record_property)


@dataclass
class AnyApp:
    """A Connect app that serves any bytes as its descriptor and accepts every call."""

    document: bytes = b""

    def application(self) -> Starlette:
        async def descriptor(request: Request) -> Response:
            return Response(self.document, media_type="application/json")

        async def accept(request: Request) -> Response:
            return Response(status_code=204)

        return Starlette(routes=[Route("/descriptor.json", descriptor), Route("/{any:path}", accept, methods=["POST"])])


@installs
def test_every_document_is_installed_or_refused(
    tmp_path: Path, examples: int, record_property: Callable[[str, object], None]
) -> None:
    """A fetched descriptor is installed, or refused at a named step; then nothing is left of it."""
    app = AnyApp()
    outcomes: Counter[bool] = Counter()
    with serving(app.application()) as base_url, opened(Settings(data=tmp_path)) as work:

        @settings(FUZZ, max_examples=examples)
        @given(document=documents())
        def install(document: bytes) -> None:
            app.document = document.replace(TIDY["baseUrl"].encode(), base_url.encode())
            before = work(installations.list_apps)
            refusal = _refusal_of(
                InstallationFailed,
                lambda: work(lambda host: installations.install(host, f"{base_url}/descriptor.json", "local")),
            )
            after = work(installations.list_apps)
            if refusal is not None:
                assert refusal.step in ("fetch", "validate", "installed")
                assert after == before
            else:
                assert read_descriptor(app.document).key in {installed.app_key for installed in after}
            outcomes[refusal is None] += 1

        install()
    _both_happened(outcomes, record_property)


@installs
def test_every_update_is_taken_or_refused(
    host: LiveHost, examples: int, record_property: Callable[[str, object], None]
) -> None:
    """`PUT /2.0/addon` with any descriptor is a 204 or a 400 with a reason, and after a 400 nothing has changed."""

    outcomes: Counter[bool] = Counter()
    with recording_app(key=TIDY["key"], scopes=TIDY["scopes"]) as app:
        api = AppClient(host.url, host.install(app))

        @settings(FUZZ, max_examples=examples)
        @given(descriptor=mutated())
        def update(descriptor: dict[str, Any]) -> None:
            before = api("GET", "/2.0/addon/linkers?pagelen=100").json()
            body = json.dumps({"descriptor": descriptor}).encode("utf-8", "surrogatepass")
            answer = api("PUT", "/2.0/addon", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in (204, 400), answer.text
            outcomes[answer.status_code == 204] += 1
            if answer.status_code == 204:
                # An accepted update may have fewer scopes, which only an installation can restore.
                api.installation = host.install(app)
            else:
                assert answer.json()["error"]["message"]
                assert api("GET", "/2.0/addon/linkers?pagelen=100").json() == before

        update()
    _both_happened(outcomes, record_property)
