"""HTML in, safe HTML with links out."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import nh3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from roadstead.linkify import Linker, compile_linkers, linkify_html
from roadstead.linkify.documents.elements import ATTRIBUTES, ELEMENTS
from roadstead.linkify.documents.markup import MAX_ATTRIBUTE, MAX_DEPTH

HERE = r"https://t.example/\g<0>"
TICKETS = Linker("tickets", r"((?K)-\d+)", HERE, values={"BB", "É"}, app_key="com.acme.<app>", principal_uuid="{0a1b}")
LINKERS = compile_linkers([TICKETS], budget=10)
NO_LINKERS = compile_linkers([])
OURS = {"target", "data-module-key", "data-link-key", "data-app-key", "data-principal-uuid"}


def shown(html: str) -> str:
    """Return the linked HTML with each of the linker's own links written as `[text]`."""
    made = linkify_html(LINKERS, html).html
    opening = (
        '" rel="nofollow" class="ap-connect-link" target="_blank" data-module-key="tickets" data-link-key="tickets"'
        ' data-app-key="com.acme.&lt;app&gt;" data-principal-uuid="{0a1b}">'
    )
    pieces = made.split('<a href="https://t.example/')
    rest = [piece.split(opening, 1)[1].replace("</a>", "]", 1) for piece in pieces[1:]]
    return "[".join([pieces[0], *rest])


def nodes(html: str) -> Iterator[LexborNode]:
    """Yield every element and text that a browser would make of the HTML."""
    body = LexborHTMLParser(html).body
    assert body is not None
    found = body.traverse(include_text=True)
    next(found)
    yield from found


def text_of(html: str) -> str:
    return "".join(node.text_content or "" for node in nodes(html) if node.tag == "-text")


TEXTS = st.lists(
    st.sampled_from(
        ("BB-1", "A-1", "abcdef1", " ", "\n", "\r", "\0", "\xa0", "\ud800", "&", "&amp;", "&quot;", "&lt;", '"')
    )
    | st.sampled_from(("'", ">", "&#66;B-2", "&#0;", f"&#{'9' * 200};", "https://h.example/", "</p>\n<p>", "1;")),
    max_size=8,
).map("".join)


