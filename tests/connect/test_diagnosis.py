"""Each mistake with a token is distinguished from all others, and the verdicts agree with what is accepted."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.connect import InvalidToken, canonical_request, encode, query_string_hash, read, verify
from roadstead.connect.diagnosis import Diagnosis, Request, diagnose, gather
from roadstead.connect.evidence import Check, Known
from roadstead.connect.presented import Presented, present, present_pasted, present_token
from roadstead.connect.qsh import hash_of
from roadstead.connect.signature_mistakes import Key

SECRET = "kq3v0x8mJc1WZt5rB7yHn2uQe9sLd4Gf6pAaXiVo"
OLD_SECRET = "Zt5rB7yHn2uQe9sLd4Gf6pAaXiVokq3v0x8mJc1W"
NOW = 1_700_000_000.0
APP = "acme-issue-links"
CLIENT = "ari:cloud:bitbucket::app/{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}/acme-issue-links"
GONE = "ari:cloud:bitbucket::app/{22222222-6a0d-4c0e-9a59-2b3f6d0d1111}/acme-issue-links"
PATH = "/2.0/addon/linkers/{tickets}/values"
QUERY = "page=2&q=name+~+%22a/b*%22&tag=b&tag=a,c&empty"
REQUEST = Request("POST", PATH, QUERY, "https://roadstead.example.com")
KEYS = (
    Key(SECRET, "the secret of this installation"),
    Key(OLD_SECRET, "the secret of an earlier installation", "Store the newest."),
)
KNOWN = (Known(APP, CLIENT, "local", installed=True), Known(APP, GONE, "old", installed=False))

Claims = dict[str, Any]


def claims(**changes: Any) -> Claims:
    given = {"iss": APP, "sub": CLIENT, "iat": NOW, "exp": NOW + 180, "qsh": query_string_hash("POST", PATH, QUERY)}
    return {name: value for name, value in (given | changes).items() if value is not None}


def token(secret: str = SECRET, **changes: Any) -> str:
    return encode(claims(**changes), secret)


def signed_by(
    key: bytes, *, digest: str = "sha256", write: Callable[[bytes], bytes] | None = None, alg: str = ""
) -> str:
    """Return a token whose signature is made with any key, in any way."""
    header = {"alg": alg or "HS256", "typ": "JWT"}
    segments = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims())]
    signing_input = b".".join(segments)
    write = write or (lambda made: base64.urlsafe_b64encode(made).rstrip(b"="))
    return (signing_input + b"." + write(hmac.digest(key, signing_input, digest))).decode()


def examine(presented: Presented, request: Request = REQUEST) -> Diagnosis:
    return diagnose(presented, request, now=NOW, evidence=gather(presented, keys=KEYS, installations=KNOWN))


def cause(presented: Presented, request: Request = REQUEST) -> Check:
    found = examine(presented, request).cause
    assert found is not None
    return found


def refused_for(presented: str) -> str | None:
    """Return the check at which a host refuses the token."""
    canonical = canonical_request("POST", PATH, QUERY)
    try:
        verify(read(presented), shared_secret=SECRET, now=NOW, issuers={APP, CLIENT}, canonical=canonical)
    except InvalidToken as refusal:
        return refusal.claim
    return None


def test_right_token_has_no_fault() -> None:
    """Every check passes, and the hash is that of the host's canonical request."""
    found = examine(present(f"JWT {token()}"))
    assert {check.verdict for check in found.checks} == {"passes"}
    assert found.hashed is not None
    assert (found.hashed.canonical, found.hashed.faults, found.difference) == (found.canonical, (), None)


