"""Links written as HTML, as Markdown, and for a terminal."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from roadstead.linkify import Linker, Linkified, compile_linkers, render_html, render_markdown, render_terminal

TICKETS = Linker(
    key="tickets",
    regex=r"BB-\d+|<.>|\[.\]|`.`|\*.\*|_._|&\w+;|=\s=",
    url=r"https://t.example/b?k=\g<0>&x",
    app_key="com.acme.<app>",
    principal_uuid="{0a1b}",
)


def linkified(text: str) -> Linkified:
    return compile_linkers([TICKETS], budget=10).linkify(text)


def test_html_link_carries_the_attributes_of_the_cloud() -> None:
    """The attributes are those of Bitbucket's own answers, each of them escaped."""
    assert render_html(linkified("<br>&BB-1")) == (
        '&lt;br&gt;&amp;<a href="https://t.example/b?k=BB-1&amp;x" rel="nofollow" class="ap-connect-link"'
        ' target="_blank" data-module-key="tickets" data-link-key="tickets" data-app-key="com.acme.&lt;app&gt;"'
        ' data-principal-uuid="{0a1b}">BB-1</a>'
    )


def test_html_of_a_bare_url_is_a_plain_link() -> None:
    """A bare URL carries no linker's attributes."""
    assert render_html(linkified("http://a.example/?x=1&y")) == (
        '<a href="http://a.example/?x=1&amp;y" rel="nofollow" class="ap-connect-link">http://a.example/?x=1&amp;y</a>'
    )


def test_html_leaves_out_what_a_linker_does_not_know() -> None:
    """A linker without an app has no attributes for it."""
    html = render_html(compile_linkers([Linker("k", "a", "https://t.example/")]).linkify("a"))
    assert "data-app-key" not in html
    assert "data-principal-uuid" not in html


class Elements(HTMLParser):
    """Collects what a browser would make of HTML: its text, and the names of its elements."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.names: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


AWKWARD = ["BB-1", "<a>", "&lt;", '"', "'", "http://a.example/'\"><x>", "[x]", "!", "\\", "`"]
hostile_text = st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(max_size=5))).map("".join)


@given(hostile_text)
def test_html_holds_nothing_but_links_and_the_text(text: str) -> None:
    """A parser finds the text again, and only links as elements."""
    shown = linkified(text)
    elements = Elements(render_html(shown))
    assert elements.names == ["a"] * len(shown.links)
    assert elements.text == text


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("see BB-1.", "see [BB-1](https://t.example/b?k=BB-1&x)."),
        ("**bold** [xy](z) BB-1", "**bold** [xy](z) [BB-1](https://t.example/b?k=BB-1&x)"),
        ("[x]", r"[\[x\]](https://t.example/b?k=%5Bx%5D&x)"),
        ("<x>", r"[\<x\>](https://t.example/b?k=%3Cx%3E&x)"),
        ("`x`", r"[\`x\`](https://t.example/b?k=%60x%60&x)"),
        ("&amp;", r"[\&amp;](https://t.example/b?k=%26amp%3B&x)"),
        ("=\n=", "[=&#10;=](https://t.example/b?k=%3D%0A%3D&x)"),
        ("Wow!BB-1", r"Wow\![BB-1](https://t.example/b?k=BB-1&x)"),
        (r"Wow\!BB-1", r"Wow\![BB-1](https://t.example/b?k=BB-1&x)"),
        ("a\\BB-1", r"a\\[BB-1](https://t.example/b?k=BB-1&x)"),
        ("a\\\\BB-1", r"a\\[BB-1](https://t.example/b?k=BB-1&x)"),
        ("at http://a.example/b", "at <http://a.example/b>"),
        ("at http://a.example/é", "at [http\\://a.example/é](http://a.example/%C3%A9)"),
    ],
)
def test_markdown_links_and_leaves_the_rest(text: str, markdown: str) -> None:
    """Links are written so that nothing in their text is Markdown; the rest is unchanged."""
    assert render_markdown(linkified(text)) == markdown


@pytest.mark.parametrize(
    "text",
    ["BB-1", "!BB-1", "\\BB-1", "x\\!BB-1", "[x]", "<x>", "`x`", "*x*", "_x_", "&amp;", "a http://a.example/é_b_"],
)
def test_markdown_reader_finds_the_link_again(text: str) -> None:
    """A CommonMark reader finds one link of each, with its text and its target."""
    shown = linkified(text)
    (link,) = shown.links
    tokens = MarkdownIt("commonmark").parseInline(render_markdown(shown))[0].children or []
    assert [token.attrs["href"] for token in tokens if token.type == "link_open"] == [link.url]
    opened = [token.type for token in tokens].index("link_open")
    closed = [token.type for token in tokens].index("link_close")
    assert "".join(token.content for token in tokens[opened:closed]) == link.text


def test_terminal_link_is_an_osc_8_hyperlink() -> None:
    """The link is opened and closed around its text; everything else is unchanged."""
    assert render_terminal(linkified("fix BB-1\n")) == (
        "fix \x1b]8;;https://t.example/b?k=BB-1&x\x1b\\BB-1\x1b]8;;\x1b\\\n"
    )


@pytest.mark.parametrize("text", ["`\x07`", "`\x9c`", "`\r`", "`x\x1b[2J`"])
def test_terminal_text_with_control_characters_is_not_linked(text: str) -> None:
    """Control characters inside a link's text could end it or open another, so such a match stays plain."""
    shown = linkified(text)
    assert shown.links
    assert render_terminal(shown) == text


@given(hostile_text)
def test_terminal_output_without_hyperlinks_is_the_text(text: str) -> None:
    """Removing our sequences gives the text again, for any text."""
    stripped = re.sub(r"\x1b\]8;;(?:https?://[!-~]*)?\x1b\\", "", render_terminal(linkified(text)))
    assert stripped == text
