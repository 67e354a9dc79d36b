"""Where a text can be cut without losing a match."""

from typing import Protocol


class Sized(Protocol):
    """A program that searches a text window by window."""

    @property
    def window(self) -> int:
        """Return how many characters one search should get."""

    @property
    def most(self) -> int:
        """Return how many it may get if the text cannot be cut."""


class Cuts:
    """A text, and the characters after which it can be cut because no match contains one of them."""

    def __init__(self, chars: str, cuts: str) -> None:
        self._chars = chars
        self._cuts = cuts

    def windows(self, program: Sized, start: int, end: int) -> list[tuple[int, int]] | None:
        """Return a part of the text in windows for the program, or `None` if a window would be too long for it."""
        windows: list[tuple[int, int]] = []
        while start < end:
            stop = self.after(start, program.window, end)
            if stop - start > program.most:
                return None
            windows.append((start, stop))
            start = stop
        return windows

    def after(self, start: int, size: int, end: int) -> int:
        """Return where a window of `size` characters can end, or of a few more where no cut comes sooner."""
        if end - start <= size:
            return end
        last = self.last(start, start + size)
        return last if last > start else self._next(start + size, end)

    def last(self, start: int, end: int) -> int:
        """Return the last cut between two places, or `start` if there is none."""
        return max(start, *(self._chars.rfind(cut, start, end) + 1 for cut in self._cuts), start)

    def _next(self, start: int, end: int) -> int:
        """Return the first cut between two places, or `end` if there is none."""
        places = [at for cut in self._cuts if (at := self._chars.find(cut, start, end)) >= 0]
        return min(places) + 1 if places else end