@pytest.mark.sample(6)
@pytest.mark.parametrize(
    ("authorization", "check", "words"),
    [
        ("", "scheme", "missing before the token"),
        ("JWT", "format", "no token"),
        (f"Bearer {token()}", "scheme", "sent as Bearer"),
        (f"jwt {token()}", "scheme", "in capitals"),
        (token(), "scheme", "JWT is missing"),
        ("Basic dXNlcjpwYXNzd29yZA==", "scheme", "sent as Basic"),
        ("JWT one.two", "format", "two segments"),
        ("JWT one.two.three", "format", "not valid JSON"),
        (f"JWT {token().rpartition('.')[0]}", "format", "signature is missing"),
        (f'JWT "{token()}"', "format", "base64url"),
        (f"JWT {signed_by(SECRET.encode(), write=base64.urlsafe_b64encode)}", "format", "without padding"),
        ("JWT " + "a" * 9000, "format", "longer than"),
        (f"JWT {signed_by(b'x', alg='none')}", "algorithm", '"none"'),
        (f"JWT {signed_by(SECRET.encode(), digest='sha512', alg='HS512')}", "algorithm", '"HS512"'),
    ],
)
def test_faults_of_form(authorization: str, check: str, words: str) -> None:
    """Faults of the form are found before the claims are read."""
    found = cause(present(authorization))
    assert (found.name, words.lower() in found.finding.lower()) == (check, True), found
    assert found.fix


SECRET_OF_HEX = hashlib.sha256(b"any").hexdigest()


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("presented", "words"),
    [
        (token(OLD_SECRET), "an earlier installation."),
        (token("x" * 40), "The signature matches no secret"),
        (token(CLIENT), "the claim sub in place of the secret"),
        (token(APP), "the claim iss in place of the secret"),
        (token(f"{SECRET}\n"), "a line break after the secret"),
        (token(f" {SECRET}"), "a space before the secret"),
        (token(f'"{SECRET}"'), "in quotation marks"),
        (token(SECRET.lower()), "in lower case"),
        (token(SECRET[:-1]), "last character"),
        (signed_by(base64.b64decode(SECRET)), "decoded from base64"),
        (signed_by(base64.b64encode(SECRET.encode())), "encoded in base64"),
        (signed_by(SECRET.encode(), digest="sha512"), "HS512 in place of HS256"),
        (signed_by(OLD_SECRET.encode(), digest="sha384"), "earlier installation, but with HS384"),
        (token().rpartition(".")[0] + ".", "There is no signature"),
        (signed_by(SECRET.encode(), write=lambda made: made.hex().encode()), "in hex"),
        (
            signed_by(SECRET.encode(), write=lambda made: base64.urlsafe_b64encode(made.hex().encode()).rstrip(b"=")),
            "base64url of its hex",
        ),
    ],
)
def test_faults_of_signatures(presented: str, words: str) -> None:
    """The host finds which secret made the signature, and how it was altered first."""
    found = cause(present(f"JWT {presented}"))
    assert (found.name, words.lower() in found.finding.lower()) == ("signature", True), found
    assert SECRET not in str(examine(present(f"JWT {presented}"))) or SECRET in presented


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"iss": CLIENT, "sub": APP}, "sub", "swapped"),
        ({"sub": None, "aud": CLIENT}, "sub", "is in aud"),
        ({"sub": None, "aud": [{}, CLIENT]}, "sub", "is in aud"),
        ({"sub": None, "iss": CLIENT}, "sub", "is in iss"),
        ({"sub": None}, "sub", "missing"),
        ({"sub": 7}, "sub", "not a text"),
        ({"sub": APP}, "sub", "app key"),
        ({"sub": CLIENT[:-1]}, "sub", "of another host or time"),
        ({"sub": GONE}, "sub", "uninstalled from workspace old"),
        ({"iss": None}, "iss", "missing"),
        ({"iss": APP.upper()}, "iss", "spelled differently"),
        ({"iss": "other"}, "iss", '"other", which is not the app'),
        ({"exp": None}, "exp", "missing"),
        ({"exp": "soon"}, "exp", '"soon", not a number'),
        ({"exp": True}, "exp", "not a number"),
        ({"exp": 180}, "exp", "a lifetime and not a moment"),
        ({"iat": NOW - 480, "exp": NOW - 300}, "exp", "expired 5 minutes ago. It was made 8 minutes ago by its iat"),
        ({"iat": None, "exp": NOW - 300}, "exp", "expired 5 minutes ago"),
        ({"nbf": NOW + 300}, "nbf", "not valid for another 5 minutes"),
        ({"nbf": NOW * 1000}, "nbf", "milliseconds"),
        ({"nbf": "now"}, "nbf", "not a number"),
        ({"qsh": None}, "qsh", "missing"),
        ({"qsh": "context-qsh"}, "qsh", "only tokens for pages"),
        ({"qsh": "0" * 64}, "qsh", "of none similar"),
        ({"qsh": query_string_hash("POST", PATH, QUERY).upper()}, "qsh", "in capitals"),
        ({"qsh": canonical_request("POST", PATH, QUERY)}, "qsh", "not its hash"),
        (
            {"qsh": base64.b64encode(bytes.fromhex(query_string_hash("POST", PATH, QUERY))).decode()},
            "qsh",
            "in base64",
        ),
    ],
)
def test_faults_of_claims(changes: Claims, check: str, words: str) -> None:
    """The failing claim is named, with the reason."""
    found = cause(present(f"JWT {token(**changes)}"))
    assert (found.name, words.lower() in found.finding.lower()) == (check, True), found
    assert found.fix


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exp": (NOW + 180) * 1000}, "exp is in milliseconds"),
        ({"iat": NOW * 1000}, "iat is in milliseconds"),
        ({"iat": NOW + 300}, "5 minutes in the future: the app's clock is ahead"),
    ],
)
def test_what_is_accepted_with_a_warning(changes: Claims, words: str) -> None:
    """Nothing fails, but the developer gets a warning."""
    found = examine(present(f"JWT {token(**changes)}"))
    assert found.cause is None
    assert [check.verdict for check in found.checks if words in check.finding] == ["warning"]


