import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping

import atlassian_jwt
import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import OctKey

from roadstead.connect import InvalidToken, UnverifiedToken, canonical_request, encode, issue, read, verify
from roadstead.connect.jwt import MAX_TOKEN_LENGTH

SECRET = "kq3v0x8mJc1WZt5rB7yHn2uQe9sLd4Gf6pAaXiVo"
NOW = 1_700_000_000
APP_KEY = "acme-issue-links"
CLIENT_KEY = "ari:cloud:bitbucket::app/{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}/acme-issue-links"
ISSUERS = frozenset({APP_KEY, CLIENT_KEY})
CANONICAL = canonical_request("GET", "/2.0/addon/linkers", "")
QSH = hashlib.sha256(CANONICAL.encode()).hexdigest()
CLAIMS: dict[str, object] = {"iss": APP_KEY, "sub": CLIENT_KEY, "iat": NOW, "exp": NOW + 180, "qsh": QSH}
HEADER: dict[str, object] = {"typ": "JWT", "alg": "HS256"}


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object, claims: object, *, secret: str = SECRET, digest: str = "sha256") -> str:
    """Return a token of any content, texts unchanged, signed without the code under test."""
    parts = [part if isinstance(part, str) else json.dumps(part, separators=(",", ":")) for part in (header, claims)]
    signing_input = ".".join(segment(part.encode()) for part in parts)
    return f"{signing_input}.{segment(hmac.digest(secret.encode(), signing_input.encode(), digest))}"


def with_claims(**changes: object) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ...}
    return signed(HEADER, claims)


def with_header(**changes: object) -> str:
    return signed({name: value for name, value in (HEADER | changes).items() if value is not ...}, CLAIMS)


def check(token: str, *, now: float = NOW, canonical: str | None = CANONICAL) -> Mapping[str, object]:
    return verify(read(token), shared_secret=SECRET, now=now, issuers=ISSUERS, canonical=canonical)


def failed_check(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except InvalidToken as refusal:
        return refusal.claim
    return None


GOOD = with_claims()
HEAD, BODY, SIGNATURE = GOOD.split(".")
NONE_HEAD = segment(b'{"alg":"none"}')
OTHER_HEAD = segment(b'{"alg":"HS256","typ":"X"}')
REORDERED_HEAD = segment(b'{"alg":"HS256","typ":"JWT"}')
CLAIMS_JSON = json.dumps(CLAIMS)[1:-1]


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(GOOD, id="as documented"),
        pytest.param(with_claims(iat=NOW * 1000, exp=(NOW + 180) * 1000), id="milliseconds"),
        pytest.param(with_claims(iss=CLIENT_KEY), id="the client key as issuer"),
        pytest.param(with_claims(aud=CLIENT_KEY), id="an audience"),
        pytest.param(with_claims(aud=["somebody else"]), id="somebody else's audience"),
        pytest.param(with_claims(iat=NOW + 10**6), id="issued in the future"),
        pytest.param(with_claims(iat="yesterday"), id="a strange time of issue"),
        pytest.param(with_claims(iat=...), id="no time of issue"),
        pytest.param(with_claims(exp=NOW + 41 * 86400), id="41 days"),
        pytest.param(with_claims(exp=NOW + 10**30), id="for ever"),
        pytest.param(with_claims(exp=NOW + 0.5), id="fractions of a second"),
        pytest.param(with_claims(exp=NOW - 59), id="expired within the leeway"),
        pytest.param(with_claims(nbf=NOW + 60), id="valid from within the leeway"),
        pytest.param(with_claims(nbf=NOW - 5), id="valid already"),
        pytest.param(with_claims(context={"user": {"id": "é"}}), id="a context that is not ASCII"),
        pytest.param(with_header(typ=...), id="no type"),
        pytest.param(with_header(typ="at+jwt"), id="another type"),
        pytest.param(signed(json.dumps(HEADER, indent=2), json.dumps(CLAIMS, indent=2)), id="indented"),
    ],
)
def test_tokens_of_living_apps_are_accepted(token: str) -> None:
    """Proves that what apps were seen to send, and what no rule forbids, gets in."""
    assert check(token)["sub"] == CLIENT_KEY


