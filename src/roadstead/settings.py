"""Every setting, read once into one frozen object.

A setting is given as a command line option, as an environment variable `ROADSTEAD_…`, or as a line in
`roadstead.toml` in the data folder; the first of these that has it counts. `docs/reference/configuration.md` lists
them, and a test compares it with `SETTINGS`.
"""

import ipaddress
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from roadstead.data_folder import data_folder
from roadstead.errors import InvalidInput
from roadstead.targets import AllowedTargets

DEFAULT_PORT = 7990
SAMPLES_FOLDER = "ROADSTEAD_SAMPLES_FOLDER"
"""The environment variable in which `serve` tells its workers the folder of their counts. Not a setting: each run has
its own folder.
"""


Era = Literal["before-2026-04", "before-2026-08", "2026-11"]
"""A time of the cloud, the oldest first."""


class InvalidSetting(InvalidInput):
    """A setting cannot be used; the message names it and its source."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this host runs.

    `base_url` is the URL at which apps and browsers reach the host (no trailing slash); `None` means
    `http://localhost:<port>`, or that of the running host. `key` is the secret that encrypts secrets; `None` means the
    key file in the data folder. `linkers_without_values` says what a `(?K)` linker matches before its first value is
    stored. `allow_target` names the targets that may be called beside public addresses. `rate_limit` is how many
    requests an installation may make in an hour, and `repository_limit` how many GiB a repository may have; 0 means any
    number. `keep_requests` is how many of the last calls are kept, `keep_deliveries` how many deliveries of events, and
    `log_requests` which requests get a line in the log. `era` says which of the cloud's later removals are not in
    force. `ssh_url` is where the system's sshd serves git over SSH, if it does: `ssh://git@host`, perhaps with a port.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    base_url: str | None = None
    database_url: str | None = field(default=None, repr=False)
    workers: int = 1
    linkers_without_values: Literal["everything", "nothing"] = "everything"
    keep_requests: int = 1_000
    keep_deliveries: int = 10_000
    log_requests: Literal["failed", "all"] = "failed"
    allow_target: AllowedTargets = field(default_factory=AllowedTargets)
    rate_limit: int = 0
    repository_limit: int = 0
    era: Era = "2026-11"
    ssh_url: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def listens_on_loopback(self) -> bool:
        """Return whether only this machine can reach the host, which is why it may call apps on this machine."""
        return is_loopback(self.host)

    @property
    def postgresql_url(self) -> str | None:
        """Return the PostgreSQL database, or `None` when there is an SQLite file. May contain a password."""
        return self.database_url if (self.database_url or "").startswith(_POSTGRESQL) else None

    @property
    def database_name(self) -> str:
        """Return the database as it may be shown: without a password, and without options, which may contain one."""
        if self.postgresql_url is None:
            return str(self.database_file)
        parts = urlsplit(self.postgresql_url)
        user, at, place = parts.netloc.rpartition("@")
        name, colon, _ = user.partition(":")
        return f"postgresql://{name}{colon and ':***'}{at}{place}{parts.path}"

    @property
    def public_database_url(self) -> str | None:
        """Return the URL of the database, unless it has a password, or options, which may contain one."""
        parts = urlsplit(self.postgresql_url or "")
        return None if parts.password or parts.query or parts.fragment else self.database_url

    @property
    def database_file(self) -> Path:
        """Return the SQLite file."""
        if self.database_url is None:
            return self.data / "roadstead.db"
        return Path(self.database_url.removeprefix("sqlite:///")).expanduser()

    @classmethod
    def read(cls, options: Mapping[str, Any], environ: Mapping[str, str]) -> "Settings":
        """Read the settings. `options` are those of the command line; `None` counts as not given.

        Raise `InvalidSetting`.
        """
        data = Path(data_folder(options.get("data"), environ))
        file = data / "roadstead.toml"
        lines = _read_file(file)
        found: dict[str, Any] = {}
        for name in SETTINGS:
            sources = (
                (options.get(name), f"--{name.replace('_', '-')}"),
                (environ.get(f"ROADSTEAD_{name.upper()}") or None, f"ROADSTEAD_{name.upper()}"),
                (lines.get(name), f"{name} in {file}"),
            )
            given = next(((value, source) for value, source in sources if value is not None), None)
            if given is not None:
                found[name] = _CHECKS[name](*given)
        return cls(data=data, **found)


def may_others_write(path: Path) -> bool:
    """Return whether users other than the owner may write the file. Raise `OSError`."""
    return bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _may_others_write_inside(file: Path) -> bool:
    """Return whether others may write to a file in our own folder: not if they may not enter the folder."""
    mode, folder = file.stat().st_mode, file.parent.stat().st_mode
    group = mode & stat.S_IWGRP and folder & stat.S_IXGRP
    everybody = mode & stat.S_IWOTH and folder & stat.S_IXOTH
    return bool(group or everybody)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server that listens at the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


SETTINGS = tuple(setting.name for setting in fields(Settings) if setting.name != "data")


def _read_file(file: Path) -> Mapping[str, Any]:
    try:
        text = file.read_text("utf-8")
        others_may_write = _may_others_write_inside(file)
    except FileNotFoundError:
        return {}
    except NotADirectoryError as exc:
        raise InvalidSetting(f"{file.parent} is not a folder.", "Choose another with --data.") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(file, exc) from exc
    lines = _parse(file, text)
    if others_may_write:  # and with it the permitted targets and the database
        raise InvalidSetting(f"Users other than its owner may write to {file}.", f"Run: chmod go-w {file}")
    if unknown := lines.keys() - set(SETTINGS):
        raise InvalidSetting(
            f"{file} has an unknown setting {min(unknown)!r}.", f"Known settings: {', '.join(SETTINGS)}."
        )
    return lines


def _parse(file: Path, text: str) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _unreadable(file, exc) from exc


def _unreadable(file: Path, reason: Exception) -> InvalidSetting:
    return InvalidSetting(f"{file} cannot be read: {reason}.", "Correct the file or move it away.")


def _text(value: object, source: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidSetting(f"{source} must be text.", "It is empty or something else.")
    return value.strip()


def _whole_number(value: object, source: str, least: int, most: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise InvalidSetting(f"{source} must be a whole number from {least} to {most}, not {value!r}.")
    return int(text)


_PLACE = re.compile(r"(?:[a-zA-Z0-9_.\-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]+)?")
"""Host and port, as headers contain them. A name beyond ASCII is written as `xn--…`."""


def _base_url(value: object, source: str) -> str:
    url = _text(value, source).rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and _PLACE.fullmatch(parts.netloc) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.path or parts.query or parts.fragment:
        raise InvalidSetting(
            f"{source} must be an address like https://roadstead.example.com, not {value!r}.",
            "Give scheme and host, and the port where it is not the usual one; a path is not supported, and a name "
            "that is not ASCII is written as xn--….",
        )
    return url


_SSH_URL = re.compile(r"ssh://[a-z_][a-z0-9_.-]{0,31}@[a-zA-Z0-9_.-]+(:[0-9]{1,5})?")


def _ssh_url(value: object, source: str) -> str:
    url = _text(value, source)
    if _SSH_URL.fullmatch(url):
        return url
    raise InvalidSetting(
        f"{source} must be an address like ssh://roadstead@code.example.com, not {value!r}.",
        "Give the account that runs Roadstead, the host, and the port where it is not 22.",
    )


def read_database_url(value: object, source: str) -> str:
    """Return the URL as `source` gave it. Raise `InvalidSetting`."""
    url = _text(value, source)
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return url
    if url.startswith(_POSTGRESQL) and _is_url(url):
        return url
    # Do not repeat the value: it may contain a password.
    raise InvalidSetting(
        f"{source} must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///path/to/file.db.",
        "Characters such as @ and / in a password are written %40 and %2F. Left out, the data folder has the database.",
    )


_POSTGRESQL = ("postgresql://", "postgres://")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.port != 0 and not (parts.username is None and "@" in parts.netloc)
    except ValueError:
        return False


def _one_of(value: object, source: str, *choices: str) -> str:
    if value not in choices:
        either = " or ".join(f'"{choice}"' for choice in choices)
        raise InvalidSetting(f"{source} must be {either}, not {value!r}.")
    return str(value)


def _allow_target(value: object, source: str) -> AllowedTargets:
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise InvalidSetting(f"{source} must be a list of texts, not {value!r}.", _TARGET_FORMS)
    try:
        return AllowedTargets.read(entries)
    except ValueError as exc:
        raise InvalidSetting(f"{source} cannot be used: {exc}", _TARGET_FORMS) from exc


_TARGET_FORMS = (
    "An entry is a network (10.0.0.0/8), an address, a host (app.corp) or all below a domain (*.corp), "
    "and may end in a port: app.corp:8080, [fd12::7]:8080."
)

_CHECKS: Mapping[str, Any] = {
    "host": _text,
    "port": lambda value, source: _whole_number(value, source, 0, 65535),
    "base_url": _base_url,
    "database_url": read_database_url,
    "workers": lambda value, source: _whole_number(value, source, 1, 64),
    "linkers_without_values": lambda value, source: _one_of(value, source, "everything", "nothing"),
    "keep_requests": lambda value, source: _whole_number(value, source, 0, 10_000),
    "keep_deliveries": lambda value, source: _whole_number(value, source, 0, 10_000_000),
    "log_requests": lambda value, source: _one_of(value, source, "failed", "all"),
    "allow_target": _allow_target,
    "rate_limit": lambda value, source: _whole_number(value, source, 0, 100_000),
    "repository_limit": lambda value, source: _whole_number(value, source, 0, 1_000_000),
    "ssh_url": _ssh_url,
    "era": lambda value, source: _one_of(value, source, *get_args(Era)),
    "key": _text,
}
