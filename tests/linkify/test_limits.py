"""Hostile patterns, long texts, many values: the effect of each limit, and that it is always reported."""

from collections.abc import Iterator
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.linkify import CompiledLinkers, InvalidPattern, Link, Linker, Unfinished, check_linker, compile_linkers
from roadstead.linkify.engines.linear import MAX_WINDOW
from roadstead.linkify.matching.limits import MAX_TEXT
from roadstead.linkify.search.bounded import MAX_VALUE_CHARS
from roadstead.linkify.text import addresses

HERE = r"https://t.example/\g<0>"

# why, regex, text; each takes a backtracking engine too long for any user
EXPLOSIVE = [
    ("lazy runs meet", r"(?s).*?,.*?,.*?,.*?,z(?!-)", "a," * 20_000 + "z-"),
    ("runs of one character meet", r"(.*)=(.*)=(.*)=(.*);(?!-)", "=" * 3_000 + ";-"),
    ("a look-ahead repeats what can be divided", r"(?=(a|b|ab)*(a|b|ab)*(a|b)*c)b", "ab" * 50_000),
    ("a repeat within a repeat, anchored", r"^(([a-z])+.)+(?=[A-Z])", "a" * 50_000),
    ("a back-reference divides a run", r"^(a+)(a+)(a+)\1\2\3b", "a" * 4_999 + "b"),
    ("a run is entered anywhere", r"[\w\-]+\-\d+(?=!)", "a-" * 50_000 + "1"),
    ("every match scans to the end", r"(?=A).*!|[A-Z]", "A" * 100_000),
    ("every match scans to the end, on the linear engine", r".*!|[A-Z]", "A" * 30_000),
]

# regex, text: hostile to `re`, finished within the budget here
HARMLESS = [
    (r"([\w\-]+\-\d+)", "a" * 100_000),
    (r"(a+)+$", "a" * 30_000 + "!"),
    (r"(?:[^\s,]+,)*x", "a," * 30_000),
    (r"(.*)*x", "ab " * 1_000),
    (r"(?=(a+))\1b", "a" * 2_000),
    (r"(?i)(?:x+x+)+y", "x" * 30_000),
    (r"\w+\s*\w+@", "a" * 30_000),
    (r"(?s)(?!x).*?,.*?,.*?,.*?,z", ",z" + "a," * 20_000),
    (r"(?!x)(.*)=(.*)=(.*)=(.*);", "=" * 3_000),
    (r"^(?!Q)(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000),
    (r"(a+)(a+)(a+)\1\2\3b", "a" * 5_000),
    (r"(?<!x)[\w\-]+\-\d+!", "a-" * 50_000),
    (r"(.+)\1!", "!" + "ab" * 50_000),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("regex", "text"), [case[1:] for case in EXPLOSIVE], ids=[case[0] for case in EXPLOSIVE])
def test_explosive_pattern_is_stopped_and_reported(regex: str, text: str) -> None:
    """The linker is listed as unfinished, and a harmless linker beside it loses nothing."""
    explosive, harmless = Linker("explosive", regex, HERE), Linker("harmless", "OK-1", HERE)
    linkified = compile_linkers([explosive, harmless]).linkify(text + "\nOK-1")
    assert [unfinished.linker for unfinished in linkified.unfinished] == [explosive]
    assert linkified.unfinished[0].reason == "It took longer than 20 ms."
    assert [link.text for link in linkified.links if link.linker is harmless] == ["OK-1"]


@pytest.mark.sample(5)
@pytest.mark.parametrize(("regex", "text"), HARMLESS)
def test_pattern_that_explodes_elsewhere_is_finished(regex: str, text: str) -> None:
    """Patterns that take `re` minutes finish within a budget of a second."""
    assert not compile_linkers([Linker("k", regex, HERE)], budget=1).linkify(text).unfinished


@pytest.mark.parametrize("regex", [r"\d", r"\d(?=.)"])
def test_links_found_before_the_limit_are_kept(regex: str) -> None:
    """Both engines give the links that they found in time, from the left, and report the limit."""
    ticks = count()
    compiled = compile_linkers([Linker("k", regex, HERE)], budget=10, clock=lambda: next(ticks) * 0.9)
    linkified = compiled.linkify("1 2 3 4 5 6 7 8 9 " * 100)
    texts = [link.text for link in linkified.links]
    assert texts[:3] == ["1", "2", "3"]
    if "(?=" not in regex:  # the bounded engine has its own clock once it is started
        assert len(texts) < 900
        assert linkified.unfinished[0].out_of_time
        assert linkified.unfinished[0].reason == "It took longer than 10000 ms."


@pytest.mark.sample(2)
@pytest.mark.parametrize("regex", [r"\d", r"(?K)", r"\d(?=.)"])
@pytest.mark.parametrize(("microseconds", "ends_by_time"), [(2, False), (50, True)])
def test_matches_that_come_quickly_end_at_the_number_of_links(
    regex: str, microseconds: int, ends_by_time: bool
) -> None:
    """Each match adds to the time: an ordinary linker reaches the limit of links, a hostile one does not."""
    ticks = count()
    linker = Linker("k", regex, HERE, values={str(number) for number in range(10)})
    compiled = compile_linkers([linker], clock=lambda: next(ticks) * microseconds / 1e6)
    linkified = compiled.linkify("1 2 3 4 5 6 7 8 9 " * 2_000)
    assert (len(linkified.links) < 1_000) is ends_by_time
    assert [one.out_of_time for one in linkified.unfinished] == [ends_by_time]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("regex", "key", "count"),
    [
        (r"BB-\d+", "BB-{}", 20_000),
        (r"(?K)-\d+", "BB-{}", 20_000),
        (r"(?K):", "V{}:", 5_000),
        (r"(?m)^(?K)-\d+$", "BB-{}", 20_000),
    ],
)
def test_long_text_loses_no_match_at_the_edges_of_windows(regex: str, key: str, count: int) -> None:
    """A text of many windows gives each of its keys once, also with many different values."""
    values = {"BB", *(f"V{number}" for number in range(10_000))}
    keys = [key.format(number) for number in range(count)]
    text = "\n".join(keys)
    assert len(text) > MAX_WINDOW
    linker = Linker("k", regex, HERE, values=values)
    linkified = compile_linkers([linker], budget=60, max_links=count).linkify(text)
    assert [link.text for link in linkified.links] == keys
    assert not linkified.unfinished