def changed_last_character(text: str) -> str:
    """Return the same bytes in another encoding: the last character of 43 has two unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


FORMAT_ATTACKS = {
    "nothing": "",
    "no dots": "abc",
    "one dot": f"{HEAD}.{BODY}",
    "three dots": f"{GOOD}.",
    "five segments, as if encrypted": f"{GOOD}.{HEAD}.{HEAD}",
    "only dots": "..",
    "oversized": signed(HEADER, CLAIMS | {"padding": "x" * MAX_TOKEN_LENGTH}),
    "padded signature": f"{GOOD}=",
    "padded claims": f"{HEAD}.{BODY}=.{SIGNATURE}",
    "trailing newline": f"{GOOD}\n",
    "leading space": f" {GOOD}",
    "space in a segment": f"{HEAD}.{BODY[:8]} {BODY[8:]}.{SIGNATURE}",
    "not ASCII": f"{HEAD}.{BODY}é.{SIGNATURE}",
    "a full-width letter": GOOD.replace("e", "ｅ", 1),
    "NUL": f"{GOOD}\0",
    "the other base64 alphabet": f"{HEAD}.{segment(b'{}')}.{'+/' * 21}+",
    "claims are not JSON": signed(HEADER, "claims"),
    "claims are cut off": signed(HEADER, json.dumps(CLAIMS)[:-1]),
    "claims are a list": signed(HEADER, [CLAIMS]),
    "claims are null": signed(HEADER, "null"),
    "claims are a string": signed(HEADER, '"claims"'),
    "no claims": f"{HEAD}..{SIGNATURE}",
    "claims repeat a member": signed(HEADER, f'{{"iss":"{APP_KEY}",{CLAIMS_JSON}}}'),
    "claims repeat a member deep inside": signed(HEADER, f'{{"context":{{"a":1,"a":1}},{CLAIMS_JSON}}}'),
    "claims repeat an escaped member": signed(HEADER, f'{{"\\u0069ss":"x",{CLAIMS_JSON}}}'),
    "claims are nested deeply": signed(HEADER, "[" * 3000 + "]" * 3000),
    "claims are followed by more": signed(HEADER, json.dumps(CLAIMS) + "{}"),
    "exp is NaN": signed(HEADER, json.dumps(CLAIMS | {"exp": float("nan")})),
    "exp is infinite": signed(HEADER, json.dumps(CLAIMS | {"exp": float("inf")})),
    "exp is beyond all numbers": signed(HEADER, json.dumps(CLAIMS).replace(str(NOW + 180), "1e999")),
    "claims are not UTF-8": f"{HEAD}.{segment(bytes([123, 34, 255, 34, 58, 49, 125]))}.{SIGNATURE}",
    "the header is not JSON": signed("header", CLAIMS),
    "the header is a list": signed(["HS256"], CLAIMS),
    "the header repeats alg": signed('{"alg":"none","alg":"HS256"}', CLAIMS),
    "no header": f".{BODY}.{SIGNATURE}",
}
ALGORITHM_ATTACKS = {
    "none, unsigned": f"{NONE_HEAD}.{BODY}.",
    "none, signed": with_header(alg="none"),
    "NONE": with_header(alg="NONE"),
    "no algorithm": with_header(alg=...),
    "algorithm null": with_header(alg=None),
    "algorithm in a list": with_header(alg=["HS256"]),
    "lower case": with_header(alg="hs256"),
    "RS256 signed as HS256": with_header(alg="RS256"),
    "HS384": signed(HEADER | {"alg": "HS384"}, CLAIMS, digest="sha384"),
    "HS512": signed(HEADER | {"alg": "HS512"}, CLAIMS, digest="sha512"),
    "ES256": with_header(alg="ES256"),
    "kid": with_header(kid="some-key"),
    "kid that is a path": with_header(kid="../../dev/null"),
    "kid null": with_header(kid=None),
    "crit": with_header(crit=["exp"]),
}
SIGNATURE_ATTACKS = {
    "foreign secret": signed(HEADER, CLAIMS, secret="another"),
    "no signature": f"{HEAD}.{BODY}.",
    "another last character": f"{HEAD}.{BODY}.{changed_last_character(SIGNATURE)}",
    "an impossible length": f"{HEAD}.{BODY}.{SIGNATURE}AA",
    "half a signature": f"{HEAD}.{BODY}.{SIGNATURE[:20]}",
    "more than a signature": f"{HEAD}.{BODY}.{SIGNATURE[:-3]}AAAAAAA",
    "signed as HS512": signed(HEADER, CLAIMS, digest="sha512"),
    "other claims": f"{HEAD}.{segment(json.dumps(CLAIMS | {'iss': CLIENT_KEY}).encode())}.{SIGNATURE}",
    "other header": f"{OTHER_HEAD}.{BODY}.{SIGNATURE}",
    "header reordered": f"{REORDERED_HEAD}.{BODY}.{SIGNATURE}",
    "header and claims swapped": f"{HEAD}.{HEAD}.{SIGNATURE}",
}
CLAIM_ATTACKS = {
    "no exp": ("exp", with_claims(exp=...)),
    "exp null": ("exp", with_claims(exp=None)),
    "exp a string": ("exp", with_claims(exp=str(NOW + 180))),
    "exp a boolean": ("exp", with_claims(exp=True)),
    "exp a list": ("exp", with_claims(exp=[NOW + 180])),
    "expired": ("exp", with_claims(exp=NOW - 60)),
    "expired long ago": ("exp", with_claims(exp=-(10**18))),
    "exp zero": ("exp", with_claims(exp=0)),
    "nbf ahead": ("nbf", with_claims(nbf=NOW + 61)),
    "nbf a string": ("nbf", with_claims(nbf="0")),
    "nbf null": ("nbf", with_claims(nbf=None)),
    "no iss": ("iss", with_claims(iss=...)),
    "another app": ("iss", with_claims(iss="another-app")),
    "iss a list": ("iss", with_claims(iss=[APP_KEY])),
    "iss an object": ("iss", with_claims(iss={APP_KEY: 1})),
    "iss in capitals": ("iss", with_claims(iss=APP_KEY.upper())),
    "no qsh": ("qsh", with_claims(qsh=...)),
    "qsh null": ("qsh", with_claims(qsh=None)),
    "qsh empty": ("qsh", with_claims(qsh="")),
    "qsh in capitals": ("qsh", with_claims(qsh=QSH.upper())),
    "qsh of a page": ("qsh", with_claims(qsh="context-qsh")),
    "qsh a list": ("qsh", with_claims(qsh=[QSH])),
    "qsh the canonical request itself": ("qsh", with_claims(qsh=CANONICAL)),
}
ATTACKS = [
    *(pytest.param("format", token, id=f"format: {name}") for name, token in FORMAT_ATTACKS.items()),
    *(pytest.param("algorithm", token, id=f"algorithm: {name}") for name, token in ALGORITHM_ATTACKS.items()),
    *(pytest.param("signature", token, id=f"signature: {name}") for name, token in SIGNATURE_ATTACKS.items()),
    *(pytest.param(claim, token, id=name) for name, (claim, token) in CLAIM_ATTACKS.items()),
]


@pytest.mark.sample(30)
@pytest.mark.parametrize(("failed", "token"), ATTACKS)
def test_attacks_are_refused(failed: str, token: str) -> None:
    """Proves that each attack fails, and at the check that is meant to stop it."""
    with pytest.raises(InvalidToken) as refusal:
        check(token)
    assert refusal.value.claim == failed


@pytest.mark.parametrize("token", [*ALGORITHM_ATTACKS.values(), *SIGNATURE_ATTACKS.values()])
def test_forgers_learn_nothing(token: str) -> None:
    """Proves that before the signature holds, a refusal tells nothing of what the host expects."""
    with pytest.raises(InvalidToken) as refusal:
        verify(read(token), shared_secret=SECRET, now=NOW + 10**6, issuers={"x"}, canonical="PUT&/x&")
    for expected in (SECRET, "PUT&/x&", "expired", "iss", QSH):
        assert expected not in str(refusal.value)


HINTS = [
    ("GET&/2.0/addon/linkers&", "GET&/2.0/addon/linkers&a=1", "the query is left out"),
    ("GET&/2.0/addon&", "PUT&/2.0/addon&", "you signed GET, the request was PUT. It must"),
    ("PATCH&/2.0/addon&", "DELETE&/2.0/addon&", "you signed PATCH, the request was DELETE. It must"),
    ("GET&/addon/linkers&", "GET&/2.0/addon/linkers&", "/2.0 is missing from the path. It must"),
    ("GET&/2.0/2.0/addon&", "GET&/2.0/addon&", "the path has one /2.0 too many. It must"),
    (
        "POST&/addon&",
        "GET&/2.0/addon&a=1",
        "you signed POST, the request was GET, /2.0 is missing from the path, the query is left out",
    ),
    ("GET&/2.0/addon/&", "GET&/2.0/addon&", "the trailing slash must go. It must"),
    ("GET&&", "GET&/&", "the path is empty in place of /. It must"),
    ("TRACE&/else&", "GET&/2.0/addon&", "another request. It must"),
]


@pytest.mark.parametrize(("sent", "canonical", "hint"), HINTS)
def test_wrong_qsh_is_explained(sent: str, canonical: str, hint: str) -> None:
    """Proves that usual mistakes are recognised, no others guessed, and our side shown."""
    token = issue(issuer=APP_KEY, now=NOW, shared_secret=SECRET, canonical=sent)
    with pytest.raises(InvalidToken) as refusal:
        check(token, canonical=canonical)
    assert hint in refusal.value.detail
    assert f'"{canonical}"' in refusal.value.detail


def test_swapped_iss_and_sub_are_explained() -> None:
    """Proves that an app that mixes the two up is told so."""
    token = read(issue(issuer=CLIENT_KEY, subject=APP_KEY, now=NOW, shared_secret=SECRET))
    with pytest.raises(InvalidToken, match="look swapped"):
        verify(token, shared_secret=SECRET, now=NOW, issuers={APP_KEY}, canonical=None)


@pytest.mark.parametrize("order", ["ids%5B%5D=1&ids2=2", "ids2=2&ids%5B%5D=1"])
def test_qsh_may_have_the_order_of_any_library(order: str) -> None:
    """Proves that PyPI's and npm's libraries can both sign a request whose parameters they sort differently."""
    canonical = canonical_request("GET", "/a", "ids[]=1&ids2=2")
    assert check(_for(f"GET&/a&{order}"), canonical=canonical)
    for other in (f"POST&/a&{order}", f"GET&/b&{order}", f"GET&/a&{order}&x=", f"GET&/a&{order.replace('2', '3')}"):
        with pytest.raises(InvalidToken, match="qsh"):
            check(_for(other), canonical=canonical)


def _for(canonical: str) -> str:
    return with_claims(qsh=hashlib.sha256(canonical.encode()).hexdigest())


def test_qsh_is_ignored_where_none_is_asked_for() -> None:
    """Proves that the token endpoint can accept tokens with another qsh, or with none."""
    assert check(with_claims(qsh="anything"), canonical=None)["qsh"] == "anything"
    assert "qsh" not in check(with_claims(qsh=...), canonical=None)


def test_any_issuer_will_do_where_none_is_asked_for() -> None:
    """Proves that `issuers=None` leaves the issuer to the caller."""
    token = read(with_claims(iss=...))
    assert verify(token, shared_secret=SECRET, now=NOW, canonical=CANONICAL)["sub"] == CLIENT_KEY


@pytest.mark.parametrize(("leeway", "age", "accepted"), [(0, -1, True), (0, 0, False), (60, 59, True), (60, 60, False)])
def test_leeway_is_exact(leeway: float, age: float, accepted: bool) -> None:
    """Proves on which side of the boundary a token falls."""
    token = read(with_claims(exp=NOW))
    if accepted:
        assert verify(token, shared_secret=SECRET, now=NOW + age, canonical=None, leeway=leeway)
    else:
        with pytest.raises(InvalidToken):
            verify(token, shared_secret=SECRET, now=NOW + age, canonical=None, leeway=leeway)


def test_longest_token_is_read() -> None:
    """Proves that the limit is the number it says."""
    tokens = (signed(HEADER, CLAIMS | {"padding": "x" * length}) for length in range(5000, 6500))
    assert check(next(token for token in tokens if len(token) == MAX_TOKEN_LENGTH))


def test_empty_secrets_are_refused() -> None:
    """Proves that a lost secret cannot turn into one that everybody knows."""
    with pytest.raises(ValueError, match="empty shared secret"):
        encode(CLAIMS, "")
    with pytest.raises(ValueError, match="empty shared secret"):
        verify(read(signed(HEADER, CLAIMS, secret="")), shared_secret="", now=NOW, canonical=None)


def test_tokens_to_an_app_have_the_captured_claims() -> None:
    """Proves that a lifecycle token has the claims that Bitbucket sends, in value and type, and no others."""
    token = issue(
        issuer=CLIENT_KEY,
        audience=CLIENT_KEY,
        now=NOW + 0.9,
        shared_secret=SECRET,
        canonical="POST&/installed&",
    )
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert pyjwt.decode(token, options={"verify_signature": False}) == {
        "iss": CLIENT_KEY,
        "aud": CLIENT_KEY,
        "iat": NOW,
        "exp": NOW + 3600,
        "qsh": hashlib.sha256(b"POST&/installed&").hexdigest(),
    }


def pyjwt_decode(token: str) -> object:
    return pyjwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_aud": False, "verify_exp": False})


def joserfc_decode(token: str) -> object:
    return joserfc_jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"]).claims


def pyjwt_encode(claims: dict[str, object]) -> str:
    return pyjwt.encode(claims, SECRET, algorithm="HS256")


def joserfc_encode(claims: dict[str, object]) -> str:
    return joserfc_jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
# Names that this module or the oracles check are left out: this test is not about their use.
free_claims = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in {"exp", "nbf", "iat", "aud", "iss", "sub", "jti", "qsh"}),
    json_values,
    max_size=4,
)


@pytest.mark.parametrize("decode", [pyjwt_decode, joserfc_decode])
@given(claims=free_claims)
def test_others_read_our_tokens(decode: Callable[[str], object], claims: dict[str, object]) -> None:
    """Proves that what we sign, two independent libraries verify, and that they find the same claims."""
    assert decode(encode(CLAIMS | claims, SECRET)) == CLAIMS | claims


@pytest.mark.parametrize("encode_elsewhere", [pyjwt_encode, joserfc_encode])
@given(claims=free_claims)
def test_we_read_tokens_of_others(
    encode_elsewhere: Callable[[dict[str, object]], str], claims: dict[str, object]
) -> None:
    """Proves that what two independent libraries sign, we verify, and that we find the same claims."""
    assert check(encode_elsewhere(CLAIMS | claims)) == CLAIMS | claims


def test_tokens_of_atlassians_python_library_are_accepted() -> None:
    """Proves that a Python app needs nothing of ours: its library's token passes, qsh and all."""
    token = read(atlassian_jwt.encode_token("GET", "/2.0/addon/linkers?pagelen=50&page=2", CLIENT_KEY, SECRET))
    canonical = canonical_request("GET", "/2.0/addon/linkers", "page=2&pagelen=50")
    issued = token.claims["iat"]
    assert isinstance(issued, int)
    assert verify(token, shared_secret=SECRET, now=issued, issuers=ISSUERS, canonical=canonical)


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,43}", fullmatch=True))
def test_reading_anything_raises_nothing_else(text: str) -> None:
    """Proves that no text makes the reader fail in another way than it says."""
    assert failed_check(lambda: read(text)) in ("format", None)


