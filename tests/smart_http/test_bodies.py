"""Bodies of transfers: bounded in size and in patience, and never unpacked further than they are read."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.api.errors import RequestRefused
from roadstead.api.incoming import Incoming
from roadstead.errors import InvalidInput

Message = dict[str, object]


def _receiving(*pieces: bytes, then: Message | None = None) -> Callable[[], Awaitable[Message]]:
    """Return what receives these pieces, and then another message or, without one, nothing for ever."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages += [then] if then is not None else []

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


_END: Message = {"type": "http.request", "body": b"", "more_body": False}
_LEFT: Message = {"type": "http.disconnect"}


def _read(body: Incoming) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in body])

    return asyncio.run(asyncio.wait_for(read(), 10))


@given(st.binary(max_size=500), st.lists(st.integers(min_value=1, max_value=50)), st.booleans())
def test_a_body_is_the_same_however_it_comes(whole: bytes, lengths: list[int], gzipped: bool) -> None:
    """In pieces of any length, packed or not."""
    sent, pieces = gzip.compress(whole) if gzipped else whole, []
    for length in lengths:
        pieces.append(sent[:length])
        sent = sent[length:]
    assert _read(Incoming(_receiving(*pieces, sent, then=_END), gzipped=gzipped)) == whole


@pytest.mark.parametrize(
    ("pieces", "then", "options", "refusal", "status"),
    [
        ([b"abc"], _LEFT, {}, InvalidInput, None),
        ([gzip.compress(b"abc", mtime=0)[:12]], _END, {"gzipped": True}, InvalidInput, None),
        ([b"abc"], _END, {"gzipped": True}, InvalidInput, None),
        ([gzip.compress(b"abc") + b"d"], None, {"gzipped": True}, InvalidInput, None),
        ([gzip.compress(b"abc"), b"def"], None, {"gzipped": True}, InvalidInput, None),
        ([b"abc", b"def"], _END, {"most": 5}, RequestRefused, 413),
        ([gzip.compress(bytes(9999), mtime=0)], _END, {"gzipped": True, "most": 9998}, RequestRefused, 413),
        ([b"abc"], None, {"idle_seconds": 0.01}, RequestRefused, 408),
    ],
    ids=[
        "who leaves",
        "a cut body",
        "not packed",
        "more than is packed",
        "more in another piece",
        "too long",
        "too long unpacked",
        "who sends nothing",
    ],
)
def test_other_bodies_are_refused(
    pieces: list[bytes], then: Message | None, options: dict[str, int], refusal: type[Exception], status: int | None
) -> None:
    """So that git is never given a part for the whole, and no client keeps a place without sending."""
    with pytest.raises(refusal) as raised:
        _read(Incoming(_receiving(*pieces, then=then), **options))  # type: ignore[arg-type]
    assert getattr(raised.value, "status", None) == status


def test_a_bomb_is_unpacked_piece_by_piece() -> None:
    """A few bytes that are 64 MB of zeros come out in pieces of at most a megabyte, each when it is wanted."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(64)) + packer.flush()

    async def first_pieces() -> list[int]:
        body = Incoming(_receiving(bomb, then=_END), gzipped=True)
        return [len(await anext(body)) for _ in range(3)]

    assert max(asyncio.run(first_pieces())) <= 1024 * 1024


class _Clock(asyncio.SelectorEventLoop):
    """A loop whose clock a client can turn on."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


@pytest.mark.parametrize(
    ("size", "seconds", "is_read"),
    [(1, 59, False), (59 * 256, 59, False), (59 * 1024, 59, True), (1024, 1, True), (400, 1, False)],
    ids=["a byte before each time-out", "half the least rate", "in bursts", "a slow line", "just too slow"],
)
def test_a_body_comes_at_a_least_rate(size: int, seconds: float, is_read: bool) -> None:
    """A slow line may take as long as it needs; a client that only keeps its place is refused."""
    clock, left = _Clock(), [200_000]

    async def receive() -> Message:
        clock.ahead += seconds
        for _ in range(2):  # the first turn sets the time-out off, the second raises it
            await asyncio.sleep(0)
        left[0] -= size
        return {"type": "http.request", "body": bytes(size), "more_body": left[0] > 0}

    async def read() -> int:
        return sum([len(piece) async for piece in Incoming(receive)])

    with contextlib.closing(clock), contextlib.nullcontext() if is_read else pytest.raises(RequestRefused):
        assert clock.run_until_complete(read()) >= 200_000
