"""Several worker processes that share a socket."""

import logging
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

from uvicorn.supervisors import Multiprocess

from roadstead.server.service_manager import tell_ready

if TYPE_CHECKING:
    from starlette.types import ASGIApp

log = logging.getLogger("roadstead.workers")


class Workers(Multiprocess):
    """Uvicorn's supervisor, but it closes the socket before it stops the workers.

    Otherwise a client that connects while they finish would wait for an answer that never comes.
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


def worker_application() -> "ASGIApp":
    """Return the application of a worker, which stops itself when its parent process has ended."""
    from roadstead.app import app_from_environment

    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return app_from_environment()


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
