"""A page of the docs, typed command by command as a reader would, in terminals that know only what the page told them.

A `sh` block is typed as it is; in a `console` block the lines that begin with `$` are typed, and the others are the
expected output. A `text` block is the expected output of the block before it. In output, `…` matches what differs
between machines, and a time matches any time. Comments before a block have what a reader need not see:

    <!-- terminal: host -->       type it, and later blocks, in the terminal of this name
    <!-- file: app.py -->         save it under this name
    <!-- output: host -->         expect it in another terminal
    <!-- exit: 1 -->              expect its last command to fail
    <!-- until it shows -->       type it again until the output is right: a host records calls a little later
    <!-- after Ctrl-C -->         first stop the command that runs in the terminal
    <!-- not run: reason -->      skip it, for this reason
    <!-- given: host, app -->     the prerequisites that the page names
"""

import contextlib
import os
import random
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from tests.acceptance.terminal import SECONDS, Terminal, seen

_BLOCK = re.compile(r"((?:^<!-- .* -->\n)*)^```(\w*)\n((?s:.*?))^```$", re.MULTILINE)
_NOTE = re.compile(r"<!-- ([a-zA-Z -]+?)(?:: (.*))? -->")
_TYPED = ("sh", "console")

GIVEN = {
    "host": ("roadstead serve", "Stop with"),
    "app": ("python -m roadstead.sample_app --port 8080", "Install it with"),
    "installed app": ("roadstead install http://127.0.0.1:8080/descriptor.json", "Installed."),
}
"""The prerequisites that a page may name, and the command that makes each; its output then contains these words."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the notes before it."""

    kind: str
    text: str
    notes: Mapping[str, str]

    def commands(self) -> list[tuple[str, str | None]]:
        """Return the commands and the expected output of each; `None` if the page does not show it."""
        if self.kind == "sh":
            lines = [line for line in self.text.replace("\\\n", "\\\0").splitlines() if line]
            return [(line.replace("\0", "\n"), None) for line in lines]
        found = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", self.text, re.MULTILINE)
        assert found, f"This block has no line that begins with $:\n{self.text}"
        return [(command, output or None) for command, output in found]


def blocks_of(page: str) -> list[Block]:
    return [Block(kind, text, dict(_NOTE.findall(notes))) for notes, kind, text in _BLOCK.findall(page)]


def left_out(page: str) -> list[str]:
    """Return why blocks of a page are not run, a reason for each."""
    return [block.notes["not run"] for block in blocks_of(page) if "not run" in block.notes]