RIGHT = canonical_request("POST", PATH, QUERY).split("&", 2)[2]


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("canonical", "words"),
    [
        (f"GET&{PATH}&{RIGHT}", "You signed GET, the request was POST."),
        (f"post&{PATH}&{RIGHT}", "method must be in capitals"),
        (f"POST&{PATH.removeprefix('/2.0')}&{RIGHT}", "/2.0 is missing"),
        (f"POST&/2.0{PATH}&{RIGHT}", "one /2.0 too many"),
        (f"POST&{PATH}/&{RIGHT}", "trailing slash must go"),
        (f"POST&{PATH[1:]}&{RIGHT}", "must begin with /"),
        (f"POST&https://roadstead.example.com{PATH}&{RIGHT}", "must not contain scheme and host"),
        (f"POST&roadstead.example.com{PATH}&{RIGHT}", "must not contain the host"),
        (f"POST&https://roadstead.example.com{PATH}?{QUERY}&", "whole URL"),
        (f"POST&{PATH}?{QUERY}&", "query is in the path"),
        (f"POST&{quote(PATH)}&{RIGHT}", "encoded once more"),
        (f"POST&{PATH}&", "query is left out"),
        (f"POST&{PATH}", "the & after the path"),
        (f"POST&/2.0/addon/linkers&{RIGHT}", "You signed /2.0/addon/linkers, the request was for"),
        (f"POST&{PATH}&{QUERY}", "as it was sent"),
        (f"POST&{PATH}&?{RIGHT}", "the ? must go"),
        (f"POST&{PATH}&{RIGHT.replace('%20', '+')}", "a space is written %20"),
        (f"POST&{PATH}&{RIGHT.replace('%2F', '%2f').replace('%2A', '%2a').replace('%2C', '%2c')}", "in capitals, as"),
        (f"POST&{PATH}&{RIGHT.replace('%2A', '*')}", "encodeURIComponent"),
        (f"POST&{PATH}&{RIGHT.replace('%2F', '/')}", "a / in the query"),
        (f"POST&{PATH}&{RIGHT.replace('~', '%7E')}", "~ must not be encoded"),
        (f"POST&{PATH}&{RIGHT.replace('%', '%25')}", "encoded twice"),
        (f"POST&{PATH}&{RIGHT.replace('a%2Cc,b', 'b,a%2Cc')}", "must be sorted"),
        (f"POST&{PATH}&{RIGHT.replace('a%2Cc,b', 'a%2Cc%2Cb')}", "must not be encoded"),
        (f"POST&{PATH}&{RIGHT.replace('a%2Cc,b', 'a%2Cc&tag=b')}", "joined by commas"),
        (f"POST&{PATH}&{RIGHT.replace('a%2Cc,b', 'b')}", "only the first value"),
        (f"POST&{PATH}&{RIGHT.replace('empty=', 'empty')}", "written with ="),
        (f"POST&{PATH}&{RIGHT.replace('page=2', 'page=1')}", "You signed page 1"),
        (f"POST&{PATH}&{RIGHT.replace('&page=2', '')}", "the parameter page is left out"),
        (f"PUT&{PATH.removeprefix('/2.0')}&", "You signed PUT, the request was POST; /2.0 is missing"),
    ],
)
def test_what_was_hashed_is_found(canonical: str, words: str) -> None:
    """The request of a wrong hash is shown, with its first difference from the real one, and in words."""
    found = examine(present(f"JWT {token(qsh=hash_of(canonical))}"))
    assert found.cause is not None
    assert words.lower() in found.cause.finding.lower(), found.cause
    assert found.hashed is not None
    assert found.hashed.canonical == canonical
    assert found.difference is not None
    ours, theirs = found.canonical[found.difference :], canonical[found.difference :]
    assert found.canonical[: found.difference] == canonical[: found.difference]
    assert ours[:1] != theirs[:1]


