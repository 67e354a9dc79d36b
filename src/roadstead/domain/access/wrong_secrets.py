"""What slows the guessing of passwords, tokens, sign-in codes and consumers' secrets.

A password is short, so it is not tried while there were too many wrong ones: call `check_wait` before it is compared,
and afterwards `wrong_secret` or `right_secret`. Tokens, codes and consumers' secrets have at least 144 random bits, so
the right one always works: for them, call `wrong_secret` alone.
"""

from contextlib import suppress

from roadstead.domain.access.guesses import Secret
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.errors import StorageUnavailable, TooManyGuesses
from roadstead.storage.audit import add_entry


def check_wait(host: Host, kind: Secret, account: str | None, address: str) -> None:
    """Raise `TooManyGuesses`, a 429, if there were too many wrong secrets of the account, or from the address.

    `account` is the user name of the user who was found, or else the name that was sent: a user who is named by user
    name and e-mail address in turn must not have twice as many attempts. `address` is `scope["client"][0]`.
    """
    _refuse(host, kind, account, address, host.guesses.wait(kind, account, address))


def wrong_secret(host: Host, kind: Secret, account: str | None, address: str) -> None:
    """Count a wrong secret. Raise `TooManyGuesses` if there were too many before it."""
    _refuse(host, kind, account, address, host.guesses.count(kind, account, address))


def right_secret(host: Host, kind: Secret, account: str, address: str) -> None:
    """Note that the secret was right: from now on, wrong ones of others do not lock this account out at the address."""
    host.guesses.know(kind, account, address)


def _refuse(host: Host, kind: Secret, account: str | None, address: str, wait: int) -> None:
    if not wait:
        return
    host.refusals.add(429, "guesses", address, request_id.CURRENT.get())
    if host.guesses.is_news(kind):
        host.run_later(_log(host, kind, account, address))
    raise TooManyGuesses(kind, wait)


async def _log(host: Host, kind: Secret, account: str | None, address: str) -> None:
    details = {} if account is None else {"account": account[:64]}
    with suppress(StorageUnavailable):
        async with host.store.database.transaction() as tx:
            await add_entry(
                tx,
                actor=f"address {address}",
                action=f"too many wrong {kind}s",
                subject="sign-in",
                details=details,
                now=host.now(),
            )
