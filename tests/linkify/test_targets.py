"""Targets of links: templates, encoding, and the limits of matched text."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.linkify import InvalidPattern, Linker, check_linker, compile_linkers

JIRA = "https://jira.example"


def target(url: str, matched: str, *, base_url: str = "", regex: str = r"(?s)~(.*)~") -> str | None:
    """Return the target of `~matched~`; group 1 is `matched`."""
    compiled = compile_linkers([Linker("k", regex, url, base_url)])
    links = [link for link in compiled.linkify(f"~{matched}~").links if link.linker]
    return links[0].url if links else None


@pytest.mark.parametrize(
    ("base_url", "url", "expected"),
    [
        ("https://jira.example", "/browse/\\1", "https://jira.example/browse/A-1"),
        ("https://jira.example/", "/browse/\\1", "https://jira.example/browse/A-1"),
        ("https://jira.example//", "//browse/\\1", "https://jira.example/browse/A-1"),
        ("https://jira.example/app", "browse/\\1", "https://jira.example/app/browse/A-1"),
        ("https://jira.example/app/", "\\1", "https://jira.example/app/A-1"),
        ("https://jira.example", "?key=\\1", "https://jira.example/?key=A-1"),
        ("https://jira.example", "#\\1", "https://jira.example/#A-1"),
        ("https://jira.example", "", "https://jira.example/"),
        ("https://jira.example", "./\\1", "https://jira.example/./A-1"),
        ("https://jira.example", " https://t.example/\\1 ", "https://t.example/A-1"),
        ("https://jira.example", "HTTPS://t.example/\\1", "HTTPS://t.example/A-1"),
        ("https://jira.example", "//evil.example/\\1", "https://jira.example/evil.example/A-1"),
        ("https://jira.example", "mailto:bugs@jira.example?subject=\\1", "mailto:bugs@jira.example?subject=A-1"),
        ("", "/browse/\\1", None),
        ("ftp://jira.example", "/browse/\\1", None),
        ("javascript:alert(1)//", "/\\1", None),
    ],
)
def test_relative_url_is_joined_to_the_base(base_url: str, url: str, expected: str | None) -> None:
    """A relative url keeps the base's path and gets exactly one slash; an absolute one needs no base."""
    assert target(url, "A-1", base_url=base_url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (r"https://t.example/\g<1>0/\g<0>", "https://t.example/A-10/~A-1~"),
        (r"https://t.example/\1\2", "https://t.example/A-1"),
        (r"https://t.example/\g<key>?\.\\", "https://t.example/A-1?.%5C"),
        (r"https://t.example/a b/ä/100%/%41", "https://t.example/a%20b/%C3%A4/100%25/%41"),
        ("https://t.example/\"'<>`{}|^", "https://t.example/%22%27%3C%3E%60%7B%7D%7C%5E"),
    ],
)
def test_template_follows_replacement_syntax(url: str, expected: str) -> None:
    """Groups by number and name, one that took no part is empty, and the template's own text is made a URL."""
    assert target(url, "A-1", regex=r"~(?P<key>[^~]*)~(x)?") == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (r"/\2", "group '2'"),
        (r"/\g<name>", "group 'name'"),
        (r"/\g<>", "group ''"),
        (r"/\g<99999999999999999999>", "does not have"),
        (r"/\g<١>", "does not have"),
        (r"/\g<1", "means nothing"),
        (r"/\100", "means nothing"),
        (r"/\0", "means nothing"),
        (r"/\n", "means nothing"),
        ("/\\", "means nothing"),
        ("/" + "x" * 2_048, "at most 2048"),
    ],
)
def test_unusable_template_is_refused_with_a_reason(url: str, says: str) -> None:
    """A template with a missing group is refused before any text is linked."""
    with pytest.raises(InvalidPattern, match=says):
        check_linker(Linker("k", "(a)", url))


