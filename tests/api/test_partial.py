"""Partial responses."""

from typing import Any

import pytest

from roadstead.api.partial import MAX_FIELDS, parse_fields
from roadstead.errors import InvalidInput

PAGE: dict[str, Any] = {
    "size": 2,
    "values": [
        {"id": 1, "value": "A", "links": {"self": {"href": "u1"}}},
        {"id": 2, "value": "B", "links": {"self": {"href": "u2"}}},
    ],
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("size", {"size": 2}),
        ("values.id", {"values": [{"id": 1}, {"id": 2}]}),
        ("values.id,size", {"size": 2, "values": [{"id": 1}, {"id": 2}]}),
        (
            "values.links.self.href,",
            {"values": [{"links": {"self": {"href": "u1"}}}, {"links": {"self": {"href": "u2"}}}]},
        ),
        ("-values", {"size": 2}),
        ("-values.links,-values.id", {"size": 2, "values": [{"value": "A"}, {"value": "B"}]}),
        (
            "-values.links.*",
            {
                "size": 2,
                "values": [{"id": 1, "value": "A", "links": {}}, {"id": 2, "value": "B", "links": {}}],
            },
        ),
        ("-*,+size", {"size": 2}),
        ("-*,+values.value", {"values": [{"value": "A"}, {"value": "B"}]}),
        ("+size", PAGE),
        ("*", PAGE),
        ("nothing", {}),
        ("size.deeper", {}),
        ("", PAGE),
        (" size ", {"size": 2}),
        ("values", {"values": PAGE["values"]}),
    ],
)
def test_fields_select(fields: str, expected: dict[str, Any]) -> None:
    """Each documented form of `fields` selects exactly what it names."""
    assert parse_fields(fields).apply(PAGE) == expected


def test_too_many_fields_are_refused() -> None:
    """A request cannot make the server walk a body a thousand times."""
    with pytest.raises(InvalidInput):
        parse_fields(",".join(["a"] * (MAX_FIELDS + 1)))
