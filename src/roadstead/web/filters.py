"""What a visitor typed into the form of filters above a list."""

from collections.abc import Iterable, Mapping

_LONGEST = 200


def typed_in(query: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values of fields, cut, and without NUL: no stored text contains it, and PostgreSQL refuses it."""
    return {name: query.get(name, "").replace("\0", "").strip()[:_LONGEST] for name in names}
