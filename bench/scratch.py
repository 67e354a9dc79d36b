"""The folder for benchmark data: inside the checkout, because a commit must wait for a disk.

The system's folder for temporary files is often in memory, where a durable write costs nothing.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=CACHE) as folder:
        yield Path(folder)
