"""References: words of a text that have a URL of their own, such as the hash of a commit."""

import re
from collections.abc import Mapping
from heapq import merge
from operator import attrgetter

from roadstead.linkify.linker import Link, Linkified


def with_references(linkified: Linkified, references: Mapping[str, str]) -> Linkified:
    """Return the text with a link at each of the references, which are words with their URLs, outside its links."""
    if not references:
        return linkified
    taken = [(link.start, link.end) for link in linkified.links]
    words = "|".join(map(re.escape, sorted(references, key=len, reverse=True)))
    made = [
        Link(found.start(), found.end(), found[0], references[found[0]], None)
        for found in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", linkified.text)
        if not any(start < found.end() and found.start() < end for start, end in taken)
    ]
    return Linkified(linkified.text, tuple(merge(linkified.links, made, key=attrgetter("start"))), linkified.unfinished)