@pytest.mark.parametrize(
    ("canonical", "query", "words"),
    [
        ("GET&/x&b=1&a=2", "b=1&a=2", "as it was sent"),
        ("GET&/x&b=1&a=2%20", "b=1&a=2+", "sorted by name"),
        ("GET&/x&a=2+", "a=2+", "a space is written"),
        ("GET&/x&a=~&jwt=x", "a=~&jwt=x", "the parameter jwt"),
        ("GET&/x&a=%20&jwt=x", "a=+&jwt=x", "the parameter jwt must be left out"),
        ("GET&/x&a=%3A1,.1", "a=.1&a=%3A1", "sorted decoded"),
        ("GET&/x&a=:1&b=2", "b=2&a=%3A1", "encodeURI"),
    ],
)
def test_hashed_queries(canonical: str, query: str, words: str) -> None:
    """These mistakes are not possible with the other query."""
    found = cause(present(f"JWT {token(qsh=hash_of(canonical))}"), Request("GET", "/x", query, ""))
    assert (found.name, words.lower() in found.finding.lower()) == ("qsh", True), found


def test_root_path_may_have_been_hashed_as_nothing() -> None:
    """One library writes no path for the root."""
    found = cause(present(f"JWT {token(qsh=hash_of('GET&&'))}"), Request("GET", "/", "", ""))
    assert "empty in place of /" in found.finding


def test_no_hash_is_asked_for_at_the_token_endpoint() -> None:
    """Where the host does not check qsh, neither does the diagnosis."""
    request = Request("POST", "/site/oauth2/access_token", "", "", hashed=False)
    assert examine(present(f"JWT {token(qsh=None)}"), request).cause is None


@pytest.mark.parametrize(
    ("pasted", "scheme"),
    [
        ("{token}", None),
        ("  JWT {token}\n", "JWT"),
        ("Authorization: JWT {token}", "JWT"),
        ("curl -H 'Authorization: Bearer {token}' https://x.example/y", "Bearer"),
        ("https://x.example/y?a=b&jwt={token}&c=d", "query"),
    ],
)
def test_whatever_is_pasted_is_read(pasted: str, scheme: str | None) -> None:
    """A token, a header, a command and a URL all give the token and how it was sent."""
    assert present_pasted(pasted.format(token=token())) == present_token(token(), scheme=scheme)


@pytest.mark.parametrize("credential", ["hunter2", "hunter2 hunter2", "Bearer hunter2", "Basic hunter2", "JWT hunter2"])
def test_nothing_is_kept_of_what_is_no_token(credential: str) -> None:
    """A password in the wrong place is not kept."""
    assert "hunter2" not in repr(present(credential))
    assert "hunter2" not in repr(present_pasted(credential))


