"""
Why a token is refused: every check separately, with its finding and what to do about it.

`verify` stops at the first check that fails and tells strangers little. A diagnosis is for the developer of the app,
and looks further: which secret makes the signature, which request gives the `qsh`, whose clock is wrong.

The caller brings the facts of the host: its installations, and the secrets that a token may have been signed with. They
change with the next installation, so they can be kept as evidence from the moment of the call; everything else follows
from the call itself.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple, TypeGuard

from roadstead.connect.evidence import Check, Evidence, Known
from roadstead.connect.presented import NO_TOKEN, Presented
from roadstead.connect.qsh import canonical_request, hash_of
from roadstead.connect.qsh_mistakes import Hashed, find_hashed
from roadstead.connect.signature_mistakes import UNSIGNED, Key, find_signed

LEEWAY = 60
"""Seconds that clocks may differ by, as in `verify`."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    The request that a token was meant for, `path` and `query` as they were sent.

    `base_url` is the receiver's. `hashed` is False at an address that needs no `qsh`.
    """

    method: str
    path: str
    query: str
    base_url: str
    hashed: bool = True


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """
    All checks in the order in which they are made, and the requests behind the hashes.

    `canonical` is the canonical request that the host hashes. `hashed` is the one that the token's `qsh` is the hash
    of, if it can be found; `difference` is then the index of the first character that differs, or None.
    """

    header: Mapping[str, object]
    claims: Mapping[str, object]
    checks: tuple[Check, ...]
    canonical: str
    hashed: Hashed | None
    difference: int | None

    @property
    def cause(self) -> Check | None:
        """Return the first check that fails, which the developer must correct first."""
        return next((check for check in self.checks if check.verdict == "fails"), None)


def gather(presented: Presented, *, keys: Sequence[Key], installations: Sequence[Known]) -> Evidence:
    """
    Return the evidence for or against a token of an app.

    `installations` are those that the token may mean; the first of `keys` is the secret of the installation that its
    `sub` names, if there is one.
    """
    return Evidence(tuple(installations), _signature(presented, keys))


def diagnose(presented: Presented, request: Request, *, now: float, evidence: Evidence) -> Diagnosis:
    """
    Make every check of a token of an app, and explain those that fail.

    `now` is the Unix time at which the token was presented, and `evidence` was gathered then.
    """
    canonical = canonical_request(request.method, request.path, request.query)
    claims = presented.claims
    hashed = _hashed(claims.get("qsh"), request)
    case = _Case(presented, claims, request, now, evidence, canonical, hashed)
    checks = tuple(check(case) for check in _CHECKS) if presented.signing_input else (_scheme(case), _form(case))
    return Diagnosis(
        presented.header, claims, checks, canonical, hashed, _first_difference(canonical, hashed) if hashed else None
    )


class _Case(NamedTuple):
    presented: Presented
    claims: Mapping[str, object]
    request: Request
    now: float
    evidence: Evidence
    canonical: str
    hashed: Hashed | None

    @property
    def installations(self) -> Sequence[Known]:
        return self.evidence.installations

    @property
    def named(self) -> Known | None:
        """Return the installation that `sub` names."""
        return next((one for one in self.installations if one.client_key == self.claims.get("sub")), None)


def _passes(name: str, finding: str) -> Check:
    return Check(name, "passes", finding)


def _fails(name: str, finding: str, fix: str) -> Check:
    return Check(name, "fails", finding, fix)


# The form


def _scheme(case: _Case) -> Check:
    send = "Send: Authorization: JWT <token>"
    match case.presented.scheme:
        case None if case.presented.fault == NO_TOKEN:
            return _fails("scheme", "There is no Authorization header.", send)
        case None:
            return Check("scheme", "unknown", "Only the token was given.", f"{send}, with JWT in capitals.")
        case "JWT":
            return _passes("scheme", "The scheme is JWT.")
        case "query":
            return _fails("scheme", "The token came in the query. Only page loads carry it there.", send)
        case "":
            return _fails("scheme", "The scheme JWT is missing before the token.", send)
        case scheme if scheme.upper() == "JWT":
            return _fails("scheme", f"The scheme was written {scheme}; it is JWT, in capitals.", send)
        case scheme:
            return _fails("scheme", f"The token was sent as {scheme}; an app's token is sent as JWT.", send)


def _form(case: _Case) -> Check:
    fault = case.presented.fault
    if fault == NO_TOKEN:
        return _fails("format", fault, "Send: Authorization: JWT <token>")
    if fault:
        fix = "Take the token as your library made it: three segments joined by dots, in base64url without padding."
        return _fails("format", fault, fix)
    return _passes("format", "Header, claims and signature can be read.")


def _algorithm(case: _Case) -> Check:
    header = case.presented.header
    given = header.get("alg")
    if given != "HS256":
        stated = "names no algorithm" if given is None else f"says {_shown(given)}"
        return _fails("algorithm", f"The header {stated}; only HS256 is accepted.", 'Sign with "alg": "HS256".')
    if extra := {"kid", "crit"} & header.keys():
        name = min(extra)
        return _fails("algorithm", f"The header has {name}, which is not accepted.", f"Leave {name} out.")
    return _passes("algorithm", "The header says HS256.")


def _signature(presented: Presented, keys: Sequence[Key]) -> Check:
    signed = find_signed(presented.signing_input, presented.signature, _candidates(presented, keys))
    if signed is not None:
        whose, fix = signed.key.whose, signed.key.fix
        if signed.faults:
            right = "The key is the sharedSecret as it is, in UTF-8; the signature is base64url of HMAC-SHA256."
            return _fails("signature", f"It was made with {whose}, but {'; '.join(signed.faults)}.", fix or right)
        made = f"It was made with {whose}."
        return _fails("signature", made, fix) if fix else _passes("signature", made)
    if presented.signature == UNSIGNED:
        return _fails("signature", "There is no signature.", _RIGHT_SECRET)
    if not keys:
        fix = "Correct sub first: it names the installation, and with it the secret."
        return Check("signature", "unknown", "There is no secret to check the signature with.", fix)
    fix = f"{_RIGHT_SECRET} Change nothing in the token afterwards."
    return _fails("signature", "The signature matches no secret that this host knows.", fix)


_RIGHT_SECRET = "Sign with the sharedSecret of this installation's last installed call."


def _candidates(presented: Presented, keys: Sequence[Key]) -> Iterator[Key]:
    for claim in ("sub", "iss"):
        value = presented.claims.get(claim)
        if isinstance(value, str):
            yield Key(value, f"the claim {claim} in place of the secret", _RIGHT_SECRET)
    yield from keys


# The claims


def _subject(case: _Case) -> Check:
    subject = case.claims.get("sub")
    named = case.named
    if named is not None and named.installed:
        return _passes("sub", f"sub names the installation of {named.app_key} in workspace {named.workspace}.")
    if named is not None:
        fix = "Install it again: its next installed call brings the secret to sign with."
        return _fails("sub", f"The app {named.app_key} is uninstalled from workspace {named.workspace}.", fix)
    if _is_swapped(case):
        return _fails("sub", "iss and sub are swapped.", _SWAPPED)
    for claim in ("aud", "iss"):
        value = case.claims.get(claim)
        texts = value if isinstance(value, list) else [value]
        if any(one.client_key in texts for one in case.installations):
            return _fails("sub", f"The client key is in {claim}, and sub is another.", "Put it into sub.")
    return _unknown_subject(case, subject)


def _unknown_subject(case: _Case, subject: object) -> Check:
    if subject is None:
        return _fails("sub", "The claim sub is missing.", "It is the clientKey of the last installed call.")
    if not isinstance(subject, str):
        return _fails("sub", "The claim sub is not a text.", "It is the clientKey of the last installed call.")
    here = [f"{one.client_key} in workspace {one.workspace}" for one in case.installations if one.installed]
    if subject in {one.app_key for one in case.installations}:
        return _fails("sub", "sub is the app key; it must be the client key.", f"Send: {_either(here)}")
    if here:
        fix = f"Here the app has: {_either(here)}"
        return _fails("sub", "sub names no installation here: the client key is of another host or time.", fix)
    fix = "Install the app here, and sign with the secret of its installed call."
    return _fails("sub", "sub names no installation here, and the app is not installed.", fix)


def _issuer(case: _Case) -> Check:
    issuer = case.claims.get("iss")
    wanted = case.named
    fix = f"Send the app key as iss: {wanted.app_key}" if wanted else "Send the app key as iss."
    if issuer is None:
        return _fails("iss", "The claim iss is missing.", fix)
    if _is_swapped(case):
        return _fails("iss", "iss and sub are swapped.", _SWAPPED)
    if wanted is None:
        return Check("iss", "unknown", f"iss is {_shown(issuer)}.", "Correct sub first: it names the installation.")
    if issuer in (wanted.app_key, wanted.client_key):
        return _passes("iss", "iss names the app.")
    if isinstance(issuer, str) and issuer.strip().lower() == wanted.app_key.lower():
        return _fails("iss", f"iss is {_shown(issuer)}, which is spelled differently from the app key.", fix)
    return _fails("iss", f"iss is {_shown(issuer)}, which is not the app of this installation.", fix)


_SWAPPED = "An app sends its app key as iss and the client key as sub."


def _is_swapped(case: _Case) -> bool:
    return any(
        one.client_key == case.claims.get("iss") and one.app_key == case.claims.get("sub") for one in case.installations
    )


def _expiry(case: _Case) -> Check:
    expires = case.claims.get("exp")
    if expires is None:
        return _fails("exp", "The claim exp is missing.", "Add the Unix time at which the token expires.")
    if not _is_moment(expires):
        return _fails("exp", f"exp is {_shown(expires)}, not a number.", "Write the Unix time in seconds.")
    if _in_milliseconds(expires):
        return Check("exp", "warning", "exp is in milliseconds, so the token never expires.", "Write seconds.")
    if expires < _FIRST_MOMENT:
        fix = "Add the present Unix time to it."
        return _fails("exp", f"exp is {_shown(expires)}, which is a lifetime and not a moment.", fix)
    left = expires - case.now
    if left > -LEEWAY:
        return _passes("exp", f"It expires in {_span(left)}." if left > 0 else "It has just expired.")
    return _expired(case.claims.get("iat"), expires, case.now)


def _expired(issued: object, expires: float, now: float) -> Check:
    ago = f"The token expired {_span(now - expires)} ago."
    if _is_moment(issued) and _FIRST_MOMENT <= issued < expires:
        made = f"It was made {_span(now - issued)} ago by its iat, for {_span(expires - issued)}."
        behind = _span(now - issued)
        fix = f"Sign a new token for each request. If this one was new, the app's clock is {behind} behind."
        return _fails("exp", f"{ago} {made}", fix)
    return _fails("exp", ago, "Sign a new token for each request, with exp in the near future, and set the clock.")


def _start(case: _Case) -> Check:
    """Check `nbf`, and report what `iat`, which is not checked, says about the app's clock."""
    not_before, issued = case.claims.get("nbf"), case.claims.get("iat")
    if "nbf" in case.claims:
        if not _is_moment(not_before):
            return _fails("nbf", f"nbf is {_shown(not_before)}, not a number.", "Write the Unix time in seconds.")
        if _in_milliseconds(not_before):
            return _fails("nbf", "nbf is in milliseconds, so it is far in the future.", "Write seconds.")
        if not_before > case.now + LEEWAY:
            ahead = _span(not_before - case.now)
            fix = f"If it should be valid immediately, the app's clock is {ahead} ahead: set it, or leave nbf out."
            return _fails("nbf", f"The token is not valid for another {ahead}.", fix)
    if _is_moment(issued) and _in_milliseconds(issued):
        return Check("iat", "warning", "iat is in milliseconds, which is accepted.", "Write seconds.")
    if _is_moment(issued) and issued > case.now + LEEWAY:
        ahead = f"The token was made {_span(issued - case.now)} in the future: the app's clock is ahead."
        return Check("iat", "warning", ahead, "It is accepted, because iat is not checked; set the clock.")
    return _passes("nbf", "It is valid already.")


