"""`roadstead linkify --explain`: why each candidate is a link or not."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from roadstead.cli.output import hanging, print_json, print_table
from roadstead.cli.tables import Row
from roadstead.control.linkify import explained
from roadstead.domain.linking.lines import decoded, encoded
from roadstead.linkify import explain
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.linkify import Candidate, CompiledLinkers, Linker, Tried


def print_explained(linkers: "CompiledLinkers", chunks: Iterable[list[bytes]], *, as_json: bool) -> None:
    """Print each line with its candidates; without JSON, also a summary of each linker over all lines."""
    lines = itertools.chain.from_iterable(chunks)
    explanations = (explain(linkers, decoded(line).rstrip("\r\n")) for line in lines)
    if as_json:
        print_json([{"text": one.linkified.text, **explained(one)} for one in explanations])
        return
    tried: dict[Linker, list[Tried]] = {}
    for explanation in explanations:
        shown = [explanation.linkified.text, *itertools.chain(*map(_about, explanation.candidates))]
        if explanation.omitted:
            shown.append(f"  and {explanation.omitted} more candidates")
        sys.stdout.buffer.write(encoded("".join(f"{plain(line)}\n" for line in shown)))
        sys.stdout.buffer.flush()
        for one in explanation.linkers:
            tried.setdefault(one.linker, []).append(one)
    if tried:
        print()
        headings = ("APP", "LINKER", "ENGINE", "VALUES", "CANDIDATES", "LINKS", "MS")
        print_table(headings, [_summed_up(every) for every in tried.values()])


def _about(candidate: "Candidate") -> Iterator[str]:
    """Yield a line with the candidate's outcome, and one with the reason."""
    what = f"{candidate.start}-{candidate.end} {candidate.text!r}"
    groups = "".join(f", {name} = {text!r}" for name, text in candidate.groups.items())
    yield (
        f"  link     {hanging(f'{what} → {candidate.url}', 11)}" if candidate.url else f"  no link  {hanging(what, 11)}"
    )
    who = f" ({candidate.linker.app_key}, linker {candidate.linker.key}{groups})" if candidate.linker else ""
    yield f"{'':11}{hanging(candidate.reason + who, 11)}"


def _summed_up(every: "list[Tried]") -> Row:
    """Return a linker's summary over all lines. If it had candidates, omit why it had no others."""
    candidates, links = sum(one.candidates for one in every), sum(one.links for one in every)
    milliseconds = sum(one.milliseconds for one in every)
    reason = next((one.reason for one in every if one.limited), "" if candidates else every[-1].reason)
    linker, first = every[0].linker, every[0]
    if first.witness and any(one.limited for one in every):
        reason += f" A backtracking engine takes long on {first.witness.in_words()}."
    cells = (linker.app_key, linker.key, first.engine, first.value_count, candidates, links, milliseconds)
    return Row(cells, reason)
