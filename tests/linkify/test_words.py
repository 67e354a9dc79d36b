"""Where a stored value may begin."""

import re

from hypothesis import given
from hypothesis import strategies as st

from roadstead.linkify.text.words import beginnings, may_begin
from tests.linkify.oracle import continues_a_word

WORDS = st.text(st.sampled_from("aB1_-éжª中文のノーｱﾞ한กา٣①ﬁ𐐀ꀀ\u0301\u093f \u200d👍"), max_size=12)


@given(WORDS)
def test_runs_are_divided_where_a_value_may_begin(text: str) -> None:
    """The places in a run, found in one pass, are those that are valid one by one, and as the oracle says."""
    for run in re.finditer(r"[\w\-]+", text):
        expected = [at for at in range(*run.span()) if not continues_a_word(text, at)]
        assert beginnings(text, *run.span()) == expected
        assert [at for at in range(*run.span()) if may_begin(text, at)] == expected


def test_letter_has_only_so_many_marks() -> None:
    """Of a long run of combining marks only the last few are checked, because a text of them would take for ever."""
    assert not may_begin("e" + "\u0301" * 30 + "BB", 31)
    assert may_begin("e" + "\u0301" * 31 + "BB", 32)
