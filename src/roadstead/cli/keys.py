"""`roadstead rotate-key`: encrypt the stored secrets with another key."""

from roadstead.cli.options import Data, DatabaseUrl, read_settings
from roadstead.cli.output import tell
from roadstead.cli.state import on_host


def rotate_key(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Encrypt the stored secrets with a new key.

    Works with the host running or not.
    """
    from roadstead.domain.upkeep import keys
    from roadstead.domain.upkeep.state import key_file

    settings = read_settings(data=data, database_url=database_url)
    count = on_host(settings, keys.rotate_key)
    if settings.key is None:
        tell(f"Secrets encrypted with a new key: {count}. A running host uses it from now on.")
        place = f"are below it in {key_file(settings)}"
    else:
        tell(f"Secrets encrypted with the first key in ROADSTEAD_KEY: {count}.")
        place = "follow it there"
    tell(f"The older keys {place}. Only older copies of the database still need them.")
