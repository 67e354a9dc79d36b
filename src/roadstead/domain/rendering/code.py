"""The colours of code, as classes that Pygments names."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_LANGUAGE = re.compile(
    r"bash|batch|c|c#|c\+\+|clj|clojure|console|cpp|csharp|css|dart|diff|docker|dockerfile|elixir|erlang|f#|"
    r"fsharp|go|golang|graphql|groovy|haskell|html|http|ini|java|javascript|js|json|jsx|julia|kotlin|less|"
    r"lua|make|makefile|markdown|matlab|md|nginx|objc|objective-c|perl|php|powershell|properties|protobuf|ps1|"
    r"py|python|r|rb|rs|ruby|rust|scala|scss|sh|shell|sql|swift|toml|ts|tsx|typescript|vim|xml|yaml|yml"
)
"""Those of which some thousand hostile blocks were measured: none takes longer than by the square of its length."""
LONGEST = 3_000
"""Characters of a block. The slowest ones, of Java and C#, take 0.15 s."""
_SLOW = re.compile(r"[^\n]{200}|\s{100}")
_MOST_GROWTH = 40
"""How much longer the HTML may be than the code; of what people write it is some five times as long."""


def coloured(code: str, language: str) -> str | None:
    """Return code as HTML with its colours, or `None` if it has none: in other languages, or where it may take long."""
    if not _LANGUAGE.fullmatch(language) or len(code) > LONGEST or _SLOW.search(code):
        return None
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter

    lexer = _lexer(language)
    html: str | None = lexer and highlight(code, lexer, HtmlFormatter(nowrap=True))
    return html if html is not None and len(html) <= _MOST_GROWTH * (len(code) + 1) else None


@cache
def _lexer(language: str) -> "Lexer | None":
    """Return who reads a language, or `None` if this version of Pygments does not know its name."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        # With all letters of Unicode in a pattern, C# takes five times as long.
        return get_lexer_by_name(language, stripnl=False, ensurenl=False, unicodelevel="none")
    except ClassNotFound:
        return None
