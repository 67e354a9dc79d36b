"""Settings: their sources, and the messages about wrong ones."""

from pathlib import Path

import pytest

from roadstead.settings import SETTINGS, InvalidSetting, Settings


def _read(data: Path, options: dict[str, object] | None = None, **environ: str) -> Settings:
    return Settings.read({"data": str(data), **(options or {})}, environ)


def test_the_first_source_that_has_a_setting_counts(tmp_path: Path) -> None:
    """Option before environment before file before default."""
    assert _read(tmp_path).port == 7990
    (tmp_path / "roadstead.toml").write_text("port = 1\nhost = 'localhost'\n")
    assert _read(tmp_path).port == 1
    assert _read(tmp_path, ROADSTEAD_PORT="2").port == 2
    assert _read(tmp_path, {"port": 3}, ROADSTEAD_PORT="2").port == 3
    assert _read(tmp_path, {"port": None}).host == "localhost"


def test_the_data_folder_comes_from_option_or_environment(tmp_path: Path) -> None:
    """The file with the other settings is found in it."""
    assert Settings.read({}, {"ROADSTEAD_DATA": str(tmp_path)}).data == tmp_path
    assert Settings.read({"data": tmp_path / "x"}, {"ROADSTEAD_DATA": str(tmp_path)}).data == tmp_path / "x"
    assert Settings.read({}, {}).data.is_absolute()


def test_a_whole_path_needs_no_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is given one works in a folder that was deleted."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Settings.read({"data": str(tmp_path)}, {}).data == tmp_path


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "-1"),
        ("port", "65536"),
        ("port", "８０"),
        ("workers", "0"),
        ("workers", "many"),
        ("base_url", "roadstead.example.com"),
        ("base_url", "ftp://x"),
        ("base_url", "https://x/path"),
        ("base_url", "https://user@x"),
        ("base_url", "https://x?y"),
        ("base_url", "https://x:99999"),
        ("base_url", "https://["),
        ("base_url", "https://@x"),
        ("base_url", "https://x;y"),
        ("base_url", "https://[::1];x"),
        ("base_url", "https://büro.example"),
        ("database_url", "mysql://x"),
        ("database_url", "postgresql://x:port/y"),
        ("database_url", "postgresql://x:99999/y"),
        ("database_url", "postgresql+asyncpg://x/y"),
        ("database_url", "sqlite:///"),
        ("linkers_without_values", "some"),
        ("era", "2026-04"),
        ("ssh_url", "git@code.example"),
        ("ssh_url", "ssh://code.example"),
        ("ssh_url", "ssh://git@code.example/path"),
        ("ssh_url", "ssh://-oProxyCommand=x@code.example"),
        ("ssh_url", "ssh://git@code.example:port"),
        ("rate_limit", "-1"),
        ("rate_limit", "1.5"),
        ("rate_limit", "100001"),
        ("repository_limit", "-1"),
        ("host", " "),
        ("key", " "),
    ],
)
def test_a_wrong_setting_names_itself(tmp_path: Path, name: str, value: str) -> None:
    """The message names the setting and its source."""
    with pytest.raises(InvalidSetting, match=f"ROADSTEAD_{name.upper()}"):
        Settings.read({"data": str(tmp_path)}, {f"ROADSTEAD_{name.upper()}": value})


@pytest.mark.parametrize("text", ["port =", "unknown = 1", "port = true", "port = 'x'", "host = 7", "\xff\xfe"])
def test_a_wrong_file_names_itself(tmp_path: Path, text: str) -> None:
    """A broken or misspelt settings file prevents start-up, and the message has its path."""
    (tmp_path / "roadstead.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidSetting, match=r"roadstead\.toml"):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("folder", "mode", "refused"),
    [
        (0o755, 0o600, False),
        (0o755, 0o644, False),
        (0o755, 0o664, True),
        (0o755, 0o602, True),
        (0o750, 0o664, True),
        (0o750, 0o602, False),
        (0o700, 0o666, False),
    ],
)
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, folder: int, mode: int, refused: bool) -> None:
    """The refusal has the command that corrects it: the file names the database and the permitted targets.

    In a folder that others may not enter, the file is safe with any mode.
    """
    file = tmp_path / "roadstead.toml"
    file.write_text("port = 1")
    file.chmod(mode)
    tmp_path.chmod(folder)
    if not refused:
        assert _read(tmp_path).port == 1
        return
    with pytest.raises(InvalidSetting, match="may write") as raised:
        _read(tmp_path)
    assert raised.value.detail == f"Run: chmod go-w {file}"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.com", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(tmp_path: Path, host: str, loopback: bool) -> None:
    """Only a loopback address lets the host call apps on this machine."""
    assert _read(tmp_path, {"host": host}).listens_on_loopback is loopback


def test_the_base_url_has_no_trailing_slash(tmp_path: Path) -> None:
    """It is put before paths that begin with one."""
    assert _read(tmp_path, {"base_url": "https://x.example:8443/"}).base_url == "https://x.example:8443"


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    """A secret setting is in no repr."""
    assert "hidden" not in repr(_read(tmp_path, {"key": "hidden"}))


@pytest.mark.parametrize(
    ("url", "is_public"),
    [
        ("sqlite:////srv/state.db", True),
        ("postgresql://roadstead@db.example/roadstead", True),
        ("postgresql://roadstead:hidden@db.example/roadstead", False),
        ("postgresql://db.example/roadstead?password=hidden", False),
    ],
)
def test_a_database_url_with_a_password_is_not_public(tmp_path: Path, url: str, is_public: bool) -> None:
    """Commands that are printed name a database only by a URL that may be shown as a whole."""
    assert _read(tmp_path, {"database_url": url}).public_database_url == (url if is_public else None)


def test_every_setting_is_documented() -> None:
    """The reference names each setting and its environment variable."""
    reference = (Path(__file__).parent.parent / "docs" / "reference" / "configuration.md").read_text("utf-8")
    for name in (*SETTINGS, "data"):
        assert f"`ROADSTEAD_{name.upper()}`" in reference, name
