"""Lists of values as users paste and upload them: CSV with one column and no heading, or one value per line."""

import csv
import io
from dataclasses import dataclass

from roadstead.domain.linking.linkers import fault_of

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ReadList:
    """The values of a list, each once, and its errors in words, for the first lines that cannot be used."""

    values: list[str]
    faults: list[str]


def read_list(text: str) -> ReadList:
    """Read the list, and check every line."""
    values: dict[str, None] = {}
    faults: list[tuple[int, str]] = []
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        for row in rows:
            if len(row) > 1:
                faults.append((rows.line_num, f"{len(row)} columns; give one value on each line."))
            elif row and (value := row[0].strip()):
                if fault := fault_of(value):
                    faults.append((rows.line_num, f"{value[:80]!r}: {fault}"))
                values[value] = None
    except csv.Error as exc:
        faults.append((rows.line_num, f"cannot be read as CSV ({exc})."))
    return ReadList(list(values), _in_words(faults))


def _in_words(faults: list[tuple[int, str]]) -> list[str]:
    shown = [f"Line {line}: {fault}" for line, fault in faults[:_SHOWN]]
    more = len(faults) - len(shown)
    return [*shown, f"And {more:,} more lines."] if more else shown
