"""Redirects to the address of an app or of an OAuth consumer, with the outcome as parameters."""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response


def back_to(redirect_uri: str, **parameters: str) -> Response:
    """Return a redirect to an address, with parameters added to its query."""
    bare, mark, fragment = redirect_uri.partition("#")
    glue = "&" if "?" in bare else "?"
    return RedirectResponse(f"{bare}{glue}{urlencode(parameters)}{mark}{fragment}", 303)
