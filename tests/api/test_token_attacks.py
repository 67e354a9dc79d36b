"""Forged, stolen, altered and misplaced tokens over real HTTP: each is a 401, for the right reason.

The tokens are made here, without the code under test, and sent over a bare socket, where no library corrects them.
"""

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from roadstead.domain.apps import installations
from roadstead.model import Installation
from tests.live import AppClient, LiveHost, live_host, recording_app

LINKERS = "/2.0/addon/linkers"
VALUES = f"{LINKERS}/tickets/values"

ALGORITHM, SIGNATURE = "another algorithm|no other algorithm", "signature does not match"
KEY_ID = 'must not contain "kid" or "crit"'
FORMAT, JSON = "base64url|three base64url|outside ASCII|longer than", "is not valid JSON|is not a JSON object"
EXPIRED, EXP, NBF = "expired at", "claim exp", "valid from|claim nbf"
ISS, SUB, QSH = "iss", "claim sub", 'lower-case hex, of "GET&/2.0/addon/linkers/tickets/values&"'
QSH_ELSEWHERE, NO_CREDENTIAL = "lower-case hex, of", "Authentication is required|Send the app's token"
SCHEME, NOT_KNOWN, TWICE = "in capitals", "authentication scheme .* is not known", "more than one"
NOT_ISSUED_HERE = "never issued here"


def segment(content: object) -> str:
    """Return base64url of bytes, of a text, or of a value as JSON."""
    data = content if isinstance(content, bytes | str) else json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def signature(signing_input: str, secret: str, digest: str = "sha256") -> bytes:
    return hmac.digest(secret.encode(), signing_input.encode(), digest)


