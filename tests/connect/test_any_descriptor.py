"""Any document, any value and any damaged descriptor is accepted or refused, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import (
    Descriptor,
    InvalidDescriptor,
    check_descriptor,
)
from roadstead.connect.modules_reader import MODULE_NAMES
from tests.connect.descriptors import (
    MINIMAL,
    ONE_OF_EACH,
    TIDY,
    tidy,
)


@pytest.mark.parametrize("document", ["", "descriptor", "null", "[]", '"{}"', "3", "{", "{}", "[{}]", '{"key":}'])
def test_other_documents_are_refused(document: str) -> None:
    """Proves that what is no descriptor at all gets a reason, as text and as bytes."""
    for data in (document, document.encode()):
        with pytest.raises(InvalidDescriptor) as refusal:
            Descriptor.from_json(data)
        assert str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"key": object()}, id="no JSON value"),
        pytest.param({"key": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"key": 2**70}, id="more than 64 bits"),
        pytest.param({"x": 2**63}, id="more than 63 bits"),
        pytest.param({1: 2}, id="a name that is a number"),
        pytest.param([], id="a list"),
        pytest.param(None, id="nothing"),
        pytest.param(7, id="a number"),
    ],
)
def test_decoded_values_of_any_kind_are_refused(value: Any) -> None:
    """Proves that what an API call may carry in place of a descriptor is refused like any other."""
    with pytest.raises(InvalidDescriptor) as refusal:
        Descriptor.from_json(value)
    assert refusal.value.findings[0].line is None


def test_nested_lists_in_a_decoded_value_are_refused() -> None:
    """Proves that depth is limited also where it was decoded already, and far beyond what Python can encode."""
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(InvalidDescriptor):
        Descriptor.from_json({"x": nested})


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["jwt", "account", "https://a.example", "/x", "key"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(["key", "regex", "url", "type", "name", "event", "value", "condition"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
descriptors = st.fixed_dictionaries(
    {name: st.just(value) | json_values for name, value in MINIMAL.items()},
    optional={
        **{name: st.just(TIDY[name]) | json_values for name in ("lifecycle", "scopes", "contexts", "vendor")},
        "modules": st.dictionaries(st.sampled_from(sorted(MODULE_NAMES)), json_values, max_size=3) | json_values,
    },
)


def is_accepted(data: Any) -> bool:
    try:
        descriptor = Descriptor.from_json(data)
    except InvalidDescriptor as refusal:
        assert any(finding.severity == "error" for finding in refusal.findings)  # noqa: PT017 - both ends are wanted
        return False
    assert Descriptor.from_json(descriptor.to_json()) == descriptor
    return True


@given(descriptors | json_values)
def test_any_object_is_accepted_or_refused(value: object) -> None:
    """Proves that no value raises anything else, that all forms of it are judged alike, and that lint agrees."""
    text = json.dumps(value)
    accepted = is_accepted(text)
    assert accepted == is_accepted(text.encode())
    assert accepted == ("error" not in [finding.severity for finding in check_descriptor(text)])
    is_accepted(value)


@given(st.binary(max_size=60) | st.text(max_size=60) | st.text(max_size=20).map(lambda text: f'["\\{text}'))
def test_any_document_is_accepted_or_refused(data: bytes | str) -> None:
    """Proves that no text and no bytes raise anything else, and that what is told about them can be printed."""
    findings = check_descriptor(data)
    assert is_accepted(data) == ("error" not in [finding.severity for finding in findings])
    assert all((finding.place + finding.message + finding.fix).isprintable() for finding in findings)


@given(st.integers(0, 600), st.integers(0, 600))
def test_damaged_descriptors_are_accepted_or_refused(start: int, length: int) -> None:
    """Proves the same where it is most likely to fail: a real descriptor with a piece missing."""
    text = json.dumps(tidy(modules=ONE_OF_EACH))
    damaged = text[:start] + text[start + length :]
    assert is_accepted(damaged) == ("error" not in [finding.severity for finding in check_descriptor(damaged)])
