"""Reading the attributes of what is on a page, such as where a link leads."""

import httpx

from tests.web.reading import document


def attribute(answer: httpx.Response, selector: str, name: str) -> str:
    """Of the first element of that kind; empty if it has none."""
    found = document(answer).css_first(selector)
    assert found is not None, f"nothing is {selector}"
    return found.attributes[name] or ""
