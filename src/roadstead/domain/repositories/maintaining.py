"""Work on repositories in the background. A host without repositories does not import pygit2 for it."""

from roadstead.domain.host import Host
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.shutdown import meanwhile


async def maintain_repositories(host: Host) -> None:
    """Measure repositories after pushes to them, and maintain them some time later, until this is cancelled."""
    folder = await host.pushed_to.get()
    from roadstead.domain.repositories.sizes import Measuring
    from roadstead.git.caretaker import Caretaker

    measuring = Measuring(host)
    caretaker = Caretaker(folders_of(host).root, maintained=lambda folder: measuring.changed(folder.stem))
    async with meanwhile(measuring.run()), meanwhile(caretaker.run()):
        while True:
            measuring.changed(folder.stem)
            caretaker.changed(folder)
            folder = await host.pushed_to.get()


async def remove_left_files(host: Host) -> None:
    """Remove downloads and LFS objects that killed processes left. The host does so once, after its start."""
    from roadstead.domain.repositories.stored_files import downloads_in, lfs_objects_in

    # The modules below bring all that reads repositories.
    if downloads_in(host.settings.data).root.exists():
        from roadstead.domain.repositories.downloads import sweep_downloads

        await sweep_downloads(host)
    if lfs_objects_in(host.settings.data).root.exists():
        from roadstead.domain.repositories.lfs import sweep_objects

        await sweep_objects(host)
