"""Commits that no user of git makes by hand, but that anyone can push."""

from collections.abc import Sequence

import httpx
import pytest

from roadstead.pushed import NO_OBJECT
from tests.smart_http.conftest import Place
from tests.smart_http.raw_pushes import object_id, push_of, whole_pack

WHO = b"A <a@b.c> 1600000000 +0000"
EMPTY = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
READ = ("commit/odd", "commits/odd", "refs/branches/odd", "diff/odd", "patch/odd", "diffstat/odd", "src/odd/")


def _commit(
    who: bytes = WHO, *, more: bytes = b"", message: bytes = b"odd\n", parents: Sequence[str] = ()
) -> tuple[int, bytes]:
    lines = b"".join(b"parent %s\n" % parent.encode() for parent in parents)
    return 1, EMPTY + lines + b"author %s\ncommitter %s\n%s\n%s" % (who, who, more, message)


PARENTS = [_commit(message=b"parent %d\n" % number) for number in range(200)]
IDS = [object_id("commit", content) for _, content in PARENTS]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("commit", "is_taken"),
    [
        pytest.param(_commit(b"Ann <> 1600000000 +0000"), True, id="an empty address"),
        pytest.param(_commit(b"Ann 1600000000 +0000"), False, id="no address"),
        pytest.param(_commit(b"<a@b.c> 1600000000 +0000"), False, id="no name"),
        pytest.param(_commit(b"A <a@b.c> %d +0000" % (2**63 - 1)), True, id="the latest date"),
        pytest.param(_commit(b"A <a@b.c> %d +0000" % 2**63), False, id="a date beyond"),
        pytest.param(_commit(b"A <a@b.c> -1 +0000"), False, id="a date before all"),
        pytest.param(_commit(b"A <a@b.c> 1600000000 +9999"), True, id="a zone that is none"),
        pytest.param(_commit(b"J\xf6rg <a@b.c> 1 +0000", more=b"encoding ISO-8859-1\n"), True, id="Latin-1"),
        pytest.param(_commit(b"J\xf6rg <a@b.c> 1 +0000", more=b"encoding none\n"), True, id="an unknown encoding"),
        pytest.param(_commit(more=b"encoding zlib\n"), True, id="an encoding that is no text's"),
        pytest.param(_commit(more=b"encoding idna\n", message=b"a." * 20_000), True, id="a slow encoding"),
        pytest.param(_commit(message=b"a\0b"), False, id="a NUL"),
        pytest.param(_commit(message=b"PROJ-1 @ann http://x.y/ " * 40_000), True, id="a message of a megabyte"),
        pytest.param(_commit(message=b"[" * 1_000_000), True, id="a megabyte of brackets"),
        pytest.param(_commit(message=b""), True, id="no message"),
        pytest.param(_commit(b"A" * 500_000 + b" <a@b.c> 1 +0000"), True, id="a long name"),
        pytest.param(_commit(more=b"x-y " + b"z" * 1_000_000 + b"\n"), True, id="a long header"),
        pytest.param(_commit(parents=IDS), True, id="200 parents"),
        pytest.param(_commit(parents=IDS[:1] * 200), True, id="one parent 200 times"),
    ],
)
def test_an_odd_commit_is_refused_or_shown(
    public_place: Place, commit: tuple[int, bytes], is_taken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """git's check refuses it, or every answer and page about it is made."""
    id_ = object_id("commit", commit[1])
    body = push_of(f"{NO_OBJECT} {id_} refs/heads/odd", pack=whole_pack((2, b""), *PARENTS, commit))
    headers = {"Authorization": f"Bearer {public_place.ann}", "Content-Type": "application/x-git-receive-pack-request"}
    httpx.post(f"{public_place.public_url}/git-receive-pack", content=body, headers=headers).raise_for_status()
    assert public_place.refs() == ({"refs/heads/odd": id_} if is_taken else {})
    name = public_place.repository.full_name
    for path in (*(f"/2.0/repositories/{name}/{below}" for below in READ), f"/{name}/commits/{id_}", f"/{name}"):
        status = public_place.get(path, follow_redirects=True, timeout=60).status_code
        assert status == 200 if is_taken else status in (200, 404), path
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
    assert public_place.is_whole()
