"""Change the key that secrets are encrypted with at rest."""

from roadstead.domain.host import Host
from roadstead.errors import Conflict, InvalidInput
from roadstead.storage.audit import add_entry
from roadstead.storage.rotation import seal_anew
from roadstead.storage.sealing import key_in_force
from roadstead.storage.secrets import KeyFile, keys_of, new_key


async def rotate_key(host: Host) -> int:
    """Encrypt every secret with a new key, while the host keeps serving; return their number.

    The new key is put before the older ones in the key file, and only then used, so a kill at any moment loses nothing.
    The older ones stay: older copies of the database need them. Of the setting `key` the first one is taken.

    Raise `InvalidInput` when that one is in use already, `Conflict` during another rotation, and `StorageUnusable` when
    the key file cannot be written or a secret cannot be read.
    """
    lease = await host.store.database.lease("key-rotation")
    if lease is None:
        raise Conflict("The key is being changed at this moment.", "Wait for that to end.")
    try:
        keys = keys_of(host.settings.data, host.settings.key)
        if isinstance(keys, KeyFile):
            keys.replace([new_key(), *keys.read()])
        return await _use_first_key(host)
    finally:
        await lease.release()


async def _use_first_key(host: Host) -> int:
    store = host.store
    first = store.secrets.read_again()[0]
    async with store.database.transaction() as tx:
        if await key_in_force(tx) == first:
            raise InvalidInput(
                "The key comes from the setting key (ROADSTEAD_KEY), and its first key is in use already.",
                "Put a new one before it, separated by a comma, restart the host with both, and run this again.\n"
                "Make one with: head -c 32 /dev/urandom | base64 | tr '+/' '-_'",
            )
        count = await seal_anew(store, tx, first)
        await add_entry(
            tx,
            actor=host.operator,
            action="key rotated",
            subject="secrets at rest",
            details={"secrets": count},
            now=host.now(),
        )
    return count
