"""Several processes on one socket."""

from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """Uvicorn's supervisor, which would keep the socket open while its workers finish what they have.

    Whoever connected then would wait for an answer that nobody gives.
    """

    def terminate_all(self) -> None:
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
