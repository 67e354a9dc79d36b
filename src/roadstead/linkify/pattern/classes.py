r"""What `\w`, `[a-z\d]` and other classes match, as exact sets of characters.

Python's `re` decides: each question about `\w`, `\d`, `\s` and IGNORECASE is put to `re` once, and the answer is kept.
So no table of an engine, and no other version of Unicode, can disagree with the Python that runs. Each question is a
class of a single character, which `re` answers in linear time.
"""

import re
from functools import cache, lru_cache

from roadstead.linkify.pattern.case import cased_chars
from roadstead.linkify.pattern.charset import HYPHEN, CharSet, every_char


@cache
def category(name: str, *, ascii_only: bool) -> CharSet:
    r"""Return what `\w`, `\d`, `\s` or one of their opposites matches."""
    if name.isupper():
        return ~category(name.lower(), ascii_only=ascii_only)
    runs = re.compile(rf"\{name}+", re.ASCII if ascii_only else re.UNICODE).finditer(every_char())
    return CharSet.of((run.start(), run.end() - 1) for run in runs)


def char_class(
    ranges: CharSet, categories: tuple[str, ...], *, negated: bool, ignore_case: bool, ascii_only: bool
) -> CharSet:
    r"""Return what a class such as `[a-z\d]` matches, given its ranges and the names of its categories."""
    members = ranges
    for name in categories:
        members |= category(name, ascii_only=ascii_only)
    if negated:
        members = ~members
    if ignore_case:
        return _ignoring_case(members, ranges, categories, negated, ascii_only)
    return members


@lru_cache(maxsize=1024)
def _ignoring_case(
    members: CharSet, ranges: CharSet, categories: tuple[str, ...], negated: bool, ascii_only: bool
) -> CharSet:
    """Decide every character that has a case with `re`; the others are not touched by IGNORECASE."""
    chars = cased_chars()
    listed = "".join(rf"\U{ord(char):08x}" for char in chars if ord(char) in ranges)
    source = listed + "".join(rf"\{name}" for name in categories)
    if source:
        flags = re.IGNORECASE | (re.ASCII if ascii_only else re.UNICODE)
        matched = re.findall(f"[{'^' if negated else ''}{source}]", chars, flags)
    else:
        matched = list(chars) if negated else []
    return (members & ~CharSet.of_chars(chars)) | CharSet.of_chars(matched)


@cache
def value_char(*, ascii_only: bool) -> CharSet:
    r"""Return what a character of a stored value may be: `[\w\-]`."""
    return category("w", ascii_only=ascii_only) | HYPHEN