@given(TEXTS)
@example("\r")
@example("BB-1 &amp; &quot;A-1&quot;</p>\n<p>abcdef1")
def test_plain_paragraphs_are_linked_as_any_other_elements(text: str) -> None:
    """A comment after them changes nothing, although such HTML is read and made safe element by element."""
    html, references = f"<p>{text}</p>", {"abcdef1": "https://h.example/abcdef1"}
    for linkers in (LINKERS, NO_LINKERS):
        assert linkify_html(linkers, html, references) == linkify_html(linkers, f"{html}<!-- -->", references)


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("fixes BB-1 &amp; co", "fixes [BB-1] &amp; co"),
        ("<p>BB-1</p>\n<p>not A-1</p>", "<p>[BB-1]</p>\n<p>not A-1</p>"),
        ("<em>BB-1</em> <strong>BB-2</strong>", "<em>[BB-1]</em> <strong>[BB-2]</strong>"),
        ("<ul><li>BB-1</li></ul><h1>BB-2</h1>", "<ul><li>[BB-1]</li></ul><h1>[BB-2]</h1>"),
        ("<del>BB-1</del><sub>BB-2</sub><br>BB-3<hr>", "<del>[BB-1]</del><sub>[BB-2]</sub><br>[BB-3]<hr>"),
        ("<blockquote><p>BB-1</p></blockquote>", "<blockquote><p>[BB-1]</p></blockquote>"),
        (
            "<table><tbody><tr><td align='right'>BB-1</td></tr></tbody></table>",
            '<table><tbody><tr><td align="right">[BB-1]</td></tr></tbody></table>',
        ),
        ("<code>BB-1</code> BB-2", "<code>BB-1</code> [BB-2]"),
        ("<pre>\n\nBB-1\n</pre>", "<pre>\n\nBB-1\n</pre>"),
        ("<pre><b>BB-1</b></pre><b>BB-2</b>", "<pre><b>BB-1</b></pre><b>[BB-2]</b>"),
        ("<kbd>BB-1</kbd><samp>BB-2</samp><tt>BB-3</tt><var>BB-4</var>",) * 2,
        ('<a href="/x" rel="nofollow"><b>BB-1</b></a>', '<a href="/x" rel="nofollow"><b>BB-1</b></a>'),
        ("B&#66;-1 &#xC9;-2 &Eacute;-3", "[BB-1] [É-2] [É-3]"),
        ("BB<!-- hm -->-1 BB<x-y>-2</x-y>", "[BB-1] [BB-2]"),
        ("BB<b>-1</b> <b>BB</b>-2", "BB<b>-1</b> <b>BB</b>-2"),
        ("<b>A</b>BB-1 ABB-2", "<b>A</b>[BB-1] ABB-2"),
        ("1 < 2 BB-1 & <3", "1 &lt; 2 [BB-1] &amp; &lt;3"),
        ("<p>BB-1<p>BB-2<ul><li>BB-3<li>BB-4", "<p>[BB-1]</p><p>[BB-2]</p><ul><li>[BB-3]</li><li>[BB-4]</li></ul>"),
        ("<dl><dt>BB-1<dd>BB-2</dl>", "<dl><dt>[BB-1]</dt><dd>[BB-2]</dd></dl>"),
        (
            "<table><tr><th>BB-1<td>BB-2<tr><td>BB-3</table>",
            "<table><tbody><tr><th>[BB-1]</th><td>[BB-2]</td></tr><tr><td>[BB-3]</td></tr></tbody></table>",
        ),
        ("<i><b>BB-1</i>BB-2</b>", "<i><b>[BB-1]</b></i>[BB-2]"),
        ("</b></p>BB-1", "[BB-1]"),
        ("<b title='BB-1'>BB-2", "<b>[BB-2]</b>"),
        ("<button>BB-1</button><select><option>BB-1</select><textarea><b>BB-1</b></textarea>BB-2", "[BB-2]"),
        ("BB-1\0 B\0B-2 <b\0>BB-3", "[BB-1] [BB-2] [BB-3]"),
        ("BB-1 \ud800 <a href='/\udfff'>x</a>", '[BB-1] \ud800 <a href="/\ufffd" rel="nofollow">x</a>'),
        ("", ""),
    ],
)
def test_texts_are_linked_where_they_stand(html: str, expected: str) -> None:
    """Each text is linked separately, code and links are unchanged, and broken HTML is corrected."""
    assert shown(html) == expected


def test_bare_urls_in_texts_become_links() -> None:
    """As in plain text; in a link or in code they stay."""
    html = linkify_html(LINKERS, "at https://a.example/?x=1&amp;y <code>https://a.example/</code>").html
    url = "https://a.example/?x=1&amp;y"
    assert (
        html == f'at <a href="{url}" rel="nofollow" class="ap-connect-link">{url}</a> <code>https://a.example/</code>'
    )