def test_long_text_that_cannot_be_cut_is_matched_exactly() -> None:
    """A match longer than a window is found whole, by the bounded engine."""
    text = "<" + "x \n" * MAX_WINDOW + ">"
    linkified = compile_linkers([Linker("k", r"<[^>]*>", "https://t.example/")], budget=60).linkify(text)
    assert [link.text for link in linkified.links] == [text]


@pytest.mark.parametrize(
    "regex",
    [
        r"(?:[acegikmoqsuwy02468]b)*(?=!)",
        r"(?:(?:(a?){30}){30}b|[acegikmoqsuwy02468])*",
        r"(?:[^\x00]{900}c|[ab]{900}e|\Z)",
    ],
)
def test_any_text_can_be_searched_for_any_pattern(regex: str) -> None:
    """For any pattern, and any text that cannot be cut, there is a way to search."""
    linkers = [Linker("large", regex, "javascript:"), Linker("small", "!", HERE)]
    linkified = compile_linkers(linkers).linkify("ab" * 400_000 + "!")
    assert [link.text for link in linkified.links] == ["!"]


def test_million_values_cost_a_text_nothing() -> None:
    """Values are looked up, never traversed: a set that refuses to be traversed after compiling works."""

    class Values(frozenset[str]):
        walks = 0

        def __iter__(self) -> Iterator[str]:
            Values.walks += 1
            return super().__iter__()

    compiled = compile_linkers([Linker("k", r"(?K)-\d", HERE, values=Values(f"V{n}" for n in range(100_000)))])
    walks = Values.walks
    assert [link.text for link in compiled.linkify("V7-1 W7-1 V100000-1").links] == ["V7-1"]
    assert Values.walks == walks


def test_changed_values_count_from_then_on() -> None:
    """An added or removed value changes the links, in a copy: the linkers it was made from are unchanged."""
    linkers = [Linker("one", r"(?K)-\d", HERE, values={"AA", "BB"}), Linker("two", r"(?K)-\d", HERE, values={"BB"})]
    before = compile_linkers(linkers)
    added = before.with_values(0, added=["CC"])
    removed = added.with_values(0, removed=["BB"])
    text = "AA-1 BB-1 CC-1"

    def owners(compiled: CompiledLinkers) -> list[tuple[str, str]]:
        return [(link.text, link.linker.key) for link in compiled.linkify(text).links if link.linker]

    assert owners(before) == [("AA-1", "one"), ("BB-1", "one")]
    assert owners(added) == [("AA-1", "one"), ("BB-1", "one"), ("CC-1", "one")]
    assert owners(removed) == [("AA-1", "one"), ("BB-1", "two"), ("CC-1", "one")]


