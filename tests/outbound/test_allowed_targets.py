"""The setting `allow_target`: its entries, what each allows, and what it does not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.domain.upkeep.reach import is_roadstead
from roadstead.errors import OutgoingCallFailed
from roadstead.settings import InvalidSetting, Settings
from roadstead.targets import AllowedTargets, Target
from tests.outbound.conftest import Internet, Server
from tests.outbound.test_attacks import get

NAMES = {
    "app.corp": "10.1.2.3",
    "a.b.corp": "10.1.2.3",
    "corp": "10.1.2.3",
    "appcorp": "10.1.2.3",
    "app.corp.example": "10.1.2.3",
    "my_app": "172.18.0.4",
    "host.docker.internal": "192.168.65.254",
    "here.corp": "127.0.0.1",
    "metadata.corp": "169.254.169.254",
    "azure.corp": "168.63.129.16",
}

ALLOWED = [
    ("10.0.0.0/8", "10.255.255.255"),
    ("10.0.0.0/8", "app.corp"),
    ("10.0.0.0/8", "167772161"),
    ("10.0.0.0/255.0.0.0", "10.1.2.3"),
    ("10.1.2.3", "10.1.2.3"),
    ("10.1.2.3", "app.corp"),
    ("fd12::/16", "[fd12::7]"),
    ("fd12::7", "[FD12:0::0:7]"),
    ("127.0.0.0/8", "127.0.0.1"),
    ("0.0.0.0/0", "10.1.2.3"),
    ("::/0", "[::1]"),
    ("::ffff:0:0/96", "[::ffff:10.0.0.1]"),
    ("app.corp", "app.corp"),
    ("app.corp", "APP.corp."),
    ("App.Corp.", "app.corp"),
    ("*.corp", "app.corp"),
    ("*.corp", "a.b.corp"),
    ("*.corp", "here.corp"),
    ("*.CORP", "APP.CORP"),
    ("my_app", "my_app"),
    ("host.docker.internal", "host.docker.internal"),
    (" 10.1.2.3 , *.example ", "10.1.2.3"),
    ("169.254.169.254", "169.254.169.254"),
    ("169.254.169.254/32", "metadata.corp"),
    ("168.63.129.16", "azure.corp"),
    ("fd00:ec2::254", "[fd00:ec2::254]"),
]
NOT_ALLOWED = [
    ("10.0.0.0/8", "172.16.0.1"),
    ("10.0.0.0/8", "127.0.0.1"),
    ("10.0.0.0/8", "[::ffff:10.0.0.1]"),
    ("10.0.0.0/8", "[64:ff9b::10.0.0.1]"),
    ("10.1.2.3", "10.1.2.4"),
    ("*.corp", "corp"),
    ("*.corp", "appcorp"),
    ("*.corp", "app.corp.example"),
    ("*.corp", "10.1.2.3"),
    ("app.corp", "a.b.corp"),
    ("corp", "app.corp"),
    ("*.corp", "metadata.corp"),
    ("*.corp", "azure.corp"),
    ("metadata.corp", "metadata.corp"),
    ("169.254.0.0/16", "169.254.169.254"),
    ("169.254.169.254/31", "169.254.169.254"),
    ("0.0.0.0/0", "169.254.169.254"),
    ("::/0", "[fd00:ec2::254]"),
    ("::/0", "[::ffff:169.254.169.254]"),
    ("169.254.169.254", "[::ffff:169.254.169.254]"),
    ("169.254.169.254", "169.254.170.2"),
]


@pytest.fixture
def private_names(internet: Internet) -> Internet:
    internet.names |= {name: [[address]] for name, address in NAMES.items()}
    return internet


@pytest.mark.sample(10)
@pytest.mark.parametrize(("entry", "host"), ALLOWED)
def test_what_an_entry_allows(private_names: Internet, entry: str, host: str) -> None:
    """A network or an address, reached in any way; a name, for any address; a metadata address, only by itself."""
    with pytest.raises(OutgoingCallFailed, match="Connection refused"):
        get(f"http://{host}:8080/", allowed=entry)
    assert len(private_names.connected_to) == 1


@pytest.mark.sample(10)
@pytest.mark.parametrize(("entry", "host"), NOT_ALLOWED)
def test_what_an_entry_does_not_allow(private_names: Internet, entry: str, host: str) -> None:
    """It allows nothing beside it, and no address that wraps it; the refusal names the setting that would."""
    with pytest.raises(OutgoingCallFailed, match="may not be called") as refused:
        get(f"http://{host}:8080/", allowed=entry)
    assert "--allow-target" in refused.value.detail
    assert private_names.connected_to == []


def test_our_own_address_is_asked_wherever_it_is(private_names: Internet, server: Server) -> None:
    """A host's check of its own base URL needs no permission: the operator gave that URL."""
    private_names.servers["10.1.2.3"] = server.port
    server.answers = [b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"status": "ok"}']
    assert asyncio.run(is_roadstead("http://app.corp"))
    assert asyncio.run(is_roadstead("http://10.1.2.3:7990"))