def _query_hash(case: _Case) -> Check:
    sent = case.claims.get("qsh")
    if not case.request.hashed:
        return _passes("qsh", "This address needs no qsh.")
    needed = f"qsh must be the SHA-256, in lower-case hex, of {_cut(case.canonical)}"
    if sent is None:
        return _fails("qsh", "The claim qsh is missing.", needed)
    if sent == hash_of(case.canonical):
        return _passes("qsh", "qsh is the hash of this request.")
    if sent == "context-qsh":
        return _fails("qsh", "qsh is context-qsh, which only tokens for pages have.", needed)
    if case.hashed is not None and not case.hashed.faults:
        return Check("qsh", "warning", _OTHER_ORDER, f"By Atlassian's rule the order is {_cut(case.canonical)}")
    if case.hashed is None:
        return _fails("qsh", "qsh is the hash of another request, and of none similar to this one.", needed)
    faults = "; ".join(case.hashed.faults)
    return _fails("qsh", f"{faults[:1].upper()}{faults[1:]}.", needed)


_OTHER_ORDER = (
    "qsh is the hash of this request with its parameters in another order, as npm's atlassian-jwt sorts them: decoded, "
    "by UTF-16 units. That is accepted."
)


# The hash


def _hashed(sent: object, request: Request) -> Hashed | None:
    """Return the canonical request that `sent` is the hash of, in any notation of the hash."""
    if not isinstance(sent, str) or not request.hashed:
        return None
    canonical = canonical_request(request.method, request.path, request.query)
    if sent == canonical:
        return Hashed(canonical, ("qsh is the canonical request itself, not its hash",))
    for qsh, fault in _readings(sent):
        found = find_hashed(qsh, request.method, request.path, request.query, base_url=request.base_url)
        if found is not None:
            return Hashed(found.canonical, (*filter(None, (fault,)), *found.faults))
    return None


