"""What a test has logged: hosts that other tests of the process share log meanwhile, in their own threads."""

import logging
import threading

import pytest


def is_of_this_thread(record: logging.LogRecord) -> bool:
    return record.thread == threading.get_ident()


def records_of_this_thread(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged by the code that the test has run itself, not in a server."""
    return [record for record in caplog.records if is_of_this_thread(record)]