def test_signatures_are_not_kept() -> None:
    """The kept part of a token has no third segment."""
    made = token()
    assert made.rpartition(".")[2] not in repr(present(f"JWT {made}"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
moments = st.integers(int(NOW) - 200, int(NOW) + 200) | st.floats(NOW - 200, NOW + 200) | json_values


@settings(deadline=None)
@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "iss": st.sampled_from([APP, CLIENT, "other"]) | json_values,
            "exp": moments,
            "nbf": moments,
            "iat": moments,
            "aud": json_values,
            "qsh": st.sampled_from([hash_of("GET&/x&")]) | json_values,
        },
    ),
    secret=st.sampled_from([SECRET, OLD_SECRET, f"{SECRET} "]),
)
def test_what_holds_is_what_is_accepted(changes: Claims, secret: str) -> None:
    """For any claims there is a cause exactly when the token is refused, and it is the refusing check."""
    presented = encode(claims() | changes, secret)
    found = examine(present(f"JWT {presented}")).cause
    assert (found.name if found else None) == refused_for(presented)


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ey.=JWT jwt?&:'\"[{}]0", max_size=200))
def test_anything_can_be_pasted(text: str) -> None:
    """Any text is judged."""
    assert examine(present_pasted(text)).cause is not None


@settings(deadline=None)
@given(
    segments=st.lists(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()), min_size=3),
    query=st.text(max_size=60),
    path=st.text(max_size=60),
)
def test_any_token_and_request_can_be_examined(segments: list[bytes], query: str, path: str) -> None:
    """Any token is judged, for any request."""
    presented = ".".join(base64.urlsafe_b64encode(segment).decode().rstrip("=") for segment in segments)
    examine(present(f"JWT {presented}"), Request("GET", path, query, "http://x"))


def test_long_request_is_examined_for_the_usual_mistakes() -> None:
    """A query of many thousand parameters does not make the search long."""
    query = "&".join(f"p{number}={quote_plus('a b')}" for number in range(6000))
    request = Request("POST", PATH, query, "")
    found = cause(present(f"JWT {token(qsh=query_string_hash('GET', PATH, query))}"), request)
    assert "You signed GET" in found.finding


def test_secret_of_any_of_many_installations_is_recognised() -> None:
    """In any number of workspaces, each secret is tried in the correct way."""
    others = [Key(f"{number:040}", f"the secret of workspace {number}") for number in range(50)]
    evidence = gather(present(f"JWT {token(others[-1].secret)}"), keys=[*KEYS, *others], installations=KNOWN)
    assert evidence.signature.finding == "It was made with the secret of workspace 49."


def test_another_order_of_the_parameters_is_accepted_and_explained() -> None:
    """The order of npm's library does not refuse a token; both requests are shown, and the rule is explained."""
    by_rule, of_npm = "ids%5B%5D=1&ids2=2", "ids2=2&ids%5B%5D=1"
    request = Request("GET", "/a", "ids[]=1&ids2=2", "")
    found = examine(present(f"JWT {token(qsh=hash_of(f'GET&/a&{of_npm}'))}"), request)
    assert found.cause is None
    (check,) = (one for one in found.checks if one.name == "qsh")
    assert (check.verdict, by_rule in check.fix) == ("warning", True)
    assert (found.canonical, found.hashed and found.hashed.canonical) == (f"GET&/a&{by_rule}", f"GET&/a&{of_npm}")
    assert found.difference == len("GET&/a&ids")


@pytest.mark.parametrize("order", ["ids%5B%5D=1&ids2=2", "ids2=2&ids%5B%5D=1"])
def test_a_mistake_is_told_in_any_order_of_the_parameters(order: str) -> None:
    """A wrong method or path is recognised in any library's order of the query."""
    request = Request("GET", "/2.0/a", "ids[]=1&ids2=2", "")
    for hashed, words in ((f"POST&/2.0/a&{order}", "signed POST"), (f"GET&/a&{order}", "/2.0 is missing")):
        assert words in cause(present(f"JWT {token(qsh=hash_of(hashed))}"), request).finding