def read(data: Path, options: dict[str, Any] | None = None, **environ: str) -> AllowedTargets:
    return Settings.read({"data": str(data), **(options or {})}, environ).allow_target


def test_entries_come_from_options_environment_or_file(tmp_path: Path) -> None:
    """Several options, text with commas, or a list; only the first of these counts, as with every setting."""
    expected = AllowedTargets.read(["10.0.0.0/8", "*.corp"])
    assert read(tmp_path) == AllowedTargets()
    (tmp_path / "roadstead.toml").write_text('allow_target = ["10.0.0.0/8", "*.corp"]')
    assert read(tmp_path) == expected
    assert read(tmp_path, ROADSTEAD_ALLOW_TARGET="app.corp") == AllowedTargets((Target("app.corp"),))
    assert read(tmp_path / "x", ROADSTEAD_ALLOW_TARGET=" 10.0.0.0/8,*.corp, ") == expected
    options = {"allow_target": ["10.0.0.0/8", "*.corp"]}
    assert read(tmp_path / "x", options, ROADSTEAD_ALLOW_TARGET="app.corp") == expected


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "0x7f000001",
        "2130706433",
        "fd12::/129",
        "fe80::1%eth0",
        "[fd12::7]",
        "[10.0.0.1]:80",
        "[app.corp]:80",
        "[::1]:",
        "[::1]:0",
        "app.corp:",
        "app.corp:0",
        "app.corp:65536",
        "app.corp:080",
        "app.corp:+80",
        "app.corp:8o",
        "app.corp:80:80",
        "10.0.0.1/8:80",
        ":80",
        "fd12::7:x",
        "http://app.corp",
        "app.corp/path",
        "*",
        "*.",
        "*.*.corp",
        "app.*",
        "*corp",
        ".corp",
        "app..corp",
        "büro.corp",
        "a b",
        "user@app.corp",
    ],
)
def test_an_entry_that_cannot_be_stops_the_start(tmp_path: Path, entry: str) -> None:
    """The message names the entry, its source and the valid forms; a valid entry beside it does not help."""
    with pytest.raises(InvalidSetting) as refused:
        read(tmp_path, ROADSTEAD_ALLOW_TARGET=f"app.corp,{entry}")
    assert refused.value.message.startswith(f"ROADSTEAD_ALLOW_TARGET cannot be used: {entry!r} ")
    assert "*.corp" in refused.value.detail


@pytest.mark.parametrize("line", ["7", "true", "[7]", "{}", '["10.0.0.0/8", ["*.corp"]]', '"10.0.0.1/8"'])
def test_a_line_that_cannot_be_stops_the_start(tmp_path: Path, line: str) -> None:
    """The file takes text or a list of texts."""
    (tmp_path / "roadstead.toml").write_text(f"allow_target = {line}")
    with pytest.raises(InvalidSetting, match=r"allow_target in .*roadstead\.toml"):
        read(tmp_path)


@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.integers(0, 32).map(lambda bits: f"0.0.0.0/{bits}"),
            st.sampled_from(
                ["app.corp", "*.corp", "my_app", "*.b-c.d", "app.corp:1", "[fd12::/16]:65535", "10.0.0.0/8:80"]
            ),
        )
    )
)
def test_written_out_it_reads_the_same(entries: list[str]) -> None:
    """Worker processes get the setting as text."""
    allowed = AllowedTargets.read(entries)
    assert AllowedTargets.read([str(allowed)]) == allowed
