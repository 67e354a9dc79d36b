"""Linked Markdown: only its texts, where a reader of Markdown sees them."""

import re
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from roadstead.linkify import Linker, LinkifiedMarkdown, Unfinished, compile_linkers, explain_markdown, linkify_markdown
from roadstead.linkify.budget import Budget
from roadstead.linkify.documents import markdown_input

TICKETS = Linker("tickets", r"((?K)-\d+)", r"https://t.example/\1", values={"BB"})
LINKERS = compile_linkers([TICKETS, Linker("marks", r"a[*_\[\]<&].", r"https://m.example/\g<0>")], budget=10)
LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\(https://t\.example/[^)]*\)")


def linked(text: str) -> LinkifiedMarkdown:
    result = linkify_markdown(LINKERS, text)
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in result.pieces()) == text
    assert all(text[link.start : link.end] == link.text for link in result.links)
    return result


@pytest.mark.parametrize(
    "text",
    [
        "see [BB-1](https://x.example/y) and [the *BB-1* one](<x> 'BB-1')",
        "`BB-1` ``a ` BB-1`` `over\nBB-1 lines`",
        "[BB-1]: https://x.example/y\n[x BB-1]:\n  <https://x.example/BB-1>\n  'a title BB-1'\n",
        "[BB-1], [BB-1][], [text BB-1][BB-1]\n\n[bb-1]: https://x.example/y",
        "![BB-1](https://x.example/y) ![BB-1][r] [![BB-1](x)](y)\n\n[r]: z 'BB-1'",
        "<https://x.example/BB-1> <BB-1@x.example>",
        "<b title='BB-1'>x</b> <!-- BB-1 --> <?BB-1?> <![CDATA[BB-1]]>",
        "x <a href='y'>BB-1 *BB-1*</a> <code>BB-1</code> <KBD>BB-1</KBD> <pre>BB-1</pre> x",
        "<div>\nBB-1\n</div>\n\n<pre>\n\nBB-1\n</pre>",
        "<!-- BB-1\n\nBB-1 -->",
        "    BB-1\n\n- x\n\n      BB-1",
        "```BB-1\nBB-1\n```\n\n~~~~\nBB-1\n~~~\nBB-1\n~~~~\n\n> ```\n> BB-1\n",
        "---\ntitle: BB-1\n---\n",
        "---\r\nid: BB-1\r\n...\r\n\r\n`BB-1`",
    ],
)
def test_what_is_more_than_text_stays(text: str) -> None:
    """Links, code, definitions, images, HTML and front matter are unchanged."""
    assert linked(text).markdown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BB-1", "<BB-1>"),
        ("# BB-1\n\n## BB-2 ##\n\nBB-3\n====\n", "# <BB-1>\n\n## <BB-2> ##\n\n<BB-3>\n====\n"),
        ("> BB-1\nBB-2\n> > BB-3", "> <BB-1>\n<BB-2>\n> > <BB-3>"),
        ("- BB-1\n  BB-2\n\n  1. BB-3\n\tBB-4\n", "- <BB-1>\n  <BB-2>\n\n  1. <BB-3>\n\t<BB-4>\n"),
        ("- # BB-1\n> - ## BB-2 ##  ", "- # <BB-1>\n> - ## <BB-2> ##  "),
        ("a\tBB-1  \r\n  BB-2\rBB-3\\\nBB-4", "a\t<BB-1>  \r\n  <BB-2>\r<BB-3>\\\n<BB-4>"),
        ("*BB-1* **BB-2** _BB-3_ ***BB-4***, (**BB-5**)", "*<BB-1>* **<BB-2>** _<BB-3>_ ***<BB-4>***, (**<BB-5>**)"),
        ("~~BB-1~~ | BB-2 |\n|--|--|\n| BB-3 | `BB-4` |", "~~<BB-1>~~ | <BB-2> |\n|--|--|\n| <BB-3> | `BB-4` |"),
        ("fix_BB-1_x 2*BB-2 [WIP]BB-3 <BB-4 &BB-5;", "fix_<BB-1>_x 2*<BB-2> [WIP]<BB-3> <<BB-4> &<BB-5>;"),
        ("&amp;BB-1 \\*BB-2 \\BB-3 \\\\BB-4 !BB-5", "&amp;<BB-1> \\*<BB-2> \\\\<BB-3> \\\\<BB-4> \\!<BB-5>"),
        ("x&eacute;BB-1 é\u0301BB-2", "x&eacute;BB-1 é\u0301BB-2"),
        ("[x](y)BB-1 `x`BB-2 <i>BB-3</i> </a>BB-4", "[x](y)<BB-1> `x`<BB-2> <i><BB-3></i> </a><BB-4>"),
        ("`BB-1 and [BB-2 and ![BB-3", "`<BB-1> and [<BB-2> and ![<BB-3>"),
        ("[BB-1]\n\n[other]: https://x.example/BB-1", "[<BB-1>]\n\n[other]: https://x.example/BB-1"),
        ("BB-1\n\n---\n\nBB-2\n", "<BB-1>\n\n---\n\n<BB-2>\n"),
        ("\0BB-1 \ud800 [\udcff](\udcff) BB-2 \x0c BB-3", "\0<BB-1> \ud800 [\udcff](\udcff) <BB-2> \x0c <BB-3>"),
        ("BB\\-1 BB&#45;2", "<BB\\-1> <BB&#45;2>"),
    ],
)
def test_texts_are_linked_wherever_they_stand(text: str, shown: str) -> None:
    """In paragraphs, headings, quotes, lists and tables, beside marks and escapes; `<…>` means a link here."""
    assert LINK.sub(r"<\1>", linked(text).markdown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "fix**BB-1**now",
        "_see fix_BB-1 and x_",
        "BB-1_x y_",
        "**x (**BB-1**) y**",
        "[foo]BB-1\n\n[foo]: x\n[BB-1]: y",
    ],
)
def test_match_that_would_change_what_marks_mean_is_left_alone(text: str) -> None:
    """Beside the brackets of a link such a mark would open, close, or be part of a link."""
    assert linked(text).markdown == text


