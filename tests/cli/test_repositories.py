"""`roadstead repo`: repositories by commands, without a running host."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Roadstead

MEMBERS = "workspace slug full_name uuid name project is_private mainbranch size parent created_on updated_on"


@pytest.fixture
def acme(roadstead: Roadstead) -> Roadstead:
    roadstead.read("workspace", "create", "acme")
    return roadstead


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a repository with a commit on `trunk`, a branch and a tag."""
    folder = tmp_path / "source"
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@acme.example")
    for command in (
        ("init", "--quiet", "--initial-branch=trunk", str(folder)),
        ("-C", str(folder), *identity, "commit", "--quiet", "--allow-empty", "--message=One"),
        ("-C", str(folder), "branch", "side"),
        ("-C", str(folder), "tag", "v1"),
    ):
        subprocess.run(["git", *command], check=True)
    return folder


def test_a_repository_lives_by_commands(acme: Roadstead, source: Path) -> None:
    """It is created in a project, imported with its refs, listed, shown, and deleted with `--yes`."""
    made = acme.read("repo", "create", "acme/widgets")
    assert " ".join(made) == MEMBERS
    assert (made["full_name"], made["project"], made["is_private"], made["mainbranch"]) == (
        "acme/widgets",
        "PROJ",
        True,
        None,
    )
    copy = acme.read("repo", "import", str(source), "acme/copy", "--project", "PROJ", "--private")
    assert copy["mainbranch"] == "trunk"
    assert acme.read("repo", "list", "acme") == [copy, made]
    assert acme.read("repo", "show", f"acme/{copy['uuid']}") == copy
    shown = acme.call("repo", "show", "acme/copy").stdout.decode()
    assert copy["size"] > 0
    assert "main branch  trunk" in shown
    assert f"{copy['size']:,} bytes" in shown
    listed = acme.call("repo", "list", "acme").stdout.decode()
    assert "copy" in listed
    assert max(map(len, listed.splitlines())) <= 80
    token = acme.read("token-create", "ci", "--repository", "acme/copy")
    assert (token["workspace"], token["project"], token["repository"]) == ("acme", None, "copy")
    assert acme.call("repo", "delete", "acme/copy").returncode == 1
    assert acme.read("repo", "delete", "acme/copy", "--yes") == copy
    assert acme.read("repo", "list", "acme") == [made]
    assert [one["name"] for one in acme.read("token-list")] == []


def test_an_import_brings_the_objects_of_lfs(acme: Roadstead, source: Path) -> None:
    """They are stored under their SHA-256. With a damaged one nothing is imported, and what is none stays behind."""
    oid = hashlib.sha256(b"large").hexdigest()
    kept = source / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4]
    kept.mkdir(parents=True)
    (kept / oid).write_bytes(b"large")
    (kept / "draft").write_bytes(b"none")
    name = acme.read("repo", "import", str(source), "acme/copy")["uuid"].strip("{}")
    there = acme.data / "lfs" / name[:2] / name[2:4] / name
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {oid: b"large"}
    (kept / oid).write_bytes(b"other")
    refused = acme.call("repo", "import", str(source), "acme/other")
    assert (refused.returncode, f"{oid} is damaged".encode() in refused.stderr) == (1, True), refused.stderr
    assert [one["slug"] for one in acme.read("repo", "list", "acme")] == ["copy"]
    assert [file for file in (acme.data / "lfs").rglob("*") if file.is_file()] == [there / oid]


