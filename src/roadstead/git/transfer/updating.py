"""Changes of refs that the host itself makes: all of them or none, and only from the objects that it expects."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from roadstead.errors import GitFailed
from roadstead.git.environment import environment, program
from roadstead.git.transfer.piped import Piped
from roadstead.git.transfer.programs import committer
from roadstead.pushed import RefChange


async def update_refs(folder: Path, push_id: str, lock: int, changes: Sequence[RefChange]) -> None:
    """Make all changes of refs, or none. The program inherits the descriptor `lock`. Raise `GitFailed`."""
    command = [program(), f"--git-dir={folder}", "update-ref", "-m", "push", "--no-deref", "--stdin"]
    variables = {**environment(), **committer(push_id)}
    child = Piped(command, variables, passed=(lock,), errors=subprocess.STDOUT)
    said = bytearray()
    try:
        await child.write("".join(["start\n", *map(_line, changes), "prepare\ncommit\n"]).encode())
        child.close_input()
        while piece := await child.read():
            said += piece
    except BrokenPipeError:
        said += await child.read()
    finally:
        code = await child.end()
    if code:
        raise GitFailed("git update-ref failed.", said.decode("utf-8", "replace").strip())


def _line(change: RefChange) -> str:
    if change.creates:
        return f"create {change.ref} {change.new}\n"
    if change.deletes:
        return f"delete {change.ref} {change.old}\n"
    return f"update {change.ref} {change.new} {change.old}\n"
