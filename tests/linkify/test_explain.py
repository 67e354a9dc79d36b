"""Why a stretch of a text is a link, or is not."""

from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from roadstead.linkify import CompiledLinkers, InvalidPattern, Linker, check_linker, compile_linkers, explain
from roadstead.linkify.explanation.explain import MAX_CANDIDATES
from tests.linkify import grammar

TICKETS = Linker("tickets", r"((?K)-\d+)", r"https://t.example/\1", values={"BB", "OPS"}, app_key="acme")
ISSUES = Linker("issues", r"[A-Z]+-(?P<number>\d+)", r"https://i.example/\g<number>", app_key="other")


def _reasons(linkers: CompiledLinkers, text: str) -> list[tuple[str, str | None, str]]:
    return [(found.text, found.url, found.reason) for found in explain(linkers, text).candidates]


@pytest.mark.parametrize(
    ("linkers", "text", "expected"),
    [
        ([TICKETS], "BB-12", [("BB-12", "https://t.example/BB-12", "Its pattern matches, and 'BB' is stored.")]),
        ([TICKETS], "ZZ-9", [("ZZ-9", None, "The value 'ZZ' is not among the 2 stored for the linker.")]),
        (
            [TICKETS],
            "aBB-9",
            [("aBB-9", None, "The stored value 'BB' may not begin right after a letter or a digit.")],
        ),
        (
            [TICKETS, ISSUES],
            "BB-1 X-2",
            [
                ("BB-1", "https://t.example/BB-1", "Its pattern matches, and 'BB' is stored."),
                (
                    "BB-1",
                    None,
                    "It lost to 'BB-1' of the linker 'tickets' (acme), which was installed or listed first.",
                ),
                ("X-2", "https://i.example/2", "Its pattern matches."),
                ("X-2", None, "The value 'X' is not among the 2 stored for the linker."),
            ],
        ),
        (
            [TICKETS, Linker("long", r"fix BB-\d+", "https://l.example/", app_key="other")],
            "fix BB-1",
            [
                ("fix BB-1", "https://l.example/", "Its pattern matches."),
                ("BB-1", None, "It lost to 'fix BB-1' of the linker 'long' (other), which begins earlier."),
            ],
        ),
        (
            [TICKETS, Linker("long", r"BB-\d+!", "https://l.example/", app_key="other")],
            "BB-1!",
            [
                ("BB-1!", "https://l.example/", "Its pattern matches."),
                ("BB-1", None, "It lost to 'BB-1!' of the linker 'long' (other), which is longer."),
            ],
        ),
        (
            [TICKETS],
            "https://x.example/BB-1",
            [
                ("https://x.example/BB-1", "https://x.example/BB-1", "It is an address."),
                ("BB-1", None, "It is part of the address 'https://x.example/BB-1'."),
            ],
        ),
        (
            [Linker("bad", r"to (\S+)", r"https://\1.example/")],
            "to a/b",
            [("to a/b", None, "With the matched text, the linker's url is not a URL that may be linked to.")],
        ),
        (
            [Linker("empty", r"(?K)-\d+", "https://t.example/")],
            "A-1",
            [("A-1", "https://t.example/", "Its pattern matches; while it has no values, any word is one.")],
        ),
    ],
)
def test_each_candidate_has_its_reason(
    linkers: list[Linker], text: str, expected: list[tuple[str, str | None, str]]
) -> None:
    """Stored or not, too late, too short, second, inside an address, or with an invalid target."""
    assert _reasons(compile_linkers(linkers), text) == expected


def test_linkers_that_match_nothing_say_why() -> None:
    """Each linker is listed with its result, in the given order."""
    never = Linker("never", r"OK-\d+", "https://o.example/")
    slow = Linker("slow", r"(.*)=(.*)=(.*)=(.*);(?!-)", "https://s.example/")
    compiled = compile_linkers([TICKETS, never, slow, ISSUES]).without([ISSUES], "It is parked.")
    tried = explain(compiled, "=" * 3_000 + ";- BB-1 OK-").linkers
    assert [(one.linker.key, one.engine, one.candidates, one.links, one.reason) for one in tried] == [
        ("tickets", "linear", 1, 1, ""),
        ("never", "linear", 0, 0, "Its pattern matches nothing here."),
        ("slow", "bounded", 0, 0, "It took longer than 20 ms."),
        ("issues", "linear", 1, 0, "It is parked."),
    ]
    assert explain(compiled, "nothing").linkers[1].reason.startswith("The text lacks")
    nothing = compile_linkers([Linker("k", "(?K)-1", "https://t.example/")], without_values="nothing")
    (candidate,) = explain(nothing, "A-1").candidates
    assert candidate.reason == "The linker has no values yet, and is set to match nothing until it has."


def test_time_of_each_linker_is_shown() -> None:
    """By the clock that the linkers were compiled with: here each check of it takes a millisecond."""
    ticks = count()
    tried = explain(compile_linkers([TICKETS, ISSUES], clock=lambda: next(ticks) / 1_000), "BB-1").linkers
    assert [one.milliseconds for one in tried] == [1, 1]


def test_groups_are_shown_by_name() -> None:
    """Those that the target uses, and the value."""
    linker = Linker("k", r"(?P<who>\w+)/(?K)#(\d+)(x)?", r"https://t.example/\g<who>/\3", values={"BB"})
    (candidate,) = explain(compile_linkers([linker]), "me/BB#7").candidates
    assert candidate.groups == {"who": "me", "(?K)": "BB", "3": "7"}


def test_only_so_many_candidates_are_explained() -> None:
    """The links are complete, and the number of omitted candidates is given."""
    explanation = explain(compile_linkers([ISSUES]), "A-1 " * (MAX_CANDIDATES + 7))
    assert (len(explanation.candidates), explanation.omitted) == (MAX_CANDIDATES, 7)
    assert len(explanation.linkified.links) == MAX_CANDIDATES + 7


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(random=st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_candidates_that_became_links_are_the_links(random: Random) -> None:
    """Over random linkers and texts each link is a candidate with its URL, once, and no other candidate has one."""
    linkers = []
    for number in range(3):
        regex = grammar.Grammar(random, random.random() < 0.3).pattern()
        linker = Linker(str(number), regex, r"https://t.example/\g<0>", values=grammar.values(random))
        try:
            check_linker(linker)
        except InvalidPattern:
            continue
        linkers.append(linker)
    known = frozenset().union(*(linker.values for linker in linkers))
    text = grammar.text(random, known) + random.choice(["", " https://x.example/A-1"])
    compiled = compile_linkers(linkers, budget=0.5)
    explanation, linkified = explain(compiled, text), compiled.linkify(text)
    assume(not (explanation.linkified.unfinished or linkified.unfinished))
    links = linkified.links
    assert explanation.linkified.links == links
    assert [(link.start, link.end, link.url, link.linker) for link in links] == sorted(
        ((one.start, one.end, one.url, one.linker) for one in explanation.candidates if one.url is not None),
        key=lambda link: link[0],
    )
    assert all(text[one.start : one.end] == one.text and one.reason for one in explanation.candidates)
