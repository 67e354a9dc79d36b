"""Maintenance of repositories after pushes, in the background of a host."""

from roadstead.domain.host import Host
from roadstead.domain.shutdown import meanwhile


async def maintain_repositories(host: Host) -> None:
    """Maintain repositories some time after pushes to them, until this is cancelled."""
    folder = await host.pushed_to.get()
    # Imports git, which a host needs only for repositories.
    from roadstead.git.caretaker import Caretaker
    from roadstead.git.folders import Folders

    caretaker = Caretaker(Folders(host.settings.data).root)
    async with meanwhile(caretaker.run()):
        while True:
            caretaker.changed(folder)
            folder = await host.pushed_to.get()
