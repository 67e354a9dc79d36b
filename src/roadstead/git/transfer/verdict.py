"""The verdict on a push, given before any ref changes: a hook of git asks for it over inherited descriptors.

git has checked the pack and keeps it in quarantine while `pre-receive` runs. Our hook is a shell script, which writes
the changes to one descriptor and reads the verdict from another. Without a verdict, because the host was killed for
instance, the push is refused.

Objects leave the quarantine only after a yes, so they need not be on the disk before it. The host waits for the disk
while the judge runs.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from roadstead.git.disk import fail, sync_all
from roadstead.git.transfer.piped import until_ready
from roadstead.pushed import RefChange

HOOK = """\
#!/bin/sh
# Asks the host, over two inherited descriptors, whether the push may go on. Without an answer it may not.
# A few changes, and a yes, pass through the shell itself: each other program would take longer than all of this.
{
    echo "$GIT_QUARANTINE_PATH"
    left=8
    while [ "$left" -gt 0 ] && IFS= read -r change; do
        echo "$change"
        left=$((left - 1))
    done
    [ "$left" -gt 0 ] || cat
    echo
} > "/dev/fd/$ROADSTEAD_QUESTION" || exit 1
{ read -r code && { [ "$code" = 0 ] || cat >&2; }; } < "/dev/fd/$ROADSTEAD_VERDICT" || exit 1
exit "$code"
"""
_PIECE_BYTES = 64 * 1024
_LONGEST_REASON = 2000
"""In characters: it must fit into a pipe, so that writing it never waits."""


class Question(NamedTuple):
    """What a push would change. `quarantine` is the folder of its objects, of which a mere deletion has none."""

    quarantine: Path | None
    changes: list[RefChange]


Judge = Callable[[Question], Awaitable[str | None]]
"""Returns why a push is refused, in lines for its user, or `None` if it may go on."""


def write_hook(folder: Path) -> None:
    """Put the hook into a folder, unless it is there."""
    hook = folder / "pre-receive"
    with suppress(FileNotFoundError):
        if hook.read_text("utf-8") == HOOK:
            return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = folder / f"pre-receive.{os.getpid()}"
    made.write_text(HOOK, "utf-8")
    made.chmod(0o700)
    made.replace(hook)


class Dialogue:
    """The two pipes between the hook of one push and the host."""

    def __init__(self) -> None:
        self._asked, self._question = os.pipe()
        self._verdict, self._answered = os.pipe()
        os.set_blocking(self._asked, False)

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells the hook which descriptors they are."""
        return {"ROADSTEAD_QUESTION": str(self._question), "ROADSTEAD_VERDICT": str(self._verdict)}

    @contextmanager
    def passing(self) -> Iterator[tuple[int, int]]:
        """Yield the descriptors that git inherits while the block starts it.

        Then the host closes them, because only so does each side see when the other has ended.
        """
        with ExitStack() as after_failure:
            after_failure.callback(os.close, self._asked)
            after_failure.callback(os.close, self._answered)
            try:
                yield self._question, self._verdict
            finally:
                os.close(self._question)
                os.close(self._verdict)
            after_failure.pop_all()

    async def answer(self, judge: Judge) -> None:
        """Answer the question. If none comes, because git has nothing to change, return when git has ended."""
        try:
            asked = await self._read()
            if asked is not None:
                storing = asyncio.create_task(_store(asked.quarantine))
                try:
                    reason = await judge(asked) or await storing
                finally:
                    storing.cancel()
                with suppress(BrokenPipeError):
                    os.write(self._answered, b"0\n" if reason is None else f"1\n{reason[:_LONGEST_REASON]}\n".encode())
        finally:
            os.close(self._asked)
            os.close(self._answered)

    async def _read(self) -> Question | None:
        loop, read = asyncio.get_running_loop(), bytearray()
        while not read.endswith(b"\n\n"):
            try:
                piece = os.read(self._asked, _PIECE_BYTES)
            except BlockingIOError:
                await until_ready(loop.add_reader, loop.remove_reader, self._asked)
                continue
            if not piece:
                return None
            read += piece
        quarantine, *lines = os.fsdecode(bytes(read)).rstrip("\n").split("\n")
        place = Path(quarantine) if quarantine else None
        return Question(place, [RefChange(*line.split(" ", 2)) for line in lines])


async def _store(quarantine: Path | None) -> str | None:
    """Wait until the received objects are on the disk. Return the reason if they cannot be stored."""
    if quarantine is None:
        return None
    try:
        found = os.walk(quarantine, onerror=fail)
        await sync_all(Path(folder, name) for folder, _, names in found for name in names)
    except OSError as exc:
        return f"The objects cannot be stored.\n{exc.strerror}."
    return None
