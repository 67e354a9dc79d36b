"""What a host does for its repositories in the background. A host without any does not import git's library for it."""

from roadstead.domain.host import Host
from roadstead.domain.shutdown import meanwhile


async def maintain_repositories(host: Host) -> None:
    """Maintain repositories some time after pushes to them, until this is cancelled."""
    folder = await host.pushed_to.get()
    from roadstead.git.caretaker import Caretaker
    from roadstead.git.folders import Folders

    caretaker = Caretaker(Folders(host.settings.data).root)
    async with meanwhile(caretaker.run()):
        while True:
            caretaker.changed(folder)
            folder = await host.pushed_to.get()


async def remove_left_downloads(host: Host) -> None:
    """Remove the files for downloading that processes left when they were killed. Once, after the start."""
    from roadstead.domain.repositories.download_files import DownloadFiles

    if DownloadFiles(host.settings.data).root.exists():
        from roadstead.domain.repositories.downloads import sweep_downloads  # with all that reads repositories

        await sweep_downloads(host)