@dataclass
class Reader:
    """Types a page in a folder that looks like a checkout, on separate ports, with an empty home."""

    checkout: Path
    home: Path
    knows_the_programs: bool
    ports: dict[str, str] = field(default_factory=lambda: {port: _free_port() for port in ("7990", "8080")})
    terminals: dict[str, Terminal] = field(default_factory=dict)

    def read(self, page: str) -> None:
        """Type all of a page. Raise `AssertionError` if the output is not the page's."""
        with ExitStack() as opened:
            for name in _given(page):
                command, words = GIVEN[name]
                self._expect(self._terminal(f"given {name}", opened), command, f"…\n…{words}…\n…")
            where = ""
            blocks = blocks_of(page)
            for block, after in zip_longest(blocks, blocks[1:]):
                if "not run" in block.notes:
                    continue
                where = block.notes.get("terminal", where)
                if "file" in block.notes:
                    (self.checkout / block.notes["file"]).write_text(self._here(block.text), "utf-8")
                elif block.kind in _TYPED:
                    shown = after.text if after and after.kind == "text" and not after.notes else None
                    self._type(self._terminal(where, opened), block, shown)
                elif "output" in block.notes:
                    self._must_show(self._terminal(block.notes["output"], opened), block.text)

    def _type(self, terminal: Terminal, block: Block, shown: str | None) -> None:
        if "after Ctrl-C" in block.notes:
            terminal.interrupt()
        commands = block.commands()
        said = ""
        for number, (command, output) in enumerate(commands, start=1):
            is_last = number == len(commands)
            awaited = output if output is not None else shown if is_last else None
            said += self._expect(
                terminal,
                command,
                awaited,
                before=said if output is None else "",
                code=int(block.notes.get("exit", "0")) if is_last else 0,
                again_until=time.monotonic() + 10 if "until it shows" in block.notes else 0.0,
            )

    def _expect(
        self,
        terminal: Terminal,
        command: str,
        shown: str | None,
        *,
        before: str = "",
        code: int = 0,
        again_until: float = 0.0,
    ) -> str:
        """Type a command, and return its output. What is `shown` is the output `before`, and that of this command."""
        wanted = _pattern(self._here(shown)) if shown is not None else None
        ended, said = terminal.type(
            self._here(command), lambda said: wanted is not None and wanted.fullmatch(_tidy(before + said)) is not None
        )
        while wanted is not None and not wanted.fullmatch(_tidy(before + said)) and time.monotonic() < again_until:
            ended, said = terminal.type(self._here(command), lambda _: False)
        told = f"$ {command}\n{said}"
        if wanted is not None:
            assert wanted.fullmatch(_tidy(before + said)), f"{told}\nThe page says:\n{shown}"
        else:
            assert ended is not None, f"{told}\nIt did not end in {SECONDS} s, and the page does not show what it says."
        assert ended in (None, code), f"{told}\nIt ended with {ended}."
        return said

    def _must_show(self, terminal: Terminal, text: str) -> None:
        """Require that a terminal shows this at the end."""
        said = seen(terminal.raw)
        assert _pattern(self._here(f"…\n{text}")).fullmatch(_tidy(said)), f"{said}\nThe page says:\n{text}"

    def _here(self, text: str) -> str:
        """Return the page's text with the free ports and the folders that may be written here."""
        text = text.replace("/srv/", f"{self.home}/srv/")
        return re.sub(r"\b(7990|8080)\b", lambda found: self.ports[found[0]], text)

    def _terminal(self, name: str, opened: ExitStack) -> Terminal:
        if name not in self.terminals:
            self.terminals[name] = opened.enter_context(Terminal(self.checkout, self._environment()))
        return self.terminals[name]

    def _environment(self) -> dict[str, str]:
        """Return a newcomer's environment, except for the port: a page's host without a port must not meet another
        test's.
        """
        programs = f"{self.checkout}/.venv/bin:" if self.knows_the_programs else ""
        return {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": f"{programs}{_path_without_python_of_tests()}",
            "ROADSTEAD_PORT": self.ports["7990"],
        }


def _given(page: str) -> Iterator[str]:
    for notes in re.findall(r"^<!-- given: (.*) -->$", page, re.MULTILINE):
        yield from notes.split(", ")


def _path_without_python_of_tests() -> str:
    """Return the search path, without the folder of the tests' own programs."""
    ours = Path(sys.executable).parent
    return ":".join(folder for folder in os.environ["PATH"].split(":") if Path(folder) != ours)


def _pattern(shown: str) -> "re.Pattern[str]":
    """Return a pattern of what a page shows: `…` is anything on its line, on a line of its own any number of lines."""
    return re.compile("".join("(?:.*\n)*" if line == "…" else _line(line) for line in _tidy(shown).splitlines()))


def _line(line: str) -> str:
    return re.sub(r"\d\d:\d\d:\d\d", r"\\d\\d:\\d\\d:\\d\\d", re.escape(line)).replace("…", ".*") + "\n"


def _tidy(text: str) -> str:
    """Return lines without blanks at their ends, and without empty ones at the end."""
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def _free_port() -> str:
    """Return a port of four digits, as those of the pages have, so that the output is as wide."""
    while True:
        port = random.randrange(2_000, 10_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)