@pytest.mark.sample(20)
@pytest.mark.parametrize(
    ("url", "matched", "expected"),
    [
        # path
        (r"https://t.example/b/\1", "a/b c", "https://t.example/b/a/b%20c"),
        (r"https://t.example/b/\1", "a?b=c&d#e", "https://t.example/b/a%3Fb=c&d%23e"),
        (r"https://t.example/b/\1", "ä\u0301😀", "https://t.example/b/%C3%A4%CC%81%F0%9F%98%80"),
        (r"https://t.example/b/\1", "100%", "https://t.example/b/100%25"),
        (r"https://t.example/b/\1", "a%2Fb%zz%", "https://t.example/b/a%2Fb%25zz%25"),
        (r"https://t.example/b/\1", "\ud800x", "https://t.example/b/%EF%BF%BDx"),
        (r"https://t.example/b/\1", "\x00\r\n\t\x7f", "https://t.example/b/%00%0D%0A%09%7F"),
        (r"https://t.example/b/\1", "\"><script>alert('1')", "https://t.example/b/%22%3E%3Cscript%3Ealert(%271%27)"),
        (r"https://t.example/b/\1", "../admin", None),
        (r"https://t.example/b/\1/c", "..", None),
        (r"https://t.example/b/\1", "x/%2e%2E", None),
        (r"https://t.example/b/.\1", ".", None),
        (r"https://t.example/b/\1", "..a/...", "https://t.example/b/..a/..."),
        (r"https://t.example/b/\1", "\\..\\x", "https://t.example/b/%5C..%5Cx"),
        # query and fragment
        (r"https://t.example/?q=\1", "a&b=c+d#e;f?", "https://t.example/?q=a%26b%3Dc%2Bd%23e%3Bf%3F"),
        (r"https://t.example/?q=\1", "a/b:c@d ü", "https://t.example/?q=a/b:c@d%20%C3%BC"),
        (r"https://t.example/?q=\1", "a%26b", "https://t.example/?q=a%26b"),
        (r"https://t.example/?q=\1", "../x", "https://t.example/?q=../x"),
        (r"https://t.example/#\1", "a&b#c", "https://t.example/#a%26b%23c"),
        # host
        (r"https://\1.t.example/", "team", "https://team.t.example/"),
        (r"https://\1.t.example/", "a.b", "https://a.b.t.example/"),
        (r"https://\1.t.example/", "evil.example/", None),
        (r"https://\1.t.example/", "evil.example#", None),
        (r"https://\1.t.example/", "evil.example\\", None),
        (r"https://\1.t.example/", "user@evil", None),
        (r"https://\1.t.example/", "", None),
        (r"https://\1.t.example/", "a..b", None),
        (r"https://t.example\1", "/browse/A-1", "https://t.example/browse/A-1"),
        (r"https://t.example\1", ".evil.example", None),
        (r"https://t.example\1", "@evil.example", None),
        (r"https://t.example\1", ":80@evil.example", None),
        (r"https://t.example\1", "", "https://t.example"),
        (r"https://t.example:\1/", "8080", "https://t.example:8080/"),
        (r"https://t.example:\1/", "80@evil.example", None),
        (r"https://\1@t.example/", "me", "https://me@t.example/"),
        (r"https://\1@t.example/", "me@evil.example/", None),
        (r"https://\1", "www.example.org:81/a b?c", "https://www.example.org:81/a%20b%3Fc"),
        (r"https://\1/", "a@evil.example", None),
        (r"https://\1/", "[::1]", None),
        # scheme
        (r"\1", "javascript:alert(1)", None),
        (r"\1:alert(1)", "javascript", None),
        (r"javascript:\1", "alert(1)", None),
        (r"JavaScript:\1", "alert(1)", None),
        ("java\nscript:\\1", "alert(1)", None),
        ("\x01javascript:\\1", "alert(1)", None),
        (" javascript:\\1", "alert(1)", None),
        (r"data:text/html,\1", "<script>", None),
        (r"vbscript:\1", "x", None),
        (r"file:///\1", "etc/passwd", None),
        (r"https:\1", "//evil.example", None),
        (r"https:/\1", "/evil.example", None),
        (r"https:\\\\t.example/\1", "x", None),
        # mailto
        (r"mailto:\1", "a+b@t.example", "mailto:a+b@t.example"),
        (r"mailto:\1", "a@t.example?cc=b@evil.example", "mailto:a@t.example%3Fcc%3Db@evil.example"),
        (r"mailto:\1", "a@t.example,b@evil.example", "mailto:a@t.example%2Cb@evil.example"),
        (r"mailto:\1", "", None),
        # length
        (r"https://t.example/\1", "x" * 8_200, None),
    ],
)
def test_matched_text_stays_in_its_place(url: str, matched: str, expected: str | None) -> None:
    """Text can fill a place in the URL, and neither leave it nor change the host, the scheme or the path above."""
    assert target(url, matched) == expected


