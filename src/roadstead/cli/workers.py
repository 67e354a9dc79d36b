"""Several processes on one socket."""

import logging

from uvicorn.supervisors import Multiprocess

log = logging.getLogger("roadstead.workers")


class Workers(Multiprocess):
    """Uvicorn's supervisor, which would keep the socket open while its workers finish what they have.

    Whoever connected then would wait for an answer that nobody gives.
    """

    def terminate_all(self) -> None:
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        before = list(self.processes)
        super().keep_subprocess_alive()
        for ended, started in zip(before, self.processes, strict=True):
            if started is not ended:
                log.error(
                    "Worker %s ended with exit code %s; %s takes its place.", ended.pid, ended.exitcode, started.pid
                )
