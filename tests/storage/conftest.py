import pytest

from roadstead.settings import Settings
from tests import postgres
from tests.conftest import NewDatabase
from tests.schemas import make_schema


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, kind_of_database: str, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    """Return a maker of databases that have the schema already, if they are PostgreSQL's."""
    if kind_of_database == "sqlite":
        return lambda: None
    server: postgres.Server = request.getfixturevalue("postgresql")
    template = server.new_database()
    make_schema(Settings(data=tmp_path_factory.mktemp("schema"), database_url=template))
    return lambda: server.new_database(template.rpartition("/")[2])
