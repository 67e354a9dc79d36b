"""Several processes on one socket."""

import logging

from uvicorn.supervisors import Multiprocess

from roadstead.cli.service_manager import tell_ready

log = logging.getLogger("roadstead.workers")


class Workers(Multiprocess):
    """Uvicorn's supervisor, which would keep the socket open while its workers finish what they have.

    Whoever connected then would wait for an answer that nobody gives.
    """

    def terminate_all(self) -> None:
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    _told_ready = False

    def keep_subprocess_alive(self) -> None:
        before = list(self.processes)
        super().keep_subprocess_alive()
        for ended, started in zip(before, self.processes, strict=True):
            if started is not ended:
                log.error(
                    "Worker %s ended with exit code %s; %s takes its place.", ended.pid, ended.exitcode, started.pid
                )
        if not self._told_ready and all(process.is_ready() for process in self.processes):
            self._told_ready = True
            tell_ready()