@pytest.mark.parametrize(
    "html",
    [
        '<h1 id="markdown-header-title">Title</h1>',
        '<div class="codehilite language-c++"><pre><span class="kn">import</span></pre></div>',
        '<pre><code class="language-python">x</code></pre>',
        '<p><img alt="&quot;a&quot;" height="20" src="https://a.example/?b&amp;copy=1" title="t" width="10"></p>',
        '<ol start="3"><li>x</li></ol>',
        '<a class="ap-connect-link" href="mailto:a@b.example" title="t" rel="nofollow">x</a>',
        '<a href="#markdown-header-title" rel="nofollow">x</a>',
        '<table><thead><tr><th colspan="2">x</th></tr></thead></table>',
    ],
)
def test_what_rendered_markdown_needs_is_kept(html: str) -> None:
    """Headings with their anchors, coloured code, images, lists, tables and links are unchanged."""
    ours, theirs = ([*_tree(one)] for one in (linkify_html(NO_LINKERS, html).html, html))
    assert ours == theirs


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<a data-module-key=tickets data-link-key=tickets data-app-key=k href=/x>BB-1</a>", {"href", "rel"}),
        ("<a data-principal-uuid={0a1b} target=_blank class='ap-connect-dialog' href=/x>x</a>", {"href", "rel"}),
        ("<a class='btn ap-connect-link' href=/x>x</a>", {"href", "rel", "class"}),
        ("<p class='aui-dialog' id=login style='position:fixed' data-x=1>x</p>", set[str]()),
        ("<h1 id=login>x</h1>", set[str]()),
        ("<h1 ID='markdown-header-x y'>x</h1>", set[str]()),
        ("<span class='btn-primary'>x</span>", set[str]()),
        ("<img src=x src=y onload=z name=forms>", {"src"}),
        (f"<a href='/{'x' * MAX_ATTRIBUTE}'>x</a>", {"rel"}),
    ],
)
def test_nobody_can_pass_for_a_linker_or_a_part_of_the_page(html: str, expected: set[str]) -> None:
    """Of a stranger's attributes only those are kept that mean nothing to linkers, scripts or the page."""
    (element,) = (node for node in nodes(linkify_html(NO_LINKERS, html).html) if node.tag != "-text")
    assert element.attributes.keys() == expected


ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script >alert(1)</script\t>",
    "<script/x>alert(1)</script>",
    "<script>/*</title><img src=x onerror=alert(1)>*/",
    "<<script>alert(1);//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x\nonerror\n=\nalert(1)>",
    "<img src='x'onerror='alert(1)'>",
    '<img """><script>alert(1)</script>">',
    "<img src=javascript:alert(1)>",
    "<img src=`javascript:alert(1)`>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<img alt='\"><script>alert(1)</script>' src=x>",
    "<img alt='<x' title='/><img src=x onerror=alert(1)>'>",
    "<img alt=&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; src=x>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=JaVaScRiPt:alert(1)>x</a>",
    "<a href=' \x01\x1f javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='java\0script:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='&#x6A&#x61vascript&colon;alert(1)'>x</a>",
    "<a href='java&Tab;script&colon;alert(1)'>x</a>",
    "<a href='java&NewLine;script:alert(1)'>x</a>",
    "<a href='javascript&#0000058alert(1)'>x</a>",
    "<a href=vbscript:msgbox(1)>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "<a href='feed:javascript:alert(1)'>x</a>",
    "<a href=x onclick=alert(1) onmouseover=alert(2)>x</a>",
    "<a href='x' x='\"><img src=x onerror=alert(1)>'>x</a>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<style>@import '//evil.example/x.css'</style>",
    "<style><!--</style><img src=x onerror=alert(1)>--></style>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script>alert&#40;1)</script>",
    "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a title='</style><img src=x onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<math href=javascript:alert(1)>x</math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<form action=javascript:alert(1)><button>x</button><input type=image src=x onerror=alert(1)></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<body onload=alert(1)>",
    "<base href=javascript:alert(1)//>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=javascript:alert(1)>",
    "<table background=javascript:alert(1)><td background=javascript:alert(1)>x</table>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'>",
    "<xmp><img title='</xmp><img src=x onerror=alert(1)>'>",
    "<noembed><img title='</noembed><img src=x onerror=alert(1)>'>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--!> <img src=x onerror=alert(1)> -->",
    "<!-- --!><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version='1.0'><img src=x onerror=alert(1)>?>",
    "</ <img src=x onerror=alert(1)>",
    "<a\x0bhref=javascript:alert(1)>x</a>",
    "<isindex action=javascript:alert(1) type=image>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "0;<b>1;</b>99;",
]


def _assert_harmless(html: str, *, ours: frozenset[str] = frozenset()) -> None:
    """Assert that the HTML has only allowed elements, attributes and addresses."""
    for node in nodes(html):
        if node.tag == "-text":
            continue
        assert node.tag in ELEMENTS
        assert node.attributes.keys() <= ATTRIBUTES.get(node.tag, set()) | ({"rel", *ours} if node.tag == "a" else ours)
        for name in ("href", "src"):
            address = "".join(char for char in node.attributes.get(name) or "" if char > " ")
            assert urlsplit(address).scheme in {"", "http", "https", "mailto"}


@pytest.mark.sample(30)
@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_come_out_harmless(attack: str) -> None:
    """After any attack, alone or within other elements, the following text is still linked or at least kept."""
    for html in (attack, f"<table><tr><td>{attack}", f"<svg>{attack}", f"<p><a href=/><code>{attack}"):
        _assert_harmless(linkify_html(NO_LINKERS, html).html)