def test_addresses_become_links_of_markdown() -> None:
    """Written as a reader of Markdown sees them, escapes included; nothing inside one is linked."""
    result = linked("at https://x.example/a\\_b?x=1&amp;y, https://x.example/é")
    assert [link.url for link in result.links] == ["https://x.example/a_b?x=1&y", "https://x.example/%C3%A9"]
    assert result.markdown == "at <https://x.example/a_b?x=1&y>, [https\\://x.example/é](https://x.example/%C3%A9)"
    assert [link.text for link in result.links] == ["https://x.example/a\\_b?x=1&amp;y", "https://x.example/é"]


FRAGMENTS = [
    *("BB-1", "BB-2", "a_b", "a*b", "a[b", "a]b", "x", "é", "修", " ", " ", "\n", "\n", "\n\n", "  \n", "\\\n", "\t"),
    *(
        "*",
        "**",
        "_",
        "__",
        "`",
        "``",
        "[",
        "]",
        "](x)",
        "][r]",
        "![",
        "(",
        ")",
        "<",
        ">",
        "<a>",
        "</a>",
        "<b>",
        "<!--",
        "-->",
    ),
    *(
        "\\",
        "\\*",
        "&amp;",
        "&",
        "!",
        "# ",
        "> ",
        "- ",
        "1. ",
        "    ",
        "```\n",
        "---\n",
        "===\n",
        "~",
        "|",
        "https://x.example/a",
    ),
    *("\n[r]: https://x.example/r\n", "\n[BB-1]: y\n", "<div>\n", "\r\n", "\0"),
]


def seen(tokens: list[Token], hidden: set[str]) -> list[object]:
    """Return what a reader sees, without the links whose targets are hidden."""
    parts: list[object] = []
    for token in tokens:
        if token.type != "inline":
            parts.append((token.type, token.tag, token.map, token.content, token.info))
            continue
        ours: list[bool] = []
        inline: list[tuple[str, ...]] = []
        for child in token.children or []:
            if child.type == "link_open":
                ours.append(child.attrs["href"] in hidden)
            if child.type == "text":
                inline.append(("text", child.content))
            elif not (child.type in ("link_open", "link_close") and ours[-1]):
                inline.append((child.type, child.tag, child.content, str(child.attrs)))
            if child.type == "link_close":
                ours.pop()
        for kind, some in groupby(inline, lambda one: one[0]):
            ones = list(some)
            parts.append("".join(one[1] for one in ones) if kind == "text" else ones)
    return parts


