"""A terminal's text: its escape sequences are not text, and pass unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.linkify import Linker, Linkified, compile_linkers, explain, render_terminal
from roadstead.linkify.text.escapes import visible

LINKERS = compile_linkers(
    [
        Linker("tickets", r"((?K)-\d+)", r"https://t.example/\1", values={"BB"}),
        Linker("mail", r"to \w+", r"mailto:\g<0>@t.example"),
    ]
)
ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
COMPLETE = [
    *(
        "\x1b[m",
        "\x1b[33m",
        "\x1b[0;1;38;2;1;2;3m",
        "\x1b[4:3m",
        "\x1b[K",
        "\x1b[?25l",
        "\x1b[>4;2m",
        "\x1b[0 q",
        "\x9b31m",
    ),
    *("\x1b]0;BB-7\x07", "\x1b]2;BB-7\x1b\\", "\x1b]133;A\x9c", "\x9d0;BB-7\x07", "\x1b]8;;\x1b\\"),
    *("\x1bPq#0;2;0;0;0BB-7\x1b\\", "\x1b_GBB-7\x1b\\", "\x1b^BB-7\x1b\\", "\x1bXBB-7\x1b\\", "\x90q\x9c"),
    *("\x1b(B", "\x1b)0", "\x1b7", "\x1bM", "\x1b=", "\x1bc", "\x1b#8", "\x1b%G", "\x1b\\"),
]


def links(text: str) -> list[tuple[str, str]]:
    linkified = LINKERS.linkify(text)
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in linkified.pieces()) == text
    assert all(text[link.start : link.end] == link.text for link in linkified.links)
    return [(link.text, link.url) for link in linkified.links]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[33mBB-1\x1b[m", ["BB-1"]),
        ("\x1b[31mBB-1\x1b(B\x1b[m, \x1b[1mBB-2\x1b[m", ["BB-1", "BB-2"]),
        ("\x1b]0;title BB-7\x07BB-1 \x1bPBB-7\x1b\\BB-2", ["BB-1", "BB-2"]),
        ("\x1b[1;31m\x1b[KBB\x1b[m\x1b[K-1 matched by grep", ["BB\x1b[m\x1b[K-1"]),
        ("\x1b[33mBB-\x1b[m1 \x1b[33mA\x1b[mBB-2", ["BB-\x1b[m1"]),
        ("see \x1b[4mhttps://x.example/\x1b[31mBB-1\x1b[m, BB-2", ["https://x.example/\x1b[31mBB-1", "BB-2"]),
        ("git+\x1b[1mhttps://x.example/BB-1\x1b[m", []),
    ],
)
def test_text_is_matched_around_the_sequences(text: str, expected: list[str]) -> None:
    """Colours neither prevent a match nor make one, also if they change within a key or an address."""
    assert [shown for shown, _ in links(text)] == expected


@pytest.mark.parametrize("end", [ST, BEL, "\x9c"])
def test_hyperlink_that_is_there_is_left_alone(end: str) -> None:
    """Neither its text nor a match that reaches into it becomes a link; a match beside it does."""
    text = f"BB-1 {ESC}]8;id=1;https://x.example{end}\x1b[1mBB-2\x1b[m https://y.example{ESC}]8;;{end} BB-3"
    assert [shown for shown, _ in links(text)] == ["BB-1", "BB-3"]
    assert links(f"B{ESC}]8;;https://x.example{end}B-1{ESC}]8;;{end}-1") == []
    assert links(f"{ESC}]8;;https://x.example{end}BB-1 {ESC}]8;;https://y.example{end}BB-2") == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("\x1b[33", "BB-1"),
        ("\x1b[", "BB-1"),
        ("\x1b", "BB-1"),
        ("\x1b]0;BB-7", "BB-1"),
        ("\x1bPBB-7", "BB-1"),
        ("\x1b]8;;https://x.example BB-7", "BB-1"),
    ],
)
def test_broken_sequence_ends_with_its_line(broken: str, expected: str) -> None:
    """An incomplete sequence hides no more than the rest of the line, and passes unchanged."""
    text = f"{broken}\n{expected}"
    linked = [shown for shown, _ in links(text)]
    assert linked == ([] if "]8;" in broken else [expected])


def test_sequence_of_any_length_does_not_hide_what_follows() -> None:
    """A control sequence has a limited number of parameters; more of them are text."""
    assert [shown for shown, _ in links(f"\x1b[{';' * 10_000}! BB-1")] == ["BB-1"]


@pytest.mark.parametrize("sequence", ["\x9b31m", *(f"{opening}q\x9c" for opening in "\x90\x98\x9d\x9e\x9f")])
def test_sequence_that_opens_with_one_byte_is_no_text(sequence: str) -> None:
    """It is removed also if it is the only sequence of a text, so that the text around it is one word."""
    assert links(f"x{sequence}BB-1") == []


TEXT = st.lists(
    st.sampled_from(["BB-1", "BB", "-", "1", " ", "to", "x", "é", "https://x.example/", "git+"]), max_size=12
)


@given(
    TEXT.flatmap(
        lambda words: st.tuples(*(st.tuples(st.just(word), st.sampled_from(["", *COMPLETE])) for word in words))
    )
)
def test_links_are_those_of_what_is_visible(words: tuple[tuple[str, str], ...]) -> None:
    """With complete sequences at any place, the links are those of the text without them."""
    text = "".join(sequence + word for word, sequence in words)
    plain = "".join(word for word, _ in words)
    assert visible(text).text == plain
    assert [url for _, url in links(text)] == [url for _, url in links(plain)]


@given(st.text(st.sampled_from("\x1b\x9b\x9d\x9c[]8;m\\\x07PBB-1 \n:/hpst.x"), max_size=40))
def test_nothing_is_lost_whatever_is_broken(text: str) -> None:
    """The pieces joined are the text, and a terminal shows the text with our links."""
    found = links(text)
    shown = render_terminal(LINKERS.linkify(text), underline=True)
    for link, url in found:
        shown = shown.replace(f"\x1b[4m\x1b]8;;{url}\x1b\\{link}\x1b]8;;\x1b\\\x1b[24m", link)
    assert shown == text


def shown(text: str, *, underline: bool = True) -> str:
    return render_terminal(LINKERS.linkify(text), underline=underline).replace(ESC, "E")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BB-1 x", "E[4m<BB-1>E[24m x"),
        ("\x1b[33mBB-1\x1b[m", "E[33mE[4m<BB-1>E[24mE[m"),
        ("\x1b[33mBB-\x1b[m1", "E[33mE[4m<BB-E[mE[4m1>E[24m"),
        ("\x1b[1;31m\x1b[KBB\x1b[m\x1b[K-1", "E[1;31mE[KE[4m<BBE[mE[4mE[K-1>E[24m"),
        ("\x1b[4mBB-1 x\x1b[m", "E[4mE[4m<BB-1> xE[m"),
        ("\x1b[4;38;5;24mBB-1\x1b[24m BB-1", "E[4;38;5;24mE[4m<BB-1>E[24m E[4m<BB-1>E[24m"),
        ("\x1b[48;2;4;4;4mBB-1", "E[48;2;4;4;4mE[4m<BB-1>E[24m"),
        ("B\x1b[2JB-1 BB\x1b]0;t\x07-1", "BE[2JB-1 BBE]0;t\x07-1"),
    ],
)
def test_link_is_underlined_and_colours_stay(text: str, expected: str) -> None:
    """Underlined from its first to its last character, and not beyond, unless the text itself is."""
    link = "https://t.example/BB-1"
    assert shown(text).replace(f"E]8;;{link}E\\", "<").replace("E]8;;E\\", ">") == expected
    assert shown(text, underline=False).replace(f"E]8;;{link}E\\", "").replace("E]8;;E\\", "") == text.replace(ESC, "E")


def test_explanation_is_of_what_is_visible() -> None:
    """Candidates have their place in the whole text, and a candidate in a hyperlink says so."""
    text = f"\x1b[33mBB-\x1b[m1 {ESC}]8;;https://x.example{ST}BB-2{ESC}]8;;{ST} ssh://x/BB-3"
    explanation = explain(LINKERS, text)
    assert explanation.linkified == LINKERS.linkify(text) != Linkified(text, ())
    assert [(text[one.start : one.end], one.text, one.reason) for one in explanation.candidates] == [
        ("BB-\x1b[m1", "BB-\x1b[m1", "Its pattern matches, and 'BB' is stored."),
        ("BB-2", "BB-2", "It is part of a hyperlink that the text has already."),
        ("BB-3", "BB-3", "It is part of the address 'ssh://x/BB-3'."),
    ]