SOUP = [
    "<",
    ">",
    '"',
    "'",
    "=",
    "&",
    ";",
    "/",
    "!--",
    "-->",
    "--!>",
    "]]>",
    " ",
    "\n",
    "BB-1",
    "9",
    "&lt;",
    "&#0;",
    "&amp",
]
SOUP += [f"<{name}>" for name in sorted(ELEMENTS | {"svg", "math", "title", "form", "foreignobject", "mglyph"})]
SOUP += [f"</{name}>" for name in sorted(ELEMENTS | {"svg", "style"})]
SOUP += [
    "<a href='javascript:x'>",
    '<a href="/y" onclick=z>',
    "<img src=x onerror=y>",
    "<style>",
    "<code class=language-x>",
]
soup = st.lists(st.one_of(st.sampled_from(SOUP), st.sampled_from(ATTACKS), st.text(max_size=4)), max_size=25).map(
    "".join
)


@given(soup)
def test_any_soup_comes_out_harmless(html: str) -> None:
    """Random pieces of HTML, attacks among them, never add up to anything that is not allowed."""
    _assert_harmless(linkify_html(NO_LINKERS, html).html)


@given(soup)
def test_linking_changes_no_text(html: str) -> None:
    """The linked HTML has the text of the same HTML without links, and the links are what was added."""
    linked, plain = linkify_html(LINKERS, html), linkify_html(NO_LINKERS, html)
    assert text_of(linked.html) == text_of(plain.html)
    ours = [node.text() for node in nodes(linked.html) if "data-module-key" in node.attributes]
    assert ours == [link.text for link in linked.links if link.linker]
    _assert_harmless(linked.html, ours=frozenset(OURS))


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(["b", "em", "code", "blockquote", "div", "ul", "sub", "pre"])
    return st.tuples(names, st.lists(inner, max_size=4)).map(lambda node: f"<{node[0]}>{''.join(node[1])}</{node[0]}>")


texts = st.one_of(
    st.sampled_from(["BB-1", "&amp;", "&eacute;", "&#233;", "a &lt; b", "7;"]), st.text("aéB-1 ;", min_size=1)
)


@given(st.recursive(texts, _nested, max_leaves=20))
def test_wellformed_html_keeps_its_text_and_its_elements(html: str) -> None:
    """Without links, correct HTML is unchanged, to the last character."""
    assert [*_tree(linkify_html(NO_LINKERS, html).html)] == [*_tree(html)]


@given(soup)
def test_a_second_sanitiser_run_finds_nothing_to_do(html: str) -> None:
    """Sanitised again, with our own attributes allowed, the output is unchanged."""
    html = linkify_html(LINKERS, html).html.encode("utf-8", "replace").decode()
    attributes = {**ATTRIBUTES, "a": ATTRIBUTES["a"] | OURS | {"rel"}}
    again = nh3.clean(html, tags=set(ELEMENTS), attributes=attributes, link_rel=None)
    assert [*_tree(again)] == [*_tree(html)]


def _tree(html: str) -> Iterator[tuple[object, ...]]:
    for node in nodes(html):
        yield (node.tag, node.text_content if node.tag == "-text" else sorted(node.attributes.items()))


