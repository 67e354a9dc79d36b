"""What people write, as HTML."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roadstead.domain.host import Host, open_host
from roadstead.domain.linking import linkers
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.domain.people import users
from roadstead.domain.rendering import code, markdown
from roadstead.domain.rendering.markdown import LONGEST, Mention, to_html
from roadstead.domain.rendering.renderer import Renderer
from roadstead.domain.repositories.known import html_without_links
from roadstead.errors import WorkspaceNotFound
from tests.live import LiveHost, recording_app

ANN = {"557058:a": Mention("Ann <b>", "https://h.example/%7Bu%7D/")}
PLAIN = 'rel="nofollow" class="ap-connect-link"'
PYTHON = '<div class="codehilite language-python"><pre><code>'
X, IS, ONE = '<span class="n">x</span>', '<span class="o">=</span>', '<span class="mi">1</span>'

MARKDOWN = [
    ("fix BB-12\n", "<p>fix BB-12</p>"),
    ("", ""),
    ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"),
    ("<b onclick=x>&", "<p>&lt;b onclick=x&gt;&amp;</p>"),
    ("# The *title*", '<h1 id="markdown-header-the-title">The <em>title</em></h1>'),
    ("[a](https://a.example/)", f'<p><a href="https://a.example/" {PLAIN}>a</a></p>'),
    ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
    ("by @{557058:a}!", f'<p>by <a href="https://h.example/%7Bu%7D/" {PLAIN}>@Ann &lt;b&gt;</a>!</p>'),
    ("by @{nobody} and @{", "<p>by @{nobody} and @{</p>"),
    ("`@{557058:a}`", "<p><code>@{557058:a}</code></p>"),
    ("~~no~~", "<p><s>no</s></p>"),
    ("Provide it:\n* add a new\n", "<p>Provide it:\n* add a new</p>"),
    ("> It:\n> - one\n> 1. two", "<blockquote>\n<p>It:\n- one\n1. two</p>\n</blockquote>"),
    ("It:\n\n* one\n* two", "<p>It:</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
    ("1. one\n   - two\n2. three", "<ol>\n<li>one\n<ul>\n<li>two</li>\n</ul>\n</li>\n<li>three</li>\n</ol>"),
    ("# It\n- one", '<h1 id="markdown-header-it">It</h1>\n<ul>\n<li>one</li>\n</ul>'),
    ("```python\nx = 1\n```", f"{PYTHON}{X} {IS} {ONE}\n</code></pre></div>"),
    ("```Python title\n\nx = 1\n\n```", f"{PYTHON}\n{X} {IS} {ONE}\n\n</code></pre></div>"),
    ("```python\n```", f"{PYTHON}</code></pre></div>"),
    ("```c++\n<\n```", f'{PYTHON.replace("python", "c++")}<span class="o">&lt;</span>\n</code></pre></div>'),
    ("```none\nx = 1\n```", '<pre><code class="language-none">x = 1\n</code></pre>'),
    ("```\nx = 1\n```", "<pre><code>x = 1\n</code></pre>"),
    (f"```c\na{' ' * 100}b\n```", f'<pre><code class="language-c">a{" " * 100}b\n</code></pre>'),
    (f"```c\n{'x' * 200}\n```", f'<pre><code class="language-c">{"x" * 200}\n</code></pre>'),
    ("a\0b", "<p>a\ufffdb</p>"),
    ("*" * (LONGEST + 1), f"<p>{'*' * (LONGEST + 1)}</p>"),
]


@pytest.mark.parametrize(("text", "html"), MARKDOWN, ids=lambda value: repr(value[:20]))
def test_markdown_is_read_as_bitbucket_reads_it(text: str, html: str) -> None:
    """CommonMark with mentions and names for headings; HTML is text, and what is too long is shown as it is."""
    assert to_html(text, ANN) == html


PIECES = (
    *("a", "word", "Ünïcode", "a_b", "_", "__a__", "*", "**a**", "`", "``a``", "~~", "~~a~~", "\\", "&", "&amp;"),
    *("<", "<b>", "<a@b.example>", "<https://h.example/>", ">", "->", '"', "'", "#", "## a", "-", "---", "===", "+"),
    *("1", "1.", "2)", "[", "]", "[a]", "[a](/b)", "![", "!", ":", "https://h.example/?a=1#b", "|", "|-|", "a|b"),
    *("-|-", "@", "@a", "@{a}", "@{557058:a}", "{", "(", ")", ";", ",", "…", "$1", "^", "=", "%", "/", ".", "abcdef1"),
    *(
        " ",
        "  ",
        "\n",
        "\n",
        "\n\n",
        "\n\n\n",
        " \n",
        "  \n",
        "\n    ",
        "\t",
        "\r",
        "\0",
        "\f",
        "\xa0",
        "\u2028",
        "\ud800",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("by @{557058:a}")
@example("a_b _c_")
@example("a  \nb\n===")
def test_a_plain_text_is_read_as_any_other(text: str) -> None:
    """An empty line before it changes nothing, although the text is then read by the reader of Markdown."""
    assert to_html(text, ANN) == to_html(f"\n{text}", ANN)


@pytest.mark.parametrize(
    "text",
    [
        "Merge branch 'a_b/c-d' into main",
        'PROJ-1: Say "no" -> yes (#12)\n\nBecause: it was so.\nSee https://h.example/?a=1#b, or ask ann@example.com.\n',
    ],
)
def test_a_plain_text_needs_no_reader_of_markdown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as most messages of commits: it takes a tenth of the time."""
    html = to_html(f"\n{text}", ANN)
    monkeypatch.setattr(markdown, "_reader", None)
    assert to_html(text, ANN) == html


