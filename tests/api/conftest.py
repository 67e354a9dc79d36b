from collections.abc import Iterator

import pytest

from tests.conftest import NewDatabase
from tests.live import LiveHost, live_host


@pytest.fixture(scope="package")
def host(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[LiveHost]:
    """Yield a host for the tests of the API only: those of other rooms install hundreds of apps, hostile ones among
    them.
    """
    with live_host(tmp_path_factory.mktemp("api"), database_url=new_database()) as running:
        yield running
