"""What a push says: pkt-lines, commands, names of refs, and the report of git."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.git.ref_names import kind_and_name, reason_against
from roadstead.git.transfer.commands import (
    MOST_BYTES,
    Commands,
    MalformedPush,
    TooManyCommands,
    read_commands,
)
from roadstead.git.transfer.pktlines import FLUSH, LONGEST, Lines, MalformedLine, pkt_line
from roadstead.git.transfer.report import Report
from roadstead.pushed import NO_OBJECT, RefChange

A, B = "a" * 40, "b" * 40
payloads = st.lists(st.binary(max_size=200), max_size=20)
cuttings = st.lists(st.integers(min_value=0, max_value=10**6))


def _in_pieces(whole: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(whole) + 1) for cut in cuts}), len(whole)]
    return [whole[start:end] for start, end in pairwise(places)]


async def _body(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _read(*pieces: bytes) -> Commands:
    return asyncio.run(read_commands(_body(pieces)))


@given(payloads, cuttings)
def test_lines_are_the_same_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    """A client's pieces end anywhere; the lines do not depend on it."""
    whole = b"".join(map(pkt_line, sent)) + FLUSH
    lines, read = Lines(), []
    for piece in _in_pieces(whole, cuts):
        lines.add(piece)
        read += list(lines.take())
    assert [line.payload for line in read] == [*sent, None]
    assert b"".join(line.raw for line in read) == whole


@pytest.mark.parametrize(
    "line", [b"0001", b"0003abc", b"zzzz", b"-001", b"+00a", b" 00a", b"fff1", b"\xff" * 4, b"0x1f"]
)
def test_a_line_of_an_impossible_length_is_refused(line: bytes) -> None:
    """Its length counts its own four digits, and is at most 65520: nothing else is read as a number."""
    lines = Lines()
    lines.add(line)
    with pytest.raises(MalformedLine):
        list(lines.take())


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """A hostile body is a push or a refusal, and no other failure."""
    try:
        read = _read(body)
    except MalformedPush:
        return
    assert read.raw == body


@given(
    st.lists(
        st.tuples(st.sampled_from([A, NO_OBJECT]), st.just(B), st.sampled_from(["x", "é/y", "z"])),
        min_size=1,
        unique_by=lambda change: change[2],
    ),
    cuttings,
)
def test_commands_are_read_as_git_writes_them(wanted: list[tuple[str, str, str]], cuts: list[int]) -> None:
    """The first has the capabilities, shallow lines are no commands, and the pack's beginning is kept."""
    changes = [RefChange(old, new, f"refs/heads/{name}") for old, new, name in wanted]
    lines = [" ".join(change).encode() for change in changes]
    lines[0] += b"\0 report-status side-band-64k agent=git/2.39.5\n"
    whole = b"".join(map(pkt_line, [b"shallow " + A.encode(), *lines])) + FLUSH + b"PACK" + bytes(50)
    read = _read(*_in_pieces(whole, cuts))
    assert read.changes == changes
    assert {"report-status", "side-band-64k"} <= read.capabilities
    assert whole.startswith(read.raw)


@pytest.mark.parametrize(
    "body",
    [
        pkt_line(f"{A} {B}".encode()) + FLUSH,
        pkt_line(f"{A} {B} refs/heads/a b".encode()) + FLUSH,
        pkt_line(f"{A} {B} refs/heads/a\nb".encode()) + FLUSH,
        pkt_line(f"{A.upper()} {B} refs/heads/a".encode()) + FLUSH,
        pkt_line(f"{A[:39]} {B} refs/heads/a".encode()) + FLUSH,
        pkt_line(b"push-cert\0 push-cert") + FLUSH,
        pkt_line(f"{NO_OBJECT} {NO_OBJECT} refs/heads/a".encode()) + FLUSH,
        pkt_line(f"{NO_OBJECT} {B} refs/heads/a\0 atomic".encode())
        + pkt_line(f"{B} {A} refs/heads/a".encode())
        + FLUSH,
        pkt_line(f"{A} {B} refs/heads/a\0{'x' * (LONGEST - 103)}".encode()) + FLUSH,
        pkt_line(f"{A} {B} refs/heads/a".encode()),
        b"GET / HTTP/1.1",
    ],
    ids=[
        "no ref",
        "a space",
        "a line end",
        "capitals",
        "a short id",
        "a certificate",
        "nothing to nothing",
        "a ref twice",
        "no room",
        "no end",
        "no push",
    ],
)
def test_what_is_no_command_is_refused(body: bytes) -> None:
    """git never sends it, so its sender wants git to read what we did not."""
    with pytest.raises(MalformedPush):
        _read(body)


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        ([f"{NO_OBJECT} {B} refs/heads/a\0 quiet\n"], [f"{NO_OBJECT} {B} refs/heads/a\0 quiet atomic"]),
        ([f"{NO_OBJECT} {B} refs/heads/a\n"], [f"{NO_OBJECT} {B} refs/heads/a\0 atomic"]),
        ([f"shallow {A}", f"{A} {B} x"], [f"shallow {A}", f"{A} {B} x\0 atomic"]),
        ([f"{A} {B} x", f"{A} {B} xy/z"], [f"{A} {B} x\0 atomic", f"{A} {B} xy/z"]),
        ([f"{A} {B} x/y/z", f"{A} {B} x"], [f"{A} {B} x/y/z", f"{A} {B} x"]),
    ],
    ids=["capabilities", "none", "a shallow line", "two refs", "one ref below another"],
)
def test_git_changes_all_refs_or_none(lines: list[str], sent: list[str]) -> None:
    """It is asked for that whether the client does or not, unless one name is a folder of another's."""
    read = _read(b"".join(pkt_line(line.encode()) for line in lines) + FLUSH + b"PACK")
    assert read.for_git == b"".join(pkt_line(line.encode()) for line in sent) + FLUSH + b"PACK"


