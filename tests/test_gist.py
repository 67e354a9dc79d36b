"""The readable part of an unknown server's answer."""

import pytest

from roadstead.gist import gist

PAGE = """<!DOCTYPE html>
<html><head><title>Oops &ndash; Acme</title><style>b { color: red }</style><script>alert("x")</script></head>
<body><h1>Internal error</h1>
<p>Nothing &lt;here&gt;
   yet.</p><ul><li>one<li>two</ul></body></html>"""


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (PAGE, ["Oops – Acme", "Internal error", "Nothing <here> yet.", "one", "two"]),
        (f"\n  <!-- ours --> {PAGE}", ["Oops – Acme", "Internal error", "Nothing <here> yet.", "one", "two"]),
        ('<?xml version="1.0"?><html><title>No</title></html>', ["No"]),
        ("<HTML><HEAD><TITLE>502 Bad Gateway</TITLE></HEAD><BODY><H1>502 Bad Gateway</H1>", ["502 Bad Gateway"]),
        (PAGE[:140], ["Oops – Acme", "Inte"]),
        ('{"error": "<html>"}', ['{"error": "<html>"}']),
        ("<error>no page</error>", ["<error>no page</error>"]),
        (" not\nnow\n", ["not", "now"]),
        ("", []),
        ("<html>" + "<div><svg>" * 100_000, []),
    ],
)
def test_a_page_is_read_as_a_browser_shows_it(answer: str, lines: list[str]) -> None:
    """A page becomes its title and text, each line once; other text is unchanged; nothing takes long."""
    assert gist(answer).splitlines() == lines
