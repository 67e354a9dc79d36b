"""Read the attributes of a page's elements, such as the target of a link."""

import httpx

from tests.web.reading import document


def attribute(answer: httpx.Response, selector: str, name: str) -> str:
    """Return the attribute of the first such element; empty if it has none."""
    found = document(answer).css_first(selector)
    assert found is not None, f"nothing is {selector}"
    return found.attributes[name] or ""
