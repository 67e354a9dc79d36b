"""Answers: JSON out, with the headers that every answer of the API carries."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode

CORS = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Accept-Ranges, Content-Encoding, Content-Length, Content-Type, ETag, Last-Modified",
    ),
)
CORS_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Origin, "
        "Range, X-CsrfToken, X-Requested-With"
    ),
    "Access-Control-Max-Age": "86400",
}


def json_answer(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    answer = Response(_encode(body), status, media_type="application/json; charset=utf-8")
    if headers:
        answer.headers.update(headers)
    answer.raw_headers.extend(CORS)
    return answer


def no_content(headers: Mapping[str, str] | None = None) -> Response:
    """204. It names a content type, because node-bitbucket throws on an answer without one, and not JSON, because
    node-bitbucket then reads the empty body as JSON and throws too."""
    answer = Response(status_code=204, media_type="text/html")
    if headers:
        answer.headers.update(headers)
    answer.raw_headers.extend(CORS)
    return answer