@given(header=st.binary(max_size=30) | st.just(json.dumps(HEADER).encode()), claims=st.binary(max_size=40))
def test_reading_any_bytes_raises_nothing_else(header: bytes, claims: bytes) -> None:
    """Proves the same one layer deeper, where the base64 is sound."""
    token = f"{segment(header)}.{segment(claims)}.{SIGNATURE}"
    assert failed_check(lambda: read(token)) in ("format", None)


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "crit", "typ"]), json_values | st.just("HS256")),
    claims=st.dictionaries(st.sampled_from(["iss", "sub", "exp", "nbf", "qsh", "aud"]), json_values),
)
def test_verifying_anything_signed_raises_nothing_else(header: dict[str, object], claims: dict[str, object]) -> None:
    """Proves that claims of any type, rightly signed, are accepted or refused and nothing else."""
    token = signed(header, claims)
    assert failed_check(lambda: check(token)) in ("algorithm", "exp", "nbf", "iss", "qsh")


@given(position=st.integers(0, len(GOOD) - 1), character=st.sampled_from("ABCxyz019-_"))
def test_no_changed_token_is_accepted(position: int, character: str) -> None:
    """Proves that each token has one spelling: any other character anywhere makes it invalid."""
    changed = GOOD[:position] + character + GOOD[position + 1 :]
    if changed != GOOD:
        with pytest.raises(InvalidToken):
            check(changed)


def test_algorithm_is_checked_where_it_matters() -> None:
    """Proves that `verify` does not rely on `read` to have looked at the header."""
    token = read(GOOD)
    forged = UnverifiedToken({"alg": "none"}, token.claims, token.signing_input, token.signature)
    with pytest.raises(InvalidToken, match="algorithm"):
        verify(forged, shared_secret=SECRET, now=NOW, canonical=CANONICAL)


@pytest.mark.parametrize("exp", [float("inf"), float("nan")])
def test_times_are_finite_whatever_reads_them(exp: float) -> None:
    """Proves that `verify` does not rely on the JSON decoder to refuse what never expires."""
    token = read(GOOD)
    eternal = UnverifiedToken(token.header, {**token.claims, "exp": exp}, token.signing_input, token.signature)
    with pytest.raises(InvalidToken, match="must be a number"):
        verify(eternal, shared_secret=SECRET, now=NOW, canonical=CANONICAL)