def test_a_repository_changes_by_commands(acme: Roadstead) -> None:
    """It is renamed and moved, people and groups are granted and denied, and its creation says where to clone it."""
    acme.read("workspace", "create", "other")
    told = acme.call("repo", "create", "acme/widgets").stderr.decode()
    assert told.splitlines()[-1].endswith("/acme/widgets.git")
    acme.read("user", "create", "ben")
    acme.read("workspace", "add", "acme", "ben")
    acme.read("group", "create", "acme", "Crew", "--member", "ben")
    for arguments, said in (
        (("ben", "write"), {"repository": "acme/widgets", "user": "ben", "permission": "write"}),
        (("crew", "read", "--group"), {"repository": "acme/widgets", "group": "crew", "permission": "read"}),
        (("ben", "none"), {"repository": "acme/widgets", "user": "ben", "permission": "none"}),
    ):
        assert acme.read("repo", "grant", "acme/widgets", *arguments) == said
    for arguments, reason in (
        (("crew", "read"), "is no member of acme"),
        (("ben", "read", "--group"), "No group with identifier 'ben'"),
        (("operator", "read"), "no owner"),
    ):
        refused = acme.call("repo", "grant", "acme/widgets", *arguments)
        assert (refused.returncode, reason in refused.stderr.decode()) == (1, True), refused.stderr
    refused = acme.call("repo", "grant", "acme/widgets", "ben", "owner")
    assert (refused.returncode, b"not one of read, write, admin, none" in refused.stderr) == (2, True)
    assert acme.read("repo", "rename", "acme/widgets", "Fine Gadgets")["slug"] == "fine-gadgets"
    moved = acme.read("repo", "transfer", "acme/fine-gadgets", "other")
    assert (moved["full_name"], moved["project"], moved["name"]) == ("other/fine-gadgets", "PROJ", "Fine Gadgets")
    assert b"The repository is now other/fine-gadgets." in acme.call("repo", "show", "acme/widgets").stderr
    assert acme.call("repo", "rename", "acme/none", "x").returncode == 1


def test_a_check_finds_what_is_wrong(acme: Roadstead, source: Path) -> None:
    """Each fault is named: of git, of the mirror, a folder that is missing or belongs to none. Without one, 0."""
    acme.read("repo", "create", "acme/empty")
    copy = acme.read("repo", "import", str(source), "acme/copy")
    assert acme.read("repo", "check") == [
        {"repository": "acme/copy", "faults": []},
        {"repository": "acme/empty", "faults": []},
    ]
    assert b"Repositories checked: 2. With faults: 0" in acme.call("repo", "check").stderr
    name = copy["uuid"].strip("{}")
    folder = acme.data / "git" / name[:2] / name[2:4] / f"{name}.git"
    subprocess.run(["git", f"--git-dir={folder}", "tag", "v2"], check=True)
    subprocess.run(["git", f"--git-dir={folder}", "branch", "-D", "side"], check=True, capture_output=True)
    (commit,) = (one for one in folder.rglob("objects/pack/*.pack"))
    commit.chmod(0o600)
    commit.write_bytes(commit.read_bytes()[:-30])
    stray = folder.with_name(f"{name[:-1]}{'0' if name[-1] != '0' else '1'}.git")
    shutil.copytree(folder, stray)
    found = acme.call("repo", "check", "--json")
    assert found.returncode == 1
    faults = {one["repository"]: one["faults"] for one in json.loads(found.stdout)}
    assert faults["acme/empty"] == []
    assert faults[str(stray)] == ["It belongs to no repository in the database."]
    assert [fault for fault in faults["acme/copy"] if fault.startswith("git: ")] != []
    one = acme.call("repo", "check", "acme/copy", "--json")
    assert (one.returncode, len(json.loads(one.stdout))) == (1, 1)
    shutil.rmtree(folder)
    assert b"Its folder is missing" in acme.call("repo", "check", "acme/copy").stdout
    assert b"1 of 2 have no folder: acme/copy" in acme.call("doctor").stdout


def test_a_workspace_has_public_and_private_repositories(acme: Roadstead) -> None:
    """In the project that the first one gets made, in any order; without an option they are private."""
    options = {"one": ["--public"], "two": [], "three": ["--private"], "four": ["--public"]}
    made = {slug: acme.read("repo", "create", f"acme/{slug}", *given) for slug, given in options.items()}
    assert {slug: one["is_private"] for slug, one in made.items()} == {
        "one": False,
        "two": True,
        "three": True,
        "four": False,
    }
    assert {one["project"] for one in made.values()} == {"PROJ"}