def test_each_language_has_colours() -> None:
    """Pygments knows every name that has colours here."""
    names = code._LANGUAGE.pattern.replace("\\", "").split("|")
    without = [name for name in names if "codehilite" not in to_html(f"```{name}\nx = 1\n```", {})]
    assert (without, len(names) > 50) == ([], True)


def test_a_language_that_pygments_does_not_know_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version knows fewer names, and has no lexer for `yml`."""
    monkeypatch.setattr(code, "_LANGUAGE", re.compile("unheard-of"))
    html = '<pre><code class="language-unheard-of">x = 1\n</code></pre>'
    assert to_html("```unheard-of\nx = 1\n```", {}) == html


def test_little_code_of_a_text_has_colours() -> None:
    """A block of a few thousand characters, and as many blocks as take the host a moment; the others are plain."""
    block = "x = 1\n" * 450
    html = to_html(f"```py\n{block}```\n\n" * 5, {})
    assert (html.count('<div class="codehilite language-py">'), html.count('<code class="language-py">')) == (3, 2)
    assert "codehilite" not in to_html(f"```py\n{block}{block}```", {})


def test_code_with_colours_is_safe_and_has_no_links(host: LiveHost, workplace: tuple[str, int]) -> None:
    """The classes of its colours pass the sanitiser; keys and addresses in it stay text."""
    text = '```python\nBB = "BB-1 https://a.example/ <b>"\n```'

    async def work(opened: Host, renderer: Renderer) -> None:
        (html,) = await renderer.render([text], workplace[0], "me")
        assert html.startswith(f'{PYTHON}<span class="n">BB</span>')
        assert "BB-1 https://a.example/ &lt;b&gt;" in html
        assert "<a" not in html

    _run(host, work)


def test_code_is_coloured_beside_the_loop(
    host: LiveHost, workplace: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However short, because hostile code takes long; payloads of events, which the loop makes, have no colours."""
    text, threads = "```py\nx = 1\n```", set[int]()
    monkeypatch.setattr(markdown, "coloured", lambda *_: threads.add(threading.get_ident()))

    async def work(opened: Host, renderer: Renderer) -> None:
        await renderer.render([text], workplace[0], "me")
        assert (len(threads), threading.get_ident() in threads) == (1, False)

    _run(host, work)
    html_without_links([text])
    assert len(threads) == 1