LONG = [
    ("<b>" * 50_000 + "BB-1", ["BB-1"]),
    ("<div>" * 50_000 + "BB-1", ["BB-1"]),
    ("<ul><li>" * 20_000 + "BB-1" + "</li></ul>" * 20_000 + " BB-2", ["BB-1", "BB-2"]),
    ("<table>" * 20_000 + "BB-1", ["BB-1"]),
    ("<b><i><a>" * 10_000 + "</b></i></a>" * 10_000 + "BB-1", ["BB-1"]),
    ("<p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">BB-1", ["BB-1"]),
    (f"<p title='{'a' * 1_000_000}'>BB-1", ["BB-1"]),
    ("&" * 500_000 + " BB-1", ["BB-1"]),
    ("&amp;nbsp" * 100_000 + " BB-1", ["BB-1"]),
    ("\xa0" * 500_000 + "BB-1", ["BB-1"]),
    ("&#" + "9" * 500_000 + "; BB-1", ["BB-1"]),
    ("<" * 500_000 + " BB-1", ["BB-1"]),
    ("BB-1<!--" * 100_000, ["BB-1"]),
    ("BB-1" + "<p title='" * 99_999, ["BB-1"]),
    ("</b>" * 100_000 + "BB-1", ["BB-1"]),
    ("<svg>" * 50_000 + "BB-1", ["BB-1"]),
    ("".join(f"<p><code class=language-{n}>" for n in range(90)) + "<p>x</p>" * 10_000 + "BB-1", ["BB-1"]),
    ("".join(f"<b id={n}>" for n in range(90)) + "<p>x</p>" * 10_000 + "BB-1", ["BB-1"]),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("html", "found"), LONG, ids=[repr(html[:20]) for html, _ in LONG])
def test_html_made_to_be_slow_is_linked_all_the_same(html: str, found: list[str]) -> None:
    """Each of these keeps some parser busy for minutes, or makes its output grow a hundredfold; here
    neither happens.
    """
    linked = linkify_html(LINKERS, html)
    assert [link.text for link in linked.links] == found
    assert not linked.unfinished
    assert len(linked.html) < 12 * len(html)


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
def test_deep_elements_lose_their_tags_and_keep_their_text(depth: int) -> None:
    """The output has as many elements as are allowed, and all the text."""
    html = linkify_html(NO_LINKERS, "<div>" * depth + "x" + "</div>" * depth + "y").html
    assert html.count("<div>") == html.count("</div>") == min(depth, MAX_DEPTH)
    assert text_of(html) == "xy"


def test_linker_that_runs_out_of_time_is_not_tried_again() -> None:
    """A slow linker is stopped in one text and reported once; the others lose no link in any."""
    slow = Linker("slow", r"(.*)=(.*)=(.*)=(.*);(?!-)", HERE)
    html = f"<p>{'=' * 3_000};-</p><p>BB-1</p>" * 30
    linked = linkify_html(compile_linkers([slow, TICKETS]), html)
    assert [(one.linker and one.linker.key, one.out_of_time) for one in linked.unfinished] == [("slow", True)]
    assert [link.text for link in linked.links] == ["BB-1"] * 30


def test_linker_has_the_time_of_one_text_for_all_texts_together() -> None:
    """Many texts that each take a little use up one linker's time, and not that of those beside it."""
    ticks = count()
    other = Linker("other", r"OK-\d+", HERE)
    linkers = compile_linkers([TICKETS, other], clock=lambda: next(ticks) * 0.0041)
    linked = linkify_html(linkers, "<p>BB-1</p>" * 10 + "<p>OK-1</p>")
    assert [link.text for link in linked.links] == ["BB-1"] * 5 + ["OK-1"]
    assert [(one.linker and one.linker.key, one.reason) for one in linked.unfinished] == [
        (TICKETS.key, "It took longer than 20 ms.")
    ]
    assert text_of(linked.html) == "BB-1" * 10 + "OK-1"


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p>BB-1</p>" * 10_002, "Only the first 10000 links were made."),
        (
            "<p>BB-1</p>" + "<p>" + "x" * 1_000_000 + "</p><p>BB-2</p>",
            "Only the first 1000004 characters were read.",
        ),
    ],
)
def test_document_has_the_limits_of_a_text(html: str, reason: str) -> None:
    """Beyond a limit the HTML is safe and complete, only without further links."""
    linked = linkify_html(compile_linkers([TICKETS], budget=10), html)
    assert [one.reason for one in linked.unfinished] == [reason]
    assert text_of(linked.html) == text_of(html)


def test_the_example_of_the_page_does_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The how-to's code runs, and prints the line below it."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "link-rendered-html.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (expected,) = re.findall(r"`(<p>Fixes.*?</p>)`", page)
    exec(compile(example, "link-rendered-html.md", "exec"), {})
    html, links = capsys.readouterr().out.splitlines()
    assert re.fullmatch(re.escape(expected).replace("…", ".*"), html)
    assert links == "[('BB-12', 'https://t.example/BB-12')]"