def _readings(sent: str) -> Iterator[tuple[str, str]]:
    if re.fullmatch(r"[0-9a-fA-F]{64}", sent):
        yield sent.lower(), "" if sent == sent.lower() else "qsh is in capitals; it is lower-case hex"
    elif re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", sent):
        digest = base64.urlsafe_b64decode(sent.replace("+", "-").replace("/", "_").rstrip("=") + "=")
        yield digest.hex(), "qsh is in base64; it is lower-case hex"


def _first_difference(canonical: str, hashed: Hashed) -> int | None:
    pairs = enumerate(zip_longest(canonical, hashed.canonical))
    return next((place for place, (ours, theirs) in pairs if ours != theirs), None)


# In words

_FIRST_MOMENT = 1_000_000_000
"""Unix time in 2001, before any token: a smaller number is a number of seconds."""


def _is_moment(value: object) -> TypeGuard[int | float]:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _in_milliseconds(moment: float) -> bool:
    return moment > _FIRST_MOMENT * 100


def _span(seconds: float) -> str:
    """Return a length of time in the largest unit of which it has two, as in "90 minutes"."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds)} second{'' if round(seconds) == 1 else 's'}"


def _either(texts: Iterable[str]) -> str:
    return " or ".join(texts) or "the clientKey of the last installed call"


def _shown(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), 100)


def _cut(text: str, most: int = 500) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


_CHECKS: tuple[Callable[[_Case], Check], ...] = (
    _scheme,
    _form,
    _subject,
    _algorithm,
    lambda case: case.evidence.signature,
    _expiry,
    _start,
    _issuer,
    _query_hash,
)
