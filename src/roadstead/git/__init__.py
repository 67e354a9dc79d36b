"""Git: the only room that runs git or imports a git library. It knows ids, bytes and folders, and nothing of Bitbucket.

A repository is named by its folder, as `folders.Folders.path` returns it. Ids are texts of 40 hexadecimal digits, paths
in a repository are bytes without a slash at either end, and the empty path is the root.
"""

from collections.abc import Awaitable, Callable

closing: list[Callable[[], Awaitable[None]]] = []
"""What to do when the host stops. A module adds its own when it is imported, so that stopping imports nothing."""


async def close() -> None:
    """Close the repositories and end the processes that are open in this process. They open again when needed."""
    for each in closing:
        await each()