def test_linker_whose_last_value_goes_is_one_without_values() -> None:
    """It then links any value, as before its first one; and its first value narrows it again."""
    compiled = compile_linkers([Linker("k", r"(?K)-\d", HERE, values={"AA"})])
    emptied = compiled.with_values(0, removed=["AA"])
    assert [link.text for link in emptied.linkify("AA-1 BB-1").links] == ["AA-1", "BB-1"]
    narrowed = emptied.with_values(0, added=["BB"])
    assert [link.text for link in narrowed.linkify("AA-1 BB-1").links] == ["BB-1"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("latest", "few_beside"), [(256, 64), (2, 0), (2, 1), (0, 2)])
@given(
    changes=st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "B", "b", "a-1", "ab"])), max_size=30),
    ignore_case=st.booleans(),
)
def test_many_changes_come_to_the_same_as_compiling_anew(
    latest: int, few_beside: int, changes: list[tuple[bool, str]], ignore_case: bool
) -> None:
    """For any additions and removals in any order, and any place of the changes, the rest is linked."""
    regex = r"(?i)((?K)-\d)" if ignore_case else r"((?K)-\d)"
    values = {"z"}
    compiled = compile_linkers([Linker("k", regex, HERE, values=values)], budget=10)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("roadstead.linkify.values.layers._LATEST_CHANGES", latest)
        patched.setattr("roadstead.linkify.values.layers._FEW_BESIDE", few_beside)
        for is_added, value in changes:
            values = values | {value} if is_added else values - {value}
            compiled = compiled.with_values(0, **{"added" if is_added else "removed": [value]})
    anew = compile_linkers([Linker("k", regex, HERE, values=values)], budget=10)
    text = "a-1 B-2 b-3 a-1-4 ab-5 A-6 z-7 xb-8"
    assert compiled.linkify(text).links == anew.linkify(text).links


PATTERNS_WITH_VALUES = [r"((?K)-\d+)", r"(?K)(-\d)?", r"\b(?K):.*", r"#(?K)", r"(?K)[ab-]*", r"(?i)(?K)\d"]


@given(
    st.sampled_from(PATTERNS_WITH_VALUES),
    st.lists(st.sets(st.sampled_from(["a", "ab", "a-1", "b", "b_a", "-", "ä"]), min_size=1), min_size=2, max_size=4),
    st.text(st.sampled_from("ab-_1: #ä\n"), max_size=30),
)
def test_linkers_that_share_a_pattern_find_what_each_finds_alone(
    regex: str, sets_of_values: list[set[str]], text: str
) -> None:
    """Running a pattern once for several linkers gives the links of compiling and running each separately."""
    linkers = [
        Linker(str(number), regex, HERE, values=frozenset(values)) for number, values in enumerate(sets_of_values)
    ]
    expected, position = [], 0
    every = {(link.start, link.end) for linker in linkers for link in _matches(linker, text)}
    for start, end in sorted(every, key=lambda span: (span[0], -span[1])):
        if start >= position:
            expected.append((start, end))
            position = end
    found = compile_linkers(linkers, budget=10).linkify(text).links
    assert [(link.start, link.end) for link in found] == expected


def _matches(linker: Linker, text: str) -> tuple[Link, ...]:
    return compile_linkers([linker], budget=10).linkify(text).links


def test_linkers_of_many_workspaces_hash_apart() -> None:
    """One app in a thousand workspaces is a thousand linkers with the same key, which must not share one hash."""
    linkers = {Linker("tickets", r"((?K)-\d+)", r"/\1", principal_uuid=f"{{{number}}}") for number in range(1_000)}
    assert len({hash(linker) for linker in linkers}) > 990


def test_linkers_left_out_link_nothing() -> None:
    """The others continue as before, also one with the same pattern; where one might have matched, the
    reason is given.
    """
    linkers = [Linker(key, "OK-1", HERE) for key in ("one", "two")]
    compiled = compile_linkers(linkers)
    assert compiled.without([Linker("elsewhere", "x", "https://e.example/")], "It is parked.") is compiled
    without_one = compiled.without(linkers[:1], "It is parked.")
    assert [link.linker for link in without_one.linkify("OK-1").links] == [linkers[1]]
    assert without_one.linkify("OK-1").unfinished == (Unfinished(linkers[0], "It is parked."),)
    assert without_one.linkify("OK").unfinished == ()
    without_both = without_one.without(linkers[1:], "It is, too.")
    assert without_both.linkify("OK-1").links == ()
    assert [limit.reason for limit in without_both.linkify("OK-1").unfinished] == ["It is parked.", "It is, too."]


