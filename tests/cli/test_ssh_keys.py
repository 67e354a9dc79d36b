"""`roadstead ssh-key`: public keys of users."""

from pathlib import Path

from tests.cli.conftest import Roadstead
from tests.public_keys import fingerprint, public_key


def test_a_key_lives_by_commands(roadstead: Roadstead, tmp_path: Path) -> None:
    """Added from a file or from standard input, listed of all users and of one, and removed."""
    roadstead.read("user", "create", "ann")
    assert b"no SSH keys" in roadstead.call("ssh-key", "list").stderr
    (file := tmp_path / "id.pub").write_text(f"{public_key('ann@laptop')}\n", "utf-8")
    made = roadstead.read("ssh-key", "add", str(file), "--user", "ann", "--label", "Laptop")
    shown = f"SHA256:{fingerprint(file.read_text())}"
    assert (made["fingerprint"], made["user"], made["label"], made["comment"]) == (shown, "ann", "Laptop", "ann@laptop")
    own = public_key()
    added = roadstead.call("ssh-key", "add", "-", stdin=own.encode())
    assert added.stdout.decode() == f"SHA256:{fingerprint(own)}\n"
    assert [one["user"] for one in roadstead.read("ssh-key", "list")] == ["ann", "operator"]
    assert roadstead.read("ssh-key", "list", "--user", "ann") == [made]
    listed = roadstead.call("ssh-key", "list").stdout.decode()
    assert all(part in listed for part in (shown, "Laptop", "ann@laptop"))
    assert roadstead.read("ssh-key", "remove", shown) == {"fingerprint": shown}
    assert roadstead.call("ssh-key", "remove", fingerprint(own)).returncode == 0
    assert roadstead.read("ssh-key", "list") == []


def test_what_cannot_be_is_refused(roadstead: Roadstead, tmp_path: Path) -> None:
    """A missing file, no key, an unknown user, a key that is not there: a reason each."""
    (file := tmp_path / "id.pub").write_text(public_key(), "utf-8")
    for arguments, reason in (
        (("add", str(tmp_path / "none")), "cannot be read"),
        (("add", str(tmp_path)), "cannot be read"),
        (("add", "-"), "not a type, a space and Base64"),
        (("add", str(file), "--user", "nobody"), "no user"),
        (("add", str(file), "--label", "x" * 101), "label"),
        (("list", "--user", "nobody"), "no user"),
        (("remove", "SHA256:x"), "no such SSH key"),
    ):
        done = roadstead.call("ssh-key", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (1, True), done.stderr
