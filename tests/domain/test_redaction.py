"""The record of calls has no secret, in any place, and everything else."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.connect import encode
from roadstead.connect.presented import present
from roadstead.domain.traffic.redaction import KEPT, RAW_BYTES, cleaned, kept, named_secrets
from roadstead.model import HIDDEN

PLANTED = "Zt5rB7yHn2uQe9sLd4Gf6pAaXiVokq3v0x8mJc1W"
TOKEN = encode({"iss": "app", "sub": "x"}, PLANTED)
SIGNATURE = TOKEN.rpartition(".")[2]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"sharedSecret": PLANTED}),
        json.dumps({"a": {"shared_secret": PLANTED}}, indent=2),
        json.dumps(json.dumps({"sharedSecret": PLANTED})),
        json.dumps({"access_token": PLANTED, "token_type": "bearer"}),
        json.dumps({"secret": f'{PLANTED} "quoted" {PLANTED}'}),
        f'{{"sharedSecret": "{PLANTED}',
        f"client_secret={PLANTED}&grant_type=x",
        f"/2.0/user?access_token={PLANTED}",
        f"password: {PLANTED}",
        f"grant_type=authorization_code&code={PLANTED}",
        json.dumps({"code": PLANTED, "state": "x"}),
        f"a=b&code_verifier={PLANTED}",
        f"API-KEY = {PLANTED}",
        f"https://user:{PLANTED}@app.example.com/descriptor.json",
        f"git clone https://{PLANTED}@bitbucket.org/x.git",
    ],
)
def test_secret_with_a_name_is_hidden(text: str) -> None:
    """A named secret is hidden in JSON, in JSON inside JSON, in forms, in URLs and in text that was cut off."""
    assert PLANTED not in cleaned(text)
    assert HIDDEN in cleaned(text)


@pytest.mark.parametrize(
    "text", [TOKEN, f"JWT {TOKEN}", f"/x?jwt={TOKEN}&a=b", quote(f"x={TOKEN}"), f'{{"t":"{TOKEN}"}}']
)
def test_signature_is_hidden_and_claims_stay(text: str) -> None:
    """A token's signature is hidden anywhere, and its claims stay."""
    assert SIGNATURE not in cleaned(text)
    assert TOKEN.rpartition(".")[0] in cleaned(text)


def test_known_secret_is_hidden_without_a_name() -> None:
    """A secret that an app sends back is recognised by its value."""
    secrets = named_secrets(json.dumps({"key": "app", "sharedSecret": PLANTED}))
    assert cleaned(f"stored {PLANTED}!", secrets) == f"stored {HIDDEN}!"


@pytest.mark.parametrize(
    "name",
    ["Cookie", "set-cookie", "X-Auth-Token", "x-api-key", "Proxy-Authorization", "X-CsrfToken", "x-hub-signature"],
)
def test_header_of_a_secret_is_hidden(name: str) -> None:
    """Such a header is hidden by its name, with any value."""
    message = kept([(name.encode(), PLANTED.encode())], b"", 0, secrets=())
    assert message.headers == ((name, HIDDEN),)


@pytest.mark.parametrize(
    ("authorization", "shown"),
    [
        (f"JWT {TOKEN}", f"JWT {TOKEN.rpartition('.')[0]}.{HIDDEN}"),
        (f"Bearer {PLANTED}", f"Bearer {HIDDEN}"),
        (f"Basic {PLANTED}", f"Basic {HIDDEN}"),
        (PLANTED, HIDDEN),
        (f"{PLANTED} {PLANTED}", HIDDEN),
        (f"JWT {PLANTED}", f"JWT {HIDDEN}"),
        (f"JWT {PLANTED}.{PLANTED}.{PLANTED}", f"JWT {HIDDEN}"),
    ],
)
def test_what_is_kept_of_authorization(authorization: str, shown: str) -> None:
    """The scheme is kept, and of a token header and claims."""
    headers = [(b"authorization", authorization.encode())]
    message = kept(headers, b"", 0, secrets=(), credential=present(authorization))
    assert message.headers == (("authorization", shown),)


def test_harmless_headers_and_bodies_stay() -> None:
    """No other header or body is changed."""
    headers = [(b"www-authenticate", b"JWT"), (b"content-type", b"application/json"), (b"host", b"api.example.com:80")]
    body = b'{"value": "BB", "publicKey": "MIIB", "links": {"self": {"href": "http://x/2.0/api/1.eye.e2"}}}'
    message = kept(headers, body, 95, secrets=())
    assert message.headers == tuple((name.decode(), value.decode()) for name, value in headers)
    assert (message.body, message.size) == (body.decode(), 95)


def test_what_is_kept_is_bounded() -> None:
    """Headers, their values and bodies are cut."""
    message = kept([(b"x" * 1000, b"y" * 60_000)] * 500, b"z" * RAW_BYTES, 10**9, secrets=())
    assert len(message.headers) <= 100
    assert max(len(name) + len(value) for name, value in message.headers) <= KEPT + 100
    assert (len(message.body), message.size) == (KEPT, 10**9)


@pytest.mark.parametrize("before", range(KEPT - len(PLANTED) - 1, KEPT + 1, 6))
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_secret_is_never_cut_in_two(before: int, letter: str) -> None:
    """At every place at which a body is cut off, no piece of a known secret is kept."""
    raw = f"{letter * before}{PLANTED} and more".encode()
    message = kept([], raw[:RAW_BYTES], len(raw), secrets=[PLANTED])
    assert PLANTED[:8] not in message.body


@settings(deadline=None)
@given(st.text(alphabet='ew.0-_ secrtokn=:"\\', max_size=2_000))
def test_any_text_is_cleaned_quickly(text: str) -> None:
    """A text made to keep the patterns busy takes no longer than any other."""
    assert "\x00" not in cleaned(text)