def test_the_colours_of_much_code_come_one_call_after_the_other(host: LiveHost, workplace: tuple[str, int]) -> None:
    """No call holds a thread for long, and none keeps what is still to be coloured; a text without code is complete."""
    block = "```py\n" + "x = 1\n" * 450 + "```\n"
    texts = [f"{number}\n{block * 3}" for number in range(7)]

    async def work(opened: Host, renderer: Renderer) -> None:
        found, states = [], []
        for _ in range(4):
            states.append(await renderer.state(workplace[0]))
            html = await renderer.render([*texts, "plain"], workplace[0], "me")
            found.append(sum("codehilite" in one for one in html))
        assert found == [3, 6, 7, 7]
        assert len(set(states)) == 3
        assert await renderer.state(workplace[0]) == states[-1]

    _run(host, work)


def test_a_table_says_how_its_cells_are_aligned() -> None:
    """In an attribute, because the sanitiser removes styles."""
    html = to_html("| a | b |\n|:-:|---|\n| 1 | 2 |", {})
    assert '<th align="center">a</th>\n<th>b</th>' in html
    assert "style" not in html


@pytest.fixture(scope="module")
def workplace(host: LiveHost) -> Iterator[tuple[str, int]]:
    """Yield an app alone in a workspace: its slug, and the id of the installation."""
    with recording_app() as app:
        workspace = f"w-{app.key}"
        yield workspace, host.install(app, workspace).id


Work = Callable[[Host, Renderer], Coroutine[Any, Any, None]]


def _run(host: LiveHost, work: Work, **limits: int) -> None:
    async def run() -> None:
        async with open_host(host.settings) as opened:
            await work(opened, Renderer(opened, WorkspaceLinkers(opened), **limits))

    asyncio.run(run())


def test_linkers_come_before_hashes_of_commits(host: LiveHost, workplace: tuple[str, int]) -> None:
    """A text has the links of the workspace's apps and, of the words like hashes, those of commits that there are."""
    workspace, installation = workplace

    def commits(words: Any) -> dict[str, str]:
        assert words == {"abcdef1", "1234567", "7654321"}, "no word of letters, digits and more is asked for"
        return {word: f"https://h.example/{word}" for word in ("abcdef1", "7654321")}

    async def work(opened: Host, renderer: Renderer) -> None:
        await linkers.add_value(opened, installation, "tickets", "BB")
        text = "BB-7654321 in abcdef1 and 1234567, not xabcdef1, `abcdef1`; 7654321"
        (html,) = await renderer.render([text], workspace, "me", commits)
        assert 'data-link-key="tickets"' in html
        assert ">BB-7654321</a> in " in html
        assert f'<a href="https://h.example/abcdef1" {PLAIN}>abcdef1</a> and 1234567, not xabcdef1' in html
        assert "<code>abcdef1</code>" in html
        assert html.count("https://h.example/7654321") == 1

    _run(host, work)


def test_what_is_kept_is_never_old(host: LiveHost, workplace: tuple[str, int]) -> None:
    """The same text has other HTML after a linker has another value, a user another name, a commit come."""
    workspace, installation = workplace

    async def work(opened: Host, renderer: Renderer) -> None:
        user = await users.create_user(opened, "kept")
        text = f"KEPT-1 abcdef1 @{{{user.account_id}}}"

        async def render(commits: dict[str, str]) -> str:
            (html,) = await renderer.render([text], workspace, "me", lambda words: commits)
            return html

        first = await render({})
        assert "KEPT-1 abcdef1 <a" in first
        assert await render({}) == first
        assert 'href="https://h.example/c"' in await render({"abcdef1": "https://h.example/c"})
        state = await renderer.state(workspace)
        value = await linkers.add_value(opened, installation, "tickets", "KEPT")
        assert ">KEPT-1</a>" in await render({})
        assert state != await renderer.state(workspace)
        await linkers.delete_value(opened, installation, "tickets", value.id)
        assert await render({}) == first
        await users.rename(opened, user, display_name="Another", nickname="another")
        assert ">@Another</a>" in await render({})

    _run(host, work)


