import subprocess
import threading
from typing import Any

import pytest

from roadstead.git import processes


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> "list[subprocess.Popen[bytes]]":
    """Return the processes that the test starts, which has its own thread: hosts that other tests share start some,
    too.
    """
    found: list[subprocess.Popen[bytes]] = []
    start, here = processes.start, threading.get_ident()

    def noted(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        process = start(*arguments, **options)
        if threading.get_ident() == here:
            found.append(process)
        return process

    monkeypatch.setattr(processes, "start", noted)
    return found