def test_text_beyond_the_limit_is_left_unlinked_and_said_so() -> None:
    """A text that is too long, or has too many links, gives the links of its beginning and the reason."""
    compiled = compile_linkers([Linker("k", r"OK-\d", HERE)], budget=60, max_links=3)
    many = compiled.linkify("OK-1 OK-2 http://x.example OK-3")
    assert [link.text for link in many.links] == ["OK-1", "OK-2", "http://x.example"]
    assert [(one.linker, one.reason) for one in many.unfinished] == [(None, "Only the first 3 links were made.")]
    text = "OK-1" + " " * (MAX_TEXT - 6) + "OK-2"
    long = compiled.linkify(text)
    assert [link.text for link in long.links] == ["OK-1"]
    assert long.unfinished[0].reason == f"Only the first {MAX_TEXT - 2} characters were read."
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in long.pieces()) == text


def test_too_many_values_for_the_bounded_engine_are_reported() -> None:
    """A look-around pattern stops at a text with more different values than its engine may get in one program."""
    values = {f"V{number:04}" for number in range(MAX_VALUE_CHARS // 6 + 1)}
    compiled = compile_linkers([Linker("k", r"(?<!x)(?K):", HERE, values=values)], budget=60)
    linkified = compiled.linkify(" ".join(f"{value}:" for value in values))
    assert linkified.links == ()
    assert linkified.unfinished[0].reason == "Too many different values occur in the text."


def test_back_reference_that_ignores_case_is_followed_in_ascii_only() -> None:
    """Beyond ASCII the engines fold case differently, so the linker says so instead of guessing."""
    compiled = compile_linkers([Linker("k", r"(?i)(\w)\1-1", HERE)])
    assert [link.text for link in compiled.linkify("aA-1").links] == ["aA-1"]
    assert compiled.linkify("aA-1 é").unfinished[0].reason.startswith("A back-reference that ignores case")


@pytest.mark.parametrize(
    "regex",
    [
        "(" * 500 + ")" * 500,
        "(?:" * 300 + "a" + ")" * 300,
        "()" * 100,
        "(?K)" * 100,
        "a" * 1_025,
        "(?:(?:(?:a{99}){99}){99}){99}",
        "(?=a{1000000})",
    ],
)
def test_oversized_pattern_is_refused(regex: str) -> None:
    """Depth, groups, length and unfolded size have limits, and exceeding them is not a crash."""
    with pytest.raises(InvalidPattern):
        check_linker(Linker("k", regex, "/"))


@pytest.mark.parametrize(
    "regex",
    [r"(?:ab|c){1001}", r"(?:a?){1001}", r"(?:(?:(?:a{0,99}){99}){0,99}){9}", "(?i)" + r"[\x00-\U0010ffff]" * 40],
)
def test_enormous_pattern_is_usable_or_refused_at_once(regex: str) -> None:
    """A short pattern that unfolds to an enormous program neither crashes nor is left out silently."""
    assert not compile_linkers([Linker("k", regex, HERE)], budget=1).linkify("aaa é").unfinished


PATTERNS = [r"\w+", r"(?K)-?\d*", r"(?<=a)\w", r"[^a]", r"(?i)(?K)", r"\b.\b", r"(?s).{2}"]


@given(st.text(st.characters(), max_size=60), st.sets(st.sampled_from(PATTERNS), min_size=1))
def test_pieces_joined_give_the_text(text: str, regexes: set[str]) -> None:
    """Of any text, lone surrogates included, nothing is lost, and links are at their stated places."""
    linkers = [Linker(regex, regex, "https://t.example/", values={"a", "ſ"}) for regex in sorted(regexes)]
    linkified = compile_linkers(linkers, budget=10).linkify(text)
    pieces = [piece if isinstance(piece, str) else piece.text for piece in linkified.pieces()]
    assert "".join(pieces) == text
    for link in linkified.links:
        assert text[link.start : link.end] == link.text
        assert link.text


def test_pieces_are_never_empty() -> None:
    """Nothing comes between links that touch, nor before a link at the start or after one at the end."""
    linkified = compile_linkers([Linker("k", r"\d", HERE)]).linkify("12")
    assert [piece if isinstance(piece, str) else piece.text for piece in linkified.pieces()] == ["1", "2"]


@pytest.mark.parametrize("text", ["://", "é://", "9+://", "a://?", "http://", "mailto:"])
def test_text_is_gone_through_once_for_its_addresses(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any number of URL marks in a row, the end of a URL is searched once in each part of the text."""
    looked_at: list[tuple[int, int]] = []

    def watched(chars: str, start: int) -> int:
        end = find_end(chars, start)
        looked_at.append((start, end))
        return end

    find_end = addresses._trimmed_end
    monkeypatch.setattr(addresses, "_trimmed_end", watched)
    list(addresses.addresses(text * 100))
    assert all(end <= later for (_, end), (later, _) in pairwise(looked_at))
    assert len(looked_at) <= 1