def count_links(tokens: list[Token]) -> int:
    return sum(child.type == "link_open" for token in tokens for child in token.children or [])


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join))
def test_reader_of_markdown_sees_the_same_and_the_links(text: str) -> None:
    """Over random Markdown, its structure and its text stay, and only the links are added."""
    result = linked(text)
    reader = MarkdownIt("commonmark")
    before, after = reader.parse(text), reader.parse(result.markdown)
    urls = [reader.normalizeLink(link.url) for link in result.links]
    hidden = {*urls, *(url.replace("(", "%28").replace(")", "%29") for url in urls)}
    front_matter = text.startswith("---\n")  # CommonMark does not define it
    assert front_matter or seen(after, hidden) == seen(before, hidden)
    assert front_matter or count_links(after) == count_links(before) + len(result.links)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join))
def test_links_are_in_text_alone(text: str) -> None:
    """Linked text is in the text of the document, as a reader sees it, and not in a link of the source."""
    visible: list[str] = []
    for token in MarkdownIt("commonmark").parse(text):
        depth = 0
        for child in token.children or []:
            depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not depth:
                visible.append(child.content)
    for link in linked(text).links:
        if link.linker is TICKETS:
            assert any(link.text in some for some in visible)


@given(st.text(st.characters(), max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    """Any characters are read, and written again."""
    assert linked(text).markdown == text or linked(text).links


@pytest.mark.slow
def test_limits_are_those_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many links, too long a document and too long a time are reported; earlier links stay."""
    monkeypatch.setattr(markdown_input, "SECONDS", 10)  # a busy machine needs more than usual
    many = linked("BB-1\n\n" * 10_001)
    assert (len(many.links), [one.reason for one in many.unfinished]) == (
        10_000,
        ["Only the first 10000 links were made."],
    )
    monkeypatch.setattr(markdown_input, "MAX_TEXT", 12)
    assert [one.reason for one in linked("BB-1\nBB-2\nBB-3\n").unfinished] == [
        "Only the first 10 characters were read."
    ]
    assert [link.text for link in linked("BB-1\nBB-2\nBB-3\n").links] == ["BB-1", "BB-2"]
    monkeypatch.undo()
    monkeypatch.setattr(markdown_input, "SECONDS", 0)
    late = linked("BB-1\n\nBB-2")
    assert (late.links, late.unfinished) == ((), (Unfinished(None, "Reading the Markdown took longer than 0 s."),))
    assert late.markdown == late.text


def test_time_is_looked_at_wherever_reading_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a paragraph of many lines, one of many brackets, and over many blocks."""
    looks = 0

    class Counting(Budget):
        def check(self) -> None:
            nonlocal looks
            looks += 1

    monkeypatch.setattr(markdown_input, "Budget", Counting)
    for text in ("a\n" * 1000, "[" * 1000, "a\n\n" * 1000, "> a\n" * 1000, "[a\n" * 1000, "- a\n" * 1000, "`a " * 1000):
        looks = 0
        linked(text)
        assert looks >= 1000, text[:6]


def test_explanation_says_what_is_no_text() -> None:
    """A candidate in code or a link is not a link, one that is seen only between marks is added, and links
    are counted.
    """
    any_key = compile_linkers([Linker("any", r"[\w\-]+-\d", r"https://t.example/\g<0>")])
    explanation = explain_markdown(any_key, "A-1 `A-2` [A-3](x) _A-4_ https://x.example/")
    assert explanation.linkified == linkify_markdown(any_key, explanation.linkified.text)
    assert [(one.text, one.url is not None, one.reason.partition(" ")[0]) for one in explanation.candidates] == [
        ("A-1", True, "Its"),
        ("A-2", False, "It"),
        ("A-3", False, "It"),
        ("_A-4", False, "It"),
        ("A-4", True, "Its"),
        ("https://x.example/", True, "It"),
    ]
    assert [(tried.candidates, tried.links) for tried in explanation.linkers] == [(4, 2)]
