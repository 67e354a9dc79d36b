"""Argon2id, the hash of passwords. Imported late: few requests need it, and the import loads a library in C.

19 MiB of memory, two passes and one lane, as OWASP recommends: some 30 ms of one processor on a small machine.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_OF_NO_ACCOUNT = HASHER.hash("")
"""For an account that does not exist or has no password: a guess takes as long as at any other."""


def verify(stored: str | None, password: bytes) -> bool:
    """Return whether a password is the one of a hash; without a hash it is not, and takes as long."""
    try:
        return HASHER.verify(stored or _OF_NO_ACCOUNT, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def hash_password(password: bytes) -> str:
    """Return the hash of a password, with a salt of its own."""
    return HASHER.hash(password)


def is_outdated(stored: str) -> bool:
    """Return whether a hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)
