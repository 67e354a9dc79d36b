"""Answers made up by hypothesis, read by the host and by h11, which is another parser of HTTP."""

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import h11
from hypothesis import given
from hypothesis import strategies as st

from roadstead.outbound.wire import Broken, Connection

CAP = 100_000


class Outcome(NamedTuple):
    """The status and body that were read, if any, and whether the connection may carry another request."""

    read: tuple[int, bytes] | None
    is_reusable: bool


class _Wire(asyncio.Transport):
    """A connection on which nothing is sent."""

    closing = False

    def write(self, data: object) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True


async def _read_by_us(pieces: Sequence[bytes]) -> Outcome:
    connection = Connection(is_public=True)
    connection.connection_made(_Wire())
    exchange = asyncio.create_task(connection.exchange(b"", CAP))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    await asyncio.sleep(0)
    is_reusable = connection.is_reusable
    connection.eof_received()
    try:
        answer = await exchange
    except Broken:
        return Outcome(None, False)
    return Outcome((answer.status, answer.body), is_reusable)


def _read_by_h11(pieces: Sequence[bytes]) -> Outcome:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=100_000)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "a"), ("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    status, body, left = 0, b"", list(pieces)
    try:
        while connection.their_state not in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED):
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(left.pop(0) if left else b"")
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        return Outcome(None, False)
    is_reusable = connection.their_state is h11.DONE and not left and connection.trailing_data == (b"", False)
    return Outcome((status, body) if status else None, is_reusable)


class Made(NamedTuple):
    """The bytes of an answer, and what they say."""

    data: bytes
    says: tuple[int, bytes]


HEADERS = [b"A: b", b"A:", b"Long: " + b"x" * 500, b"Connection: keep-alive", b"Connection: close"]
EARLY = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"]


@st.composite
def answers(draw: st.DrawFn) -> Made:
    """Return an answer without errors, with any framing, after early answers."""
    status = draw(st.sampled_from([200, 201, 204, 302, 304, 404, 429, 500]))
    pieces = [] if status in (204, 304) else draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
    version, framing, body = draw(st.sampled_from(_framed(pieces, has_body=status not in (204, 304))))
    headers = [*draw(st.lists(st.sampled_from(HEADERS), max_size=4)), *framing]
    head = b"".join(line + b"\r\n" for line in (b"HTTP/%b %d Reason" % (version, status), *headers, b""))
    early = b"".join(draw(st.lists(st.sampled_from(EARLY), max_size=2)))
    return Made(early + head + body, (status, b"".join(pieces)))


def _framed(pieces: Sequence[bytes], *, has_body: bool) -> list[tuple[bytes, list[bytes], bytes]]:
    """Return the ways to send a body: version, headers, and bytes."""
    content = b"".join(pieces)
    until_closed = [(version, list[bytes](), content) for version in (b"1.0", b"1.1")]
    if not has_body:
        return until_closed
    length, chunked = [b"Content-Length: %d" % len(content)], [b"Transfer-Encoding: chunked"]
    chunks = [b"".join(b"%x%b\r\n%b\r\n" % (len(piece), mark, piece) for piece in pieces) for mark in (b"", b";a=b")]
    ends = (b"0\r\n\r\n", b"0\r\nTrailer: a\r\n\r\n")
    return [
        *until_closed,
        *((version, length, content) for version in (b"1.0", b"1.1")),
        *((b"1.1", chunked, begun + end) for begun in chunks for end in ends),
    ]


def _cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the pieces in which the data arrives."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends) if begin < end]


PLACE = st.integers(0, 2000)


@given(answers(), st.lists(PLACE, max_size=5))
def test_a_whole_answer_is_read(made: Made, places: list[int]) -> None:
    """However its bytes arrive, an answer is what it says, and its connection is kept exactly if h11 would keep it."""
    pieces = _cut(made.data, places)
    read = asyncio.run(_read_by_us(pieces))
    assert read.read == made.says
    assert read == _read_by_h11(pieces)


DAMAGE = [
    b"",
    *(b"\r\n", b"\n", b"\r", b" ", b"0", b"5", b":", b",", b"-", b"chunked", b"\r\n folded"),
    *(b"\r\nContent-Length: 3", b"\r\nTransfer-Encoding: chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
]


@given(answers(), st.lists(st.tuples(PLACE, st.integers(0, 4), st.sampled_from(DAMAGE)), max_size=3), st.lists(PLACE))
def test_a_damaged_answer_is_no_other_one(made: Made, damage: list[tuple[int, int, bytes]], places: list[int]) -> None:
    """It is read as h11 reads it, or refused. One that only h11 refuses leaves no connection for another request."""
    data = made.data
    for place, length, text in damage:
        begin = place % (len(data) + 1)
        data = data[:begin] + text + data[begin + length :]
    pieces = _cut(_without_what_only_h11_refuses(data), places)
    read, oracle = asyncio.run(_read_by_us(pieces)), _read_by_h11(pieces)
    assert read.read in (None, oracle.read) or oracle.read is None
    assert oracle.is_reusable or not read.is_reusable


def _without_what_only_h11_refuses(data: bytes) -> bytes:
    """Remove blank lines before an answer, and a header that says for the second time that the body is in chunks."""
    data = re.sub(rb"(\A|\r\n\r\n)[\r\n]+", lambda found: found[1], data)
    return re.sub(rb"(?s)(\r\nTransfer-Encoding: chunked)(.*)\1", lambda found: found[1] + found[2], data)