@pytest.mark.parametrize("url", [r"\1", r"\1/x", r"/\1", r"browse/\1"])
@pytest.mark.parametrize("matched", ["javascript:alert(1)", "//evil.example", "\\\\evil.example", "@evil.example"])
def test_relative_template_never_leaves_the_base(url: str, matched: str) -> None:
    """With any text in a relative template, the link leads to the base's host."""
    found = target(url, matched, base_url=JIRA)
    assert found is not None
    assert found.startswith(JIRA + "/")


TEMPLATES = [
    r"https://t.example/\1",
    r"https://\1.t.example/",
    r"https://t.example\1",
    r"https://t.example/?a=\1&b=2",
    r"https://t.example/x#\1",
    r"\1",
    r"https://\1@t.example/",
    r"https://t.example:\1/",
]


@given(st.sampled_from(TEMPLATES), st.text(st.characters(), max_size=20))
def test_every_url_is_safe_to_write_anywhere(url: str, matched: str) -> None:
    """A target is ASCII without spaces, quotes, brackets or control characters, and leads to the template's host."""
    found = target(url, matched.replace("~", ""), base_url=JIRA)
    if found is not None:
        assert found.isascii()
        assert found.isprintable()
        assert not set(found) & set(" \"'<>`\\^{}|")
        assert (urlsplit(found).hostname or "").endswith(("t.example", "jira.example"))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "/browse/$1",
            "/browse/${1}",
            "/browse/%1",
            "/browse/{1}",
            "/browse/{{1}}",
            "/browse/#{1}",
            "/browse/$&",
            "/a/$12",
        ),
        *("/browse/$key", "/browse/${key}", "/browse/{key}", "/browse/%{key}", "/browse/$<key>", "/browse/<key>"),
        *("/browse/<num>", "/browse/%BUGID%", "/browse/%s", "/browse/\x01", r"/browse/\\1"),
        *(r"/browse/\1?n=$2", r"https://{1}.t.example/\2"),
    ],
)
def test_group_as_another_tool_writes_it_is_remarked(url: str) -> None:
    """It would be plain text in each link, so the remark shows it and the correct spelling."""
    (remark,) = check_linker(Linker("k", r"(?P<key>(?K)-(\d+))", url, "https://t.example")).remarks
    assert " in the url is plain text" in remark.message
    assert r"\g<name>" in remark.fix


@pytest.mark.parametrize(
    ("regex", "url", "says"),
    [
        (r"(BB-\d+)", "/browse", "every link leads to the same address"),
        (r"#(?K)", "/all", "every link leads to the same address"),
        (r"(?K)-(\d+)", r"/browse/\1", "leaves out what group 2 "),
        (r"(\w+)/(\w+)#(\d+)", r"/\3", "leaves out what group 1 and 2 "),
        (r"(^|\s)(BB-(\d+))", r"/\2", "leaves out what group 1 "),
    ],
)
def test_group_that_the_url_leaves_out_is_remarked(regex: str, url: str, says: str) -> None:
    """If a matched group is in no link, the author probably forgot it."""
    (remark,) = check_linker(Linker("k", regex, url, "https://t.example")).remarks
    assert says in remark.message


@pytest.mark.parametrize(
    ("regex", "url"),
    [
        (r"((?K)-\d+)", r"/browse/\1"),  # inside a used group
        (r"((?K)-(\d+))", r"/browse/\2-\3"),  # around a used group
        (r"(?K)-(\d+)", r"/browse/\2"),  # the value chooses the links
        (r"((BB|OPS)-\d+)", r"/browse/\g<0>"),
        (r"(['\"])BB-(\d+)\1", r"/browse/\2"),  # the pattern uses it
        (r"(<)?BB-(\d+)(?(1)>)", r"/browse/\2"),
        (r"BB-\d+", "/all"),
        (r"(?:BB|OPS)-\d+", "/all"),
        (r"(\d+)", r"/?q=100%25&p=\1&c={repository}&d=\$1&e=%20&f=%1F"),
    ],
)
def test_nothing_is_remarked_about_a_url_that_has_what_it_needs(regex: str, url: str) -> None:
    """Groups that are used in some way, escaped signs, escapes of URLs and Connect's own parameters are not
    mistakes.
    """
    assert check_linker(Linker("k", regex, url, "https://t.example")).remarks == ()