def hash_of(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


HEADER = {"typ": "JWT", "alg": "HS256"}


@dataclass(frozen=True)
class Forger:
    """Knows an installation and makes tokens for it, correct ones and others."""

    host: LiveHost
    installation: Installation
    previous: Installation
    elsewhere: Installation
    stranger: Installation
    uninstalled: Installation

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.installation.app_key,
            "sub": self.installation.client_key,
            "iat": now,
            "exp": now + 180,
            "qsh": hash_of(f"GET&{VALUES}&"),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def token(
        self, header: object = HEADER, claims: object = None, *, secret: str | None = None, digest: str = "sha256"
    ) -> str:
        """Return a token of any header and claims, correctly signed unless told otherwise."""
        signing_input = f"{segment(header)}.{segment(self.claims() if claims is None else claims)}"
        key = self.installation.shared_secret if secret is None else secret
        return f"{signing_input}.{segment(signature(signing_input, key, digest))}"

    def headed(self, **changes: Any) -> str:
        """Return a token with a changed header, correctly signed."""
        return self.token({name: value for name, value in {**HEADER, **changes}.items() if value is not ...})

    def claiming(self, **changes: Any) -> str:
        """Return a token with changed claims, correctly signed. A claim that is changed to `...` is left out."""
        return self.token(claims=self.claims(**changes))

    def claiming_text(self, change: Callable[[str], str | bytes]) -> str:
        """Return a token whose claims are a changed JSON text, correctly signed."""
        return self.token(claims=change(json.dumps(self.claims())))

    def parts(self) -> tuple[str, str, str]:
        header, claims, signed = self.token().split(".")
        return header, claims, signed

    def of(self, whose: Installation, **changes: Any) -> str:
        """Return a token as another installation would make it, except for `changes`."""
        return replace(self, installation=whose).claiming(**changes)


Make = Callable[[Forger], str]


def canonical(text: str) -> Make:
    """Return a maker of a token for another canonical request."""
    return lambda forger: forger.claiming(qsh=hash_of(text))


def now_and(seconds: float) -> float:
    return int(time.time()) + seconds


def mangled(change: Callable[[str, str, str], str]) -> Make:
    """Return a maker of a valid token that is taken apart and reassembled wrongly."""
    return lambda forger: change(*forger.parts())


def other_last_character(text: str) -> str:
    """Return the same bytes in another spelling: the last of 43 characters has two unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def plain(content: str) -> str:
    return base64.b64encode(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))).decode()


TOKENS: dict[str, tuple[str, Make]] = {
    # The header names an algorithm, which must be ignored.
    "none, unsigned": (ALGORITHM, lambda f: f"{segment({'alg': 'none'})}.{segment(f.claims())}."),
    "none, signed": (ALGORITHM, lambda f: f.headed(alg="none")),
    "None": (ALGORITHM, lambda f: f.headed(alg="None")),
    "NONE": (ALGORITHM, lambda f: f.headed(alg="NONE")),
    "nOnE": (ALGORITHM, lambda f: f.headed(alg="nOnE")),
    "an empty algorithm": (ALGORITHM, lambda f: f.headed(alg="")),
    "no algorithm": (ALGORITHM, lambda f: f.headed(alg=...)),
    "algorithm null": (ALGORITHM, lambda f: f.headed(alg=None)),
    "algorithm in a list": (ALGORITHM, lambda f: f.headed(alg=["HS256"])),
    "algorithm an object": (ALGORITHM, lambda f: f.headed(alg={"HS256": 1})),
    "lower case": (ALGORITHM, lambda f: f.headed(alg="hs256")),
    "a space behind": (ALGORITHM, lambda f: f.headed(alg="HS256 ")),
    "a NUL behind": (ALGORITHM, lambda f: f.headed(alg="HS256\0")),
    "RS256 signed as HS256": (ALGORITHM, lambda f: f.headed(alg="RS256")),
    "ES256": (ALGORITHM, lambda f: f.headed(alg="ES256")),
    "PS256": (ALGORITHM, lambda f: f.headed(alg="PS256")),
    "EdDSA": (ALGORITHM, lambda f: f.headed(alg="EdDSA")),
    "HS384, rightly": (ALGORITHM, lambda f: f.token({"alg": "HS384"}, digest="sha384")),
    "HS512, rightly": (ALGORITHM, lambda f: f.token({"alg": "HS512"}, digest="sha512")),
    "HS256 in truth HS512": (SIGNATURE, lambda f: f.token(digest="sha512")),
    "kid": (KEY_ID, lambda f: f.headed(kid="a")),
    "kid a path": (KEY_ID, lambda f: f.headed(kid="../../../dev/null")),
    "kid a statement": (KEY_ID, lambda f: f.headed(kid="' UNION SELECT 'x")),
    "kid null": (KEY_ID, lambda f: f.headed(kid=None)),
    "crit": (KEY_ID, lambda f: f.headed(crit=["exp"])),
    "payload not encoded": (KEY_ID, lambda f: f.headed(b64=False, crit=["b64"])),
    "a key of the forger's at jku": (SIGNATURE, lambda f: f.token({**HEADER, "jku": "http://x"}, secret="mine")),
    "a key of the forger's in jwk": (
        SIGNATURE,
        lambda f: f.token({**HEADER, "jwk": {"kty": "oct", "k": segment("mine")}}, secret="mine"),
    ),
    "a certificate in x5c": (SIGNATURE, lambda f: f.token({**HEADER, "x5c": ["AAAA"]}, secret="AAAA")),
    "a certificate at x5u": (SIGNATURE, lambda f: f.token({**HEADER, "x5u": "http://x"}, secret="mine")),
    # The signer.
    "a foreign secret": (SIGNATURE, lambda f: f.token(secret="x" * 43)),
    "an empty secret": (SIGNATURE, lambda f: f.token(secret="")),
    "the app key as the secret": (SIGNATURE, lambda f: f.token(secret=f.installation.app_key)),
    "the client key as the secret": (SIGNATURE, lambda f: f.token(secret=f.installation.client_key)),
    "the word null as the secret": (SIGNATURE, lambda f: f.token(secret="null")),
    "the secret and a line feed": (SIGNATURE, lambda f: f.token(secret=f"{f.installation.shared_secret}\n")),
    "the secret in capitals": (SIGNATURE, lambda f: f.token(secret=f.installation.shared_secret.upper())),
    "the secret but for its end": (SIGNATURE, lambda f: f.token(secret=f.installation.shared_secret[:-1])),
    "the secret before the reinstallation": (SIGNATURE, lambda f: f.token(secret=f.previous.shared_secret)),
    "the secret of another workspace": (SIGNATURE, lambda f: f.token(secret=f.elsewhere.shared_secret)),
    "the secret of another app": (SIGNATURE, lambda f: f.token(secret=f.stranger.shared_secret)),
    "no signature": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.")),
    "half a signature": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{s[:20]}")),
    "one character less": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{s[:-1]}")),
    "one character more": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{s}A")),
    "the signature twice": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{s}{s}")),
    "another spelling of it": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{other_last_character(s)}")),
    "the signature in hex": (
        SIGNATURE,
        mangled(lambda h, c, s: f"{h}.{c}.{base64.urlsafe_b64decode(s + '=').hex()}"),
    ),
    "the signature in capitals": (SIGNATURE, mangled(lambda h, c, s: f"{h}.{c}.{s.upper()}")),
    "header and claims swapped": (SUB, mangled(lambda h, c, s: f"{c}.{h}.{s}")),
    "claims of another token": (
        SIGNATURE,
        lambda f: ".".join((*f.claiming(exp=now_and(999)).split(".")[:2], f.parts()[2])),
    ),
    # The installation.
    "no sub": (SUB, lambda f: f.claiming(sub=...)),
    "sub null": (SUB, lambda f: f.claiming(sub=None)),
    "sub a number": (SUB, lambda f: f.claiming(sub=7)),
    "sub a list": (SUB, lambda f: f.claiming(sub=[f.installation.client_key])),
    "sub an object": (SUB, lambda f: f.claiming(sub={"client_key": f.installation.client_key})),
    "sub empty": (SUB, lambda f: f.claiming(sub="")),
    "sub unknown": (SUB, lambda f: f.claiming(sub="ari:cloud:bitbucket::app/{nobody}/x")),
    "sub the app key": (SUB, lambda f: f.claiming(sub=f.installation.app_key)),
    "sub in capitals": (SUB, lambda f: f.claiming(sub=f.installation.client_key.upper())),
    "sub with a NUL": (SUB, lambda f: f.claiming(sub=f"{f.installation.client_key}\0")),
    "sub with a space": (SUB, lambda f: f.claiming(sub=f" {f.installation.client_key}")),
    "sub a pattern": (SUB, lambda f: f.claiming(sub="%")),
    "sub a statement": (SUB, lambda f: f.claiming(sub="' OR '1'='1")),
    "sub of an uninstalled app": (SUB, lambda f: f.of(f.uninstalled)),
    "sub of another workspace": (SIGNATURE, lambda f: f.claiming(sub=f.elsewhere.client_key)),
    "sub of another app": (SIGNATURE, lambda f: f.claiming(sub=f.stranger.client_key)),
    "no iss": (ISS, lambda f: f.claiming(iss=...)),
    "iss null": (ISS, lambda f: f.claiming(iss=None)),
    "iss empty": (ISS, lambda f: f.claiming(iss="")),
    "iss of another app": (ISS, lambda f: f.claiming(iss=f.stranger.app_key)),
    "iss of another workspace": (ISS, lambda f: f.claiming(iss=f.elsewhere.client_key)),
    "iss in capitals": (ISS, lambda f: f.claiming(iss=f.installation.app_key.upper())),
    "iss a list": (ISS, lambda f: f.claiming(iss=[f.installation.app_key])),
    "iss an object": (ISS, lambda f: f.claiming(iss={f.installation.app_key: 1})),
    "iss a number": (ISS, lambda f: f.claiming(iss=0)),
    "iss and sub swapped": (SUB, lambda f: f.claiming(iss=f.installation.client_key, sub=f.installation.app_key)),
    # The lifetime.
    "no exp": (EXP, lambda f: f.claiming(exp=...)),
    "exp null": (EXP, lambda f: f.claiming(exp=None)),
    "exp a string": (EXP, lambda f: f.claiming(exp=str(now_and(180)))),
    "exp a date": (EXP, lambda f: f.claiming(exp="2099-01-01T00:00:00Z")),
    "exp true": (EXP, lambda f: f.claiming(exp=True)),
    "exp a list": (EXP, lambda f: f.claiming(exp=[now_and(180)])),
    "exp NaN": (JSON, lambda f: f.claiming(exp=float("nan"))),
    "exp infinite": (JSON, lambda f: f.claiming(exp=float("inf"))),
    "exp beyond all numbers": (
        JSON,
        lambda f: f.claiming_text(lambda text: text.replace('"exp": ', '"exp": 1e999, "x": ')),
    ),
    "exp zero": (EXPIRED, lambda f: f.claiming(exp=0)),
    "exp negative": (EXPIRED, lambda f: f.claiming(exp=-(10**18))),
    "exp negative and huge": (EXPIRED, lambda f: f.claiming(exp=-(10**300))),
    "exp a fraction, past": (EXPIRED, lambda f: f.claiming(exp=now_and(-61.5))),
    "expired beyond the leeway": (EXPIRED, lambda f: f.claiming(exp=now_and(-61))),
    "expired a year ago": (EXPIRED, lambda f: f.claiming(exp=now_and(-31_536_000))),
    "nbf ahead": (NBF, lambda f: f.claiming(nbf=now_and(3600))),
    "nbf in milliseconds": (NBF, lambda f: f.claiming(nbf=now_and(0) * 1000)),
    "nbf a string": (NBF, lambda f: f.claiming(nbf="0")),
    "nbf null": (NBF, lambda f: f.claiming(nbf=None)),
    # The request.
    "no qsh": (QSH, lambda f: f.claiming(qsh=...)),
    "qsh null": (QSH, lambda f: f.claiming(qsh=None)),
    "qsh empty": (QSH, lambda f: f.claiming(qsh="")),
    "qsh in capitals": (QSH, lambda f: f.claiming(qsh=f.claims()["qsh"].upper())),
    "qsh with a space": (QSH, lambda f: f.claiming(qsh=f.claims()["qsh"] + " ")),
    "qsh a list": (QSH, lambda f: f.claiming(qsh=[f.claims()["qsh"]])),
    "qsh of a page": ("only pages may use", lambda f: f.claiming(qsh="context-qsh")),
    "qsh the canonical request": (QSH, lambda f: f.claiming(qsh=f"GET&{VALUES}&")),
    "qsh in base64": (QSH, lambda f: f.claiming(qsh=segment(bytes.fromhex(f.claims()["qsh"])))),
    "qsh by SHA-512": (QSH, lambda f: f.claiming(qsh=hashlib.sha512(f"GET&{VALUES}&".encode()).hexdigest())),
    "the query left out of the form": (QSH, canonical(f"GET&{VALUES}")),
    "the method in lower case": (QSH, canonical(f"get&{VALUES}&")),
    "the path in capitals": (QSH, canonical(f"GET&{VALUES.upper()}&")),
    "the path without /2.0": (QSH, canonical("GET&/addon/linkers/tickets/values&")),
    "the path with a slash": (QSH, canonical(f"GET&{VALUES}/&")),
    "the path without its slash": (QSH, canonical(f"GET&{VALUES[1:]}&")),
    "the path encoded": (QSH, canonical(f"GET&{VALUES.replace('/', '%2F')}&")),
    "the whole URL": (QSH, lambda f: f.claiming(qsh=hash_of(f"GET&{f.host.url}{VALUES}&"))),
    "any path": (QSH, canonical("GET&*&")),
    # JSON that two readers may read differently.
    "alg twice": (JSON, lambda f: f.token('{"alg":"none","alg":"HS256"}')),
    "iss twice": (JSON, lambda f: f.claiming_text(lambda text: '{"iss": "x", ' + text[1:])),
    "sub twice, once escaped": (JSON, lambda f: f.claiming_text(lambda text: '{"\\u0073ub": "x", ' + text[1:])),
    "a member twice deep inside": (JSON, lambda f: f.claiming_text(lambda text: '{"c": {"a": 1, "a": 1}, ' + text[1:])),
    "claims with a comma too many": (JSON, lambda f: f.claiming_text(lambda text: text[:-1] + ",}")),
    "claims with a comment": (JSON, lambda f: f.claiming_text(lambda text: "/**/" + text)),
    "claims in single quotes": (JSON, lambda f: f.claiming_text(lambda text: text.replace('"', "'"))),
    "claims cut off": (JSON, lambda f: f.claiming_text(lambda text: text[:-1])),
    "claims and more": (JSON, lambda f: f.claiming_text(lambda text: text + "{}")),
    "claims twice": (JSON, lambda f: f.claiming_text(lambda text: text + text)),
    "claims with a byte order mark": (JSON, lambda f: f.claiming_text(lambda text: "\ufeff" + text)),
    "claims in UTF-16": (JSON, lambda f: f.claiming_text(lambda text: text.encode("utf-16"))),
    "claims not UTF-8": (JSON, lambda f: f.claiming_text(lambda text: b'{"\xff": 1, ' + text[1:].encode())),
    "claims with half a surrogate": (JSON, lambda f: f.claiming_text(lambda text: '{"a": "\\ud800", ' + text[1:])),
    "claims with a control character": (JSON, lambda f: f.claiming_text(lambda text: '{"a": "\n", ' + text[1:])),
    "claims in a list": (JSON, lambda f: f.token(claims=[f.claims()])),
    "claims null": (JSON, lambda f: f.token(claims="null")),
    "claims a number": (JSON, lambda f: f.token(claims="1")),
    "claims a string": (JSON, lambda f: f.token(claims=json.dumps(json.dumps(f.claims())))),
    "claims empty": (JSON, lambda f: f.token(claims="")),
    "claims nested without end": (JSON, lambda f: f.token(claims="[" * 2500)),
    "claims nested deeply": (JSON, lambda f: f.token(claims="[" * 2500 + "]" * 2500)),
    "claims compressed": (
        JSON,
        lambda f: f.token({**HEADER, "zip": "DEF"}, zlib.compress(json.dumps(f.claims()).encode())),
    ),
    "a token in the token": (JSON, lambda f: f.token({**HEADER, "cty": "JWT"}, f.token())),
    "the header in a list": (JSON, lambda f: f.token([HEADER])),
    "the header null": (JSON, lambda f: f.token("null")),
    "the header not JSON": (JSON, lambda f: f.token("alg=HS256")),
    # Three segments of base64url, and nothing else.
    "one segment": (FORMAT, mangled(lambda h, c, s: h)),
    "two segments": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}")),
    "four segments": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}.{s}.")),
    "five segments, as if encrypted": (FORMAT, mangled(lambda h, c, s: f"{h}.{s}.{s}.{c}.{s}")),
    "only dots": (JSON, mangled(lambda h, c, s: "..")),
    "no header": (JSON, mangled(lambda h, c, s: f".{c}.{s}")),
    "commas for dots": (FORMAT, mangled(lambda h, c, s: f"{h},{c},{s}")),
    "encoded dots": (FORMAT, mangled(lambda h, c, s: f"{h}%2E{c}%2E{s}")),
    "padding behind the signature": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}.{s}=")),
    "padding behind the claims": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}==.{s}")),
    "the other alphabet": (
        FORMAT,
        lambda f: ".".join((segment(HEADER), plain(segment(f.claims(x="?>?>??>>"))), "++//")),
    ),
    "a space in the claims": (FORMAT, mangled(lambda h, c, s: f"{h}.{c[:9]} {c[9:]}.{s}")),
    "a tab in the claims": (FORMAT, mangled(lambda h, c, s: f"{h}.{c[:9]}\t{c[9:]}.{s}")),
    "a letter beyond ASCII": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}é.{s}")),
    "a quoted token": (FORMAT, mangled(lambda h, c, s: f'"{h}.{c}.{s}"')),
    "token=": (FORMAT, mangled(lambda h, c, s: f"token={h}.{c}.{s}")),
    "a comma and another token": (FORMAT, mangled(lambda h, c, s: f"{h}.{c}.{s}, JWT {h}.{c}.{s}")),
    "the scheme twice": (FORMAT, mangled(lambda h, c, s: f"JWT {h}.{c}.{s}")),
    "longer than a token may be": (FORMAT, lambda f: f.claiming(padding="x" * 8192)),
    "as long as a head may be": (FORMAT, lambda f: f.claiming(padding="x" * 40_000)),
    "nothing but letters": (FORMAT, lambda f: "a" * 50_000),
}

Lines = Callable[[str], list[str]]
HEADS: dict[str, tuple[str, Lines]] = {
    # A valid token in a wrong place, or not alone.
    "no header": (NO_CREDENTIAL, lambda token: []),
    "an empty header": (NOT_KNOWN, lambda token: ["Authorization:"]),
    "only a scheme": (FORMAT, lambda token: ["Authorization: JWT"]),
    "no scheme": (NOT_KNOWN, lambda token: [f"Authorization: {token}"]),
    "lower case": (SCHEME, lambda token: [f"Authorization: jwt {token}"]),
    "mixed case": (SCHEME, lambda token: [f"Authorization: Jwt {token}"]),
    "a tab behind the scheme": (NOT_KNOWN, lambda token: [f"Authorization: JWT\t{token}"]),
    "a colon behind the scheme": (NOT_KNOWN, lambda token: [f"Authorization: JWT: {token}"]),
    "Bearer": (NOT_ISSUED_HERE, lambda token: [f"Authorization: Bearer {token}"]),
    "Basic": (
        NOT_ISSUED_HERE,
        lambda token: [f"Authorization: Basic {base64.b64encode(f'x:{token}'.encode()).decode()}"],
    ),
    "Basic, not base64": (NOT_ISSUED_HERE, lambda token: [f"Authorization: Basic {token}"]),
    "Token": (NOT_KNOWN, lambda token: [f"Authorization: Token {token}"]),
    "Negotiate": (NOT_KNOWN, lambda token: [f"Authorization: Negotiate {token}"]),
    "another header": (NO_CREDENTIAL, lambda token: [f"X-Authorization: JWT {token}"]),
    "the proxy's header": (NO_CREDENTIAL, lambda token: [f"Proxy-Authorization: JWT {token}"]),
    "a cookie": (NO_CREDENTIAL, lambda token: [f"Cookie: jwt={token}; Authorization=JWT {token}"]),
    "two headers, the second good": (TWICE, lambda token: ["Authorization: JWT x", f"Authorization: JWT {token}"]),
    "two headers, the first good": (TWICE, lambda token: [f"Authorization: JWT {token}", "Authorization: JWT x"]),
    "two headers, both good": (TWICE, lambda token: [f"Authorization: JWT {token}"] * 2),
    "two headers, spelled differently": (
        TWICE,
        lambda token: ["authorization: Basic eDp5", f"AUTHORIZATION: JWT {token}"],
    ),
}

REPLAYS = [
    ("DELETE", VALUES),
    ("PUT", VALUES),
    ("POST", VALUES),
    ("HEAD", VALUES),
    ("GET", f"{VALUES}/1"),
    ("GET", f"{VALUES}?page=2"),
    ("GET", f"{VALUES}?x"),
    ("GET", f"{VALUES}?="),
    ("GET", f"{VALUES}?%6Awt2=x"),
    ("GET", f"{LINKERS}/any-ref/values"),
    ("GET", f"{LINKERS}/%74ickets/values"),
    ("GET", LINKERS),
    ("GET", "/2.0/user"),
    ("DELETE", "/2.0/addon"),
]

ACCEPTED: dict[str, Make] = {
    "as documented": lambda f: f.token(),
    "no aud, no iat": lambda f: f.claiming(iat=...),
    "milliseconds": lambda f: f.claiming(iat=now_and(0) * 1000, exp=now_and(180) * 1000),
    "the client key as iss": lambda f: f.claiming(iss=f.installation.client_key),
    "somebody else's aud": lambda f: f.claiming(aud=["x"]),
    "issued in the future": lambda f: f.claiming(iat=now_and(3600)),
    "41 days": lambda f: f.claiming(exp=now_and(41 * 86_400)),
    "for ever": lambda f: f.claiming(exp=10**30),
    "a fraction of a second": lambda f: f.claiming(exp=now_and(5.5)),
    "a clock that is slow": lambda f: f.claiming(exp=now_and(-50)),
    "valid already": lambda f: f.claiming(nbf=now_and(-5)),
    "no typ": lambda f: f.headed(typ=...),
    "another typ": lambda f: f.headed(typ="at+jwt"),
    "a header nobody needs": lambda f: f.headed(jku="http://x", jwk={"kty": "oct", "k": "eA"}, x5c=["AAAA"]),
    "a context": lambda f: f.claiming(context={"user": {"name": "é"}}),
    "indented": lambda f: f.token(json.dumps(HEADER, indent=1), json.dumps(f.claims(), indent=1)),
    "another installation, as itself": lambda f: f.of(f.elsewhere),
}


@pytest.fixture(scope="module")
def forger(host: LiveHost) -> Iterator[Forger]:
    with recording_app() as app, recording_app() as other, recording_app() as leaving:
        uninstalled = host.install(leaving)
        host.work(lambda opened: installations.uninstall(opened, uninstalled.id))
        previous = host.install(app)
        yield Forger(
            host, host.install(app), previous, host.install(app, "elsewhere"), host.install(other), uninstalled
        )


def send(host: LiveHost, method: str, target: str, lines: list[str]) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the answer to a request with these header lines, byte by byte."""
    address = urlsplit(host.url)
    head = [f"{method} {target} HTTP/1.1", f"Host: {address.netloc}", "Connection: close", "Content-Length: 0", *lines]
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall("\r\n".join((*head, "", "")).encode("latin-1", "replace"))
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        body = answer.read()
    return answer.status, json.loads(body) if body and answer.status != 204 else {}


def assert_refused(answer: tuple[int, dict[str, Any]], reason: str) -> None:
    status, body = answer
    assert status == 401, body
    assert set(body) == {"type", "error"}
    assert re.search(reason, f"{body['error']['message']} {body['error']['detail']}"), body["error"]


@pytest.mark.sample(60)
@pytest.mark.parametrize("name", TOKENS)
def test_forged_tokens_are_refused(forger: Forger, name: str) -> None:
    """Each attack on the token itself is a 401 with its own reason."""
    reason, make = TOKENS[name]
    assert_refused(send(forger.host, "GET", VALUES, [f"Authorization: JWT {make(forger)}"]), reason)


@pytest.mark.parametrize("name", HEADS)
def test_misplaced_tokens_are_refused(forger: Forger, name: str) -> None:
    """A valid token anywhere but alone in `Authorization: JWT …` is a 401."""
    reason, lines = HEADS[name]
    assert_refused(send(forger.host, "GET", VALUES, lines(forger.token())), reason)


@pytest.mark.parametrize(("method", "target"), REPLAYS)
def test_replayed_tokens_are_refused(forger: Forger, method: str, target: str) -> None:
    """A token for one request is a 401 at any other method, path or query."""
    token = f"Authorization: JWT {forger.token()}"
    assert send(forger.host, "GET", VALUES, [token])[0] == 200
    assert send(forger.host, method, target, [token])[0] == 401


def test_tokens_in_the_query_are_refused(forger: Forger) -> None:
    """The API reads only the header, regardless of the parameter's name."""
    for parameter in ("jwt", "token", "access_token", "Authorization"):
        assert_refused(send(forger.host, "GET", f"{VALUES}?{parameter}={forger.token()}", []), NO_CREDENTIAL)


def test_tokens_are_no_good_at_another_host(forger: Forger, tmp_path: Any) -> None:
    """A host that did not install the app refuses what another one would accept."""
    with live_host(tmp_path) as other:
        token = f"Authorization: JWT {forger.token()}"
        assert_refused(send(other, "GET", VALUES, [token]), SUB)


@pytest.mark.parametrize(
    "line", ["Authorization: JWT \0", "Authorization: JWT x\r\n folded", "Authorization : JWT x", "\0: x"]
)
def test_broken_header_lines_reach_nobody(host: LiveHost, line: str) -> None:
    """A line that another server could take for a second header is refused as HTTP."""
    assert send(host, "GET", VALUES, [line])[0] == 400


@pytest.mark.parametrize("name", ACCEPTED)
def test_tokens_seen_in_the_wild_are_accepted(forger: Forger, name: str) -> None:
    """Tokens in the forms of real apps, which no rule forbids, are accepted."""
    assert send(forger.host, "GET", VALUES, [f"Authorization: JWT {ACCEPTED[name](forger)}"])[0] == 200


def test_the_order_of_the_query_does_not_matter(forger: Forger) -> None:
    """The hash is of the sorted parameters, so these are one request, and one more or less is another."""
    token = f"Authorization: JWT {forger.claiming(qsh=hash_of(f'GET&{VALUES}&page=1&pagelen=5'))}"
    for order in itertools.permutations(("page=1", "pagelen=5")):
        assert send(forger.host, "GET", f"{VALUES}?{'&'.join(order)}", [token])[0] == 200
    for query in ("page=1", "pagelen=5&page=1&page=1", "page=1,pagelen=5", "page=1&pagelen=5&sort=id"):
        assert_refused(send(forger.host, "GET", f"{VALUES}?{query}", [token]), QSH_ELSEWHERE)


def test_nothing_was_changed_by_all_this(forger: Forger) -> None:
    """The installation is unchanged: its app is still accepted."""
    assert AppClient(forger.host.url, forger.installation)("GET", VALUES).json()["size"] == 0