def test_what_no_ref_leads_to_is_removed_at_once(acme: Roadstead, source: Path) -> None:
    """A commit that a branch has left behind is there until `prune`; all others stay."""
    copy = acme.read("repo", "import", str(source), "acme/copy")
    name = copy["uuid"].strip("{}")
    folder = acme.data / "git" / name[:2] / name[2:4] / f"{name}.git"
    at_home = ["git", f"--git-dir={folder}"]
    written = [*at_home, "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", "secret", "side^{tree}"]
    before = subprocess.check_output([*at_home, "rev-parse", "side"], text=True).strip()
    secret = subprocess.check_output(written, text=True).strip()
    for target in (secret, before):
        logging = ["-c", "core.logAllRefUpdates=always", "update-ref"]
        subprocess.run([*at_home, *logging, "refs/heads/side", target], check=True)
    assert subprocess.run([*at_home, "cat-file", "-e", secret], check=False).returncode == 0
    assert acme.read("repo", "prune", "acme/copy")["full_name"] == "acme/copy"
    assert subprocess.run([*at_home, "cat-file", "-e", secret], check=False).returncode != 0
    assert acme.read("repo", "check", "acme/copy") == [{"repository": "acme/copy", "faults": []}]
    assert acme.read("audit")[0]["action"] == "repository pruned"
    assert acme.call("repo", "prune", "acme/none").returncode == 1


def test_a_check_compares_refs_with_the_mirror(acme: Roadstead, source: Path) -> None:
    """What was changed behind the host's back is named, in both directions."""
    copy = acme.read("repo", "import", str(source), "acme/copy")
    name = copy["uuid"].strip("{}")
    folder = acme.data / "git" / name[:2] / name[2:4] / f"{name}.git"
    subprocess.run(["git", f"--git-dir={folder}", "tag", "v2"], check=True)
    subprocess.run(["git", f"--git-dir={folder}", "branch", "-D", "side"], check=True, capture_output=True)
    (checked,) = json.loads(acme.call("repo", "check", "--json").stdout)
    gone, added = checked["faults"]
    assert gone.startswith("branch side is not there, and in the database ")
    assert (added.startswith("tag v2 is "), added.endswith(" and in the database not there.")) == (True, True)


def test_what_cannot_be_is_refused(acme: Roadstead, tmp_path: Path) -> None:
    """Unknown workspaces, projects and repositories, names that are none or taken: nothing is half done."""
    made = acme.read("repo", "create", "acme/widgets")
    for arguments, reason in (
        (("create", "other/x"), "No workspace with identifier 'other'."),
        (("create", "acme/Capitals"), "Invalid slug."),
        (("create", "acme/widgets"), "already exists"),
        (("create", "acme/x", "--project", "NONE"), "No project with identifier 'NONE'."),
        (("import", str(tmp_path), "acme/x"), "is no git repository."),
        (("import", "https://git.example/x.git", "acme/x"), "git clone --mirror https://git.example/x.git"),
        (("list", "other"), "no workspace 'other'"),
        (("rename", "acme/widgets", ""), "name: Use 1 to 100 printable characters."),
        (("show", "acme/x"), "There is no such repository."),
        (("delete", "acme/x", "--yes"), "There is no such repository."),
    ):
        done = acme.call("repo", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (1, True), (arguments, done.stderr)
    assert acme.read("repo", "list", "acme") == [made]


def test_arguments_that_cannot_be_meant_are_wrong_usage(acme: Roadstead) -> None:
    """What is no name of a repository, and options that exclude each other: exit code 2."""
    for arguments, reason in (
        (("create", "acme"), "'acme' is not a repository."),
        (("show", "/widgets"), "'/widgets' is not a repository."),
        (("create", "acme/x", "--public", "--private"), "A repository is public or private."),
    ):
        done = acme.call("repo", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (2, True), (arguments, done.stderr)
    assert acme.read("repo", "list", "acme") == []