def test_nothing_is_an_empty_push() -> None:
    """git sends a flush alone to see whether it may push, before it sends much."""
    assert _read(FLUSH) == Commands([], frozenset(), FLUSH, FLUSH)


def test_commands_are_bounded() -> None:
    """A push of endless commands is refused before they fill the memory."""

    async def endless() -> AsyncIterator[bytes]:
        for number in range(MOST_BYTES):
            line = pkt_line(f"{A} {B} refs/heads/{number:0200}".encode())
            assert number * len(line) <= MOST_BYTES + LONGEST
            yield line

    with pytest.raises(TooManyCommands):
        asyncio.run(read_commands(endless()))


# Names


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        "refs/heads/x/é",
        "refs/tags/v1.0",
        "refs/notes/commits",
        "refs/heads/a.lock.b",
        "refs/heads/{x}",
        "refs/heads/" + "x" * 250,
    ],
)
def test_a_usual_name_may_be_pushed(ref: str) -> None:
    """Branches, tags and notes, also with letters of any script."""
    assert reason_against(ref) is None
    assert kind_and_name(ref) is not None


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    "ref",
    [
        "HEAD", "refs/heads", "refs/heads/", f"refs/replace/{A}", "refs/pull-requests/1/from", "refs/remotes/o/m",
        "refs/stash", "refs/heads/../../config", "refs/heads/a/../b", "refs/heads/.a", "refs/heads/a/.b",
        "refs/heads/a.lock", "refs/heads/a.lock/b", "refs/heads/a..b", "refs/heads/a//b", "refs/heads/a/",
        "refs/heads/a.", "refs/heads/@{u}", "refs/heads/a~1", "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?",
        "refs/heads/a*", "refs/heads/[a", "refs/heads/a\\b", "refs/heads/-d", "refs/heads/--upload-pack=x",
        "refs/heads/" + b"\xff".decode("utf-8", "surrogateescape"), "refs/heads/" + "x" * 251, "refs/heads/@",
        "refs/heads/HEAD",
    ],
)  # fmt: skip
def test_other_names_may_not_be_pushed(ref: str) -> None:
    """Refs outside, which would change what readers see, and names that are a path, an option or an expression."""
    assert reason_against(ref)


@given(st.text(alphabet=st.sampled_from("a.@{-~^:?*[\\/\x7f lockHEAD"), min_size=1, max_size=8))
def test_git_takes_each_name_that_we_take(name: str) -> None:
    """`git check-ref-format` is the judge: what it refuses, we refuse before git sees it."""
    ref = f"refs/heads/{name}"
    if reason_against(ref) is None:
        subprocess.run(["git", "check-ref-format", ref], check=True)


# The report

_PROGRESS = pkt_line(b"\2remote counts\n")
_ALIVE = pkt_line(b"\1")
_STATUS = pkt_line(b"\1" + pkt_line(b"unpack ok\n") + pkt_line(b"ok refs/heads/main\n") + FLUSH)


@given(cuttings)
def test_progress_goes_on_and_the_report_waits(cuts: list[int]) -> None:
    """However git's output is cut: a client learns that its push went through only after it is recorded."""
    report = Report(frozenset(["side-band-64k"]))
    sent = b"".join(report.add(piece) for piece in _in_pieces(_PROGRESS + _ALIVE + _STATUS + FLUSH, cuts))
    assert sent == _PROGRESS + _ALIVE
    assert report.end("two\nlines\n") == pkt_line(b"\2two\n") + pkt_line(b"\2lines\n") + _STATUS + FLUSH


def test_without_side_bands_everything_waits() -> None:
    """An old client gets the report as it is, and no message between its lines."""
    report = Report(frozenset(["report-status"]))
    assert report.add(b"000eunpack ok\n") == b""
    assert report.end("a message\n") == b"000eunpack ok\n"
