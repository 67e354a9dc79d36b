"""The texts of one HTML or Markdown document, which share the limits of a single text."""

from roadstead.linkify.linker import Linkified, Unfinished
from roadstead.linkify.matching.limits import MAX_LINKS, MAX_TEXT
from roadstead.linkify.matching.matcher import CompiledLinkers


class Texts:
    """Links the texts of a document one by one, until a limit is reached."""

    def __init__(self, linkers: CompiledLinkers) -> None:
        self.unfinished: dict[Unfinished, None] = {}
        self._document = linkers.document()
        self._characters = MAX_TEXT
        self._links = 0
        self._done = False

    def linkify(self, text: str) -> Linkified:
        """Return the links of a text, or none once a limit of the document is reached."""
        if self._done or not text.strip():
            return Linkified(text, ())
        if self._characters <= 0:
            return self._without_links(text, f"Only the first {MAX_TEXT - self._characters} characters were read.")
        linkified = self._document.linkify(text)
        self._characters -= len(text)
        if self._links + len(linkified.links) > MAX_LINKS:
            return self._without_links(text, f"Only the first {self._links} links were made.")
        self._links += len(linkified.links)
        self.unfinished |= dict.fromkeys(linkified.unfinished)
        return linkified

    def _without_links(self, text: str, reason: str) -> Linkified:
        self._done = True
        self.unfinished[Unfinished(None, reason)] = None
        return Linkified(text, ())
