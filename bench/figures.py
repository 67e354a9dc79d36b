"""Measurements beside their targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `target` is a minimum or a maximum, as `bound` says; without it nothing is judged."""

    what: str
    measured: float
    unit: str
    bound: Literal["least", "most"] = "least"
    target: float | None = None
    note: str = ""

    def line(self) -> str:
        return f"{self.what:<44} {_number(self.measured):>9} {self.unit:<9} {self._wanted():<22} {self.note}".rstrip()

    def _wanted(self) -> str:
        if self.target is None:
            return ""
        met = self.measured >= self.target if self.bound == "least" else self.measured <= self.target
        sign = "≥" if self.bound == "least" else "≤"
        return f"target {sign} {_number(self.target)}{'' if met else '   MISSED'}"


def show(title: str, figures: Iterable[Figure | str]) -> None:
    """Print figures and remarks as they arrive, so that a long run shows its progress."""
    print(f"\n{title}", flush=True)
    for figure in figures:
        print(f"  {figure if isinstance(figure, str) else figure.line()}", flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
