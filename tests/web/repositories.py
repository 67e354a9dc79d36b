"""Repositories of the workspace `acme`, filled by git: with what people write, and with what attackers do."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from roadstead.accounts import SessionUser
from roadstead.domain.access.credentials import create_api_token
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.repositories.access import find_repository
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.statuses import StatusChanges, put_status
from tests.smart_http.git_client import Work, new_work
from tests.web.acme import Acme

EVIL = "\"'><evil onclick=x>&amp;{{7*7}}{%x%}"
EVIL_BRANCH = "<evil-onclick=x>&amp;{{77}}/%2e%2e#x"
TURNED = "safe\u202etxt.exe"
ODD_FILES = [
    EVIL.encode(),
    b"latin\xe9",
    b"new\nline",
    TURNED.encode(),
    b"-rf",
    b"a?b#c%20d",
    b"%2e%2e",
    b"info/refs",
    b"\xff\xfe/deep",
]
README = """# Widgets

Small *parts* of `things`, as [described](docs/guide.md) and <b onclick=x>not</b> [elsewhere](https://example.com/x).

![A wave](docs/wave.svg) [![build](https://ci.example/badge.svg)](https://ci.example/)

| part | price |
|---|---|
| bolt | 1 |

<script>alert(1)</script>
"""


def new_repository(acme: Acme, slug: str, *, project: str = "OPEN", **given: Any) -> None:
    """Make an empty repository of the owner; it is private in the project SECRET."""

    async def make(host: Host) -> None:
        owner = SessionUser(await users.find_user(host, "owner"))
        changes = RepositoryChanges(project=project, is_private=project == "SECRET", **given)
        await create_repository(host, owner, "acme", slug, changes)

    acme.host.work(make)


def send(acme: Acme, who: str, at: str, do: str, **given: str) -> httpx.Response:
    """Send a form of a page of a repository as one of the viewers, and follow the redirect."""
    browser = acme(who)
    (csrf, *_) = re.findall(r'name="csrf" value="(\w+)"', browser.get("/").text)
    return browser.post(at, data={"csrf": csrf, "do": do, **given}, follow_redirects=True)


def give_statuses(acme: Acme, slug: str, commit: str, given: Sequence[StatusChanges]) -> None:
    """Give a commit statuses, as the owner."""

    async def give(host: Host) -> None:
        owner = SessionUser(await users.find_user(host, "owner"))
        repository = (await find_repository(host, owner, "acme", slug, "write")).repository
        for one in given:
            await put_status(host, owner, repository, commit, one)

    acme.host.work(give)


def push(acme: Acme, work: Work, slug: str, *refs: str) -> None:
    """Push a working copy as the owner."""

    async def token(host: Host) -> str:
        return (await create_api_token(host, "git", None, user_id=(await users.find_user(host, "owner")).id))[0]

    scheme, server, *_ = urlsplit(acme.host.url)
    work.git("push", "--quiet", f"{scheme}://x-token-auth:{acme.host.work(token)}@{server}/acme/{slug}.git", *refs)


def widgets(folder: Path) -> Work:
    """Return a working copy with what repositories usually have, a merge, two branches and a tag."""
    work = new_work(folder)
    _write(
        folder,
        {
            b"docs/guide.md": b"# Guide\n\nRead it.\n",
            b"docs/wave.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"/>',
            b"bolt.py": b"def bolt(size):\n\treturn size * 2\n\n\nprint(bolt(2))\n",
            b"blob.bin": bytes(range(256)),
            b"nothing": b"",
            b"run.sh": b"#!/bin/sh\necho run\n",
        },
    )
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("docs/guide.md")
    work.git("add", ".")
    first = work.commit("Add the parts", file="README.md", content=README)
    (folder / "bolt.py").write_text("def bolt(size):\n\treturn size * 3\n\n\nprint(bolt(2))\n")
    work.git("mv", "run.sh", "start.sh")
    work.git("rm", "-q", "blob.bin")
    work.git("add", "-A")
    work.commit(f"Make bolts longer\n\nAs {first[:12]} was too *short*.", file="notes.txt", content="one\n")
    work.git("checkout", "-q", "-b", "feature/longer-bolts")
    work.commit("Try it")
    work.git("checkout", "-q", "main")
    work.git("merge", "-q", "--no-ff", "-m", "Merge the longer bolts", "feature/longer-bolts")
    work.git("tag", "-a", "v1", "-m", "one")
    return work


def odd(folder: Path) -> Work:
    """Return a working copy in which names, contents, messages, authors and a branch are hostile."""
    work = new_work(folder)
    _write(folder, {name: f"{EVIL}\n\x1b[2J{TURNED}\r\n".encode() + b"\xff\n" for name in ODD_FILES})
    _write(folder, {b"page.html": b"<script>alert(1)</script>", b"README.md": EVIL.encode()})
    (folder / "leads-out").symlink_to("/etc/passwd")
    work.git("add", ".")
    work.git("commit", "-q", f"--author={EVIL.replace('<', '(').replace('>', ')')} <x@example.com>", "-m", EVIL)
    work.git("branch", EVIL_BRANCH)
    tree = work.head("HEAD^{tree}")
    person = "A <a@example.com> 1700000000 +0000"
    head = f"tree {tree}\nparent {work.head()}\nauthor {person}\ncommitter {person}\nencoding unicode_escape\n"
    (folder / "raw-commit").write_text(head + "\n\\ud800 and <evil>\n")
    (folder / "raw-commit").rename(folder.parent / "raw-commit")
    commit = work.git("hash-object", "-t", "commit", "-w", "--literally", str(folder.parent / "raw-commit")).strip()
    work.git("reset", "-q", "--hard", commit)
    return work


def _write(folder: Path, files: dict[bytes, bytes]) -> None:
    for name, content in files.items():
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def lines_of(work: Work, *arguments: str) -> Sequence[str]:
    """Return the lines that a command of git prints."""
    return work.git(*arguments).splitlines()
