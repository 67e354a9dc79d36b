"""A host with a repository on real git, which git itself has pushed, and the requests of its callers."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from roadstead.accounts import SessionUser
from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.domain.people.projects import ProjectChanges, create_project
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.storage.users import add_email
from tests.git.plain import commit, git, repository
from tests.live import AppClient, LiveHost, live_host, recording_app, sender

Send = Callable[..., httpx.Response]
BELOW = "/2.0/repositories/acme/widgets"


@dataclass(frozen=True)
class Widgets:
    """The repository `acme/widgets`: its working tree, the requests of each caller, and ann's token."""

    host: LiveHost
    tree: Path
    uuid: str
    token: str
    send: dict[str, Send]

    def get(self, target: str) -> httpx.Response:
        """Send ann's GET below the repository."""
        return self.send["ann"]("GET", BELOW + target)

    def git(self, *arguments: str) -> str:
        """Return what git says in the working tree."""
        return git(self.tree, *arguments).decode().strip()

    def push(self, branch: str) -> None:
        """Push a branch."""
        self.git("push", "--quiet", "--force", "origin", branch)

    def id(self, revision: str) -> str:
        """Return the commit that a revision names."""
        return self.git("rev-parse", f"{revision}^{{commit}}")


async def _make(host: Host) -> tuple[dict[str, str], str]:
    """Return the token of each user, and the UUID of the repository."""
    tokens, uuids = {}, {}
    for name in ("ann", "ben"):
        user = await users.create_user(host, name, display_name=f"{name.title()} Lee")
        async with host.store.database.transaction() as tx:
            await add_email(tx, user.id, f"{name}@acme.example", is_confirmed=name == "ann")
        tokens[name], _ = await credentials.create_api_token(host, name, None, user_id=user.id)
    await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    ann = SessionUser(await users.find_user(host, "ann"))
    await create_project(host, ann, "acme", ProjectChanges("OPEN", "Open", is_private=False))
    for slug, is_private in (("widgets", True), ("empty", True), ("wide", True), ("open", False)):
        given = RepositoryChanges(is_private=is_private, project="OPEN")
        made = await create_repository(host, ann, "acme", slug, given)
        uuids[slug] = made.uuid
    return tokens, uuids["widgets"]


def _fill(tree: Path) -> None:
    """Make a history with a branch, a merge, a rename, a binary file, an annotated tag, and an unrelated branch."""
    repository(tree)
    (tree / "src").mkdir()
    commit(tree, "Begin\n\nWith a body.", a="1\n2\n3\n4\n5\n6\n7\n8\n9\n", **{"src/b": "b\n"})
    git(tree, "tag", "-m", "One", "v1")
    git(tree, "switch", "--quiet", "-c", "feature/x")
    commit(tree, "Change b", **{"src/b": "b\nc\n"})
    commit(tree, "Add c", **{"src/c d": "new\n"})
    git(tree, "switch", "--quiet", "main")
    (tree / "image").write_bytes(b"\0\1\2")
    commit(tree, "Change a", a="1\n2\n3\n4\nfive\n6\n7\n8\n9\n")
    git(tree, "merge", "--quiet", "--no-ff", "-m", "Merge feature/x", "feature/x")
    git(tree, "mv", "a", "renamed")
    commit(tree, "Rename a")
    git(tree, "switch", "--quiet", "-c", "topic", "main~1")
    commit(tree, "On a topic", topic="t\n")
    git(tree, "switch", "--quiet", "--orphan", "alone")
    commit(tree, "Alone", z="z\n")
    git(tree, "switch", "--quiet", "-c", "mentions", "topic")
    commit(tree, f"As {git(tree, 'rev-parse', 'v1^{commit}').decode()[:12]}, not as 123456789abc")
    git(tree, "branch", "moving", "main")
    for name in ("ANN", "ben"):
        git(tree, "switch", "--quiet", "-c", f"by-{name.lower()}", "v1")
        git(tree, "commit", "--quiet", "--allow-empty", "-m", "By", "--author", f"X <{name}@acme.example>")
    _fill_odd(tree)
    git(tree, "switch", "--quiet", "main")


def _fill_odd(tree: Path) -> None:
    """Make branches with changes of white space, with a name that is no UTF-8, and with a large file."""
    git(tree, "switch", "--quiet", "-c", "spaces", "main")
    commit(tree, "Indent", renamed="1\n  2\n3\n4\nfive\n6\n7 \n8\n9\n", **{"src/b": "b\n\tc\n"})
    git(tree, "switch", "--quiet", "-c", "odd", "main")
    (tree / os.fsdecode(b"caf\xe9")).write_bytes(b"\xff\xfe\n")
    (tree / "image").unlink()
    commit(tree, "Odd \N{LATIN SMALL LETTER E WITH ACUTE}", **{"src/b": "b\nc\nno end"})
    git(tree, "switch", "--quiet", "-c", "large", "main")
    commit(tree, "Large", large="".join(f"{number}\n" for number in range(200_000)))


def _wide(host: LiveHost, token: str, folder: Path) -> None:
    """Push a history with more open ends than an address can name: commits without parents, each on a branch, and a
    merge of them all.
    """
    git(folder.parent, "init", "--quiet", "--bare", folder.name)
    commits = (f"commit refs/heads/b{n}\ncommitter A <a@b> {n} +0000\ndata 1\nx\n\n" for n in range(70))
    merge = "commit refs/heads/all\ncommitter A <a@b> 70 +0000\ndata 1\nx\nfrom refs/heads/b0\n"
    merged = "".join(f"merge refs/heads/b{n}\n" for n in range(1, 70))
    git(folder, "fast-import", "--quiet", stdin="".join((*commits, merge, merged)).encode())
    git(folder, "push", "--quiet", f"http://x-token-auth:{quote(token)}@{urlsplit(host.url).netloc}/acme/wide", "--all")


@contextmanager
def widgets(folder: Path, database_url: str | None) -> Iterator[Widgets]:
    """Serve a host with the repository."""
    scopes = ["repository:write"]
    with live_host(folder / "data", database_url=database_url) as host, recording_app(scopes=scopes) as app:
        tokens, uuid = host.work(_make)
        _fill(folder / "tree")
        server = urlsplit(host.url).netloc
        for slug in ("widgets", "open"):
            remote = f"http://x-token-auth:{quote(tokens['ann'])}@{server}/acme/{slug}.git"
            git(folder / "tree", "push", "--quiet", remote, "--all")
            git(folder / "tree", "push", "--quiet", remote, "--tags")
        git(folder / "tree", "remote", "add", "origin", remote.replace("/open", "/widgets"))
        send = {name: sender(host, f"Bearer {token}") for name, token in tokens.items()}
        _wide(host, tokens["ann"], folder / "wide.git")
        signed = AppClient(host.url, host.install(app, "acme"))
        yield Widgets(
            host, folder / "tree", uuid, tokens["ann"], {**send, "anonymous": sender(host, None), "app": signed}
        )