def test_a_text_that_is_not_finished_changes_the_state(host: LiveHost, workplace: tuple[str, int]) -> None:
    """So no answer that contains it is found again; the state of another workspace, and one of whole texts, stays."""

    async def work(opened: Host, renderer: Renderer) -> None:
        workspace = workplace[0]
        states = [await renderer.state(workspace)]
        for text in ("short", "x" * 2_000_000):
            await renderer.render([text], workspace, "me")
            states.append(await renderer.state(workspace))
        assert (states[0] == states[1], states[1] == states[2]) == (True, False)

    _run(host, work)


def test_little_is_kept(host: LiveHost, workplace: tuple[str, int]) -> None:
    """Texts and HTML together have so many characters at most; the text that was used the longest ago goes first."""

    async def work(opened: Host, renderer: Renderer) -> None:
        texts = [f"text {number}" for number in range(100)]
        wanted = [f"<p>{text}</p>" for text in texts]
        assert await renderer.render(texts, workplace[0], "me") == wanted
        assert renderer.kept <= 500
        assert await renderer.render([*texts, *texts], workplace[0], "me") == [*wanted, *wanted]
        assert renderer.kept <= 500

    _run(host, work, most_kept=500)


def _table_without_cells(columns: int, rows: int) -> str:
    return "|".join("a" * columns) + "\n" + "|".join("-" * columns) + "\n" + "x\n" * rows + "\n"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "text",
    [
        _table_without_cells(150, 400),
        _table_without_cells(150, 400) * 20,
        _table_without_cells(40, 40) * 80,
        "[a]: /" + "u" * 16_000 + "\n\n" + "[a]" * 5_000,
        '[a]: /u "' + "t" * 16_000 + '"\n\n' + "[a]" * 5_000,
    ],
    ids=["a table", "large tables", "small tables", "an address", "a title"],
)
def test_html_is_not_far_longer_than_its_text(text: str) -> None:
    """Cells that rows leave out, and references, make HTML in proportion to the text."""
    assert len(to_html(text[:LONGEST], {})) < 30 * len(text[:LONGEST])


def test_usual_tables_and_references_are_not_bounded() -> None:
    """A table that has its cells, or leaves some out, is whole, and so are long addresses that are used a few times."""
    full = "|" + "a|" * 20 + "\n|" + "-|" * 20 + "\n" + ("|" + "b|" * 20 + "\n") * 300
    assert to_html(full, {}).count("<td>") == 6_000
    assert to_html(_table_without_cells(5, 30), {}).count("<td>") == 150
    assert to_html("[a]: /" + "u" * 2_000 + "\n\n" + "[a] " * 20, {}).count("<a ") == 20


@pytest.mark.slow
def test_much_text_holds_nobody(host: LiveHost, workplace: tuple[str, int]) -> None:
    """While long and hostile Markdown is rendered, the loop takes turns; the answer is safe to show."""

    async def work(opened: Host, renderer: Renderer) -> None:
        hostile = ["![" * (LONGEST // 2), "<script>" * 4_000, "[a](" * (LONGEST // 4), "x" * 1_000_000]
        rendering = asyncio.ensure_future(renderer.render(hostile, workplace[0], "me"))
        turns = 0
        while not rendering.done():
            await asyncio.sleep(0.005)
            turns += 1
        made = await rendering
        assert turns >= 10
        assert [html for html in made if "<script" in html] == []
        assert all(made)

    _run(host, work)


def test_an_unknown_workspace_is_refused(host: LiveHost) -> None:
    """There are no linkers to render with."""

    async def work(opened: Host, renderer: Renderer) -> None:
        with pytest.raises(WorkspaceNotFound):
            await renderer.render(["text"], "nowhere", "me")

    _run(host, work)
