"""Bodies of pushes, byte by byte, as a hostile client makes them."""

import hashlib
import struct
import zlib

from roadstead.git.transfer.pktlines import FLUSH, pkt_line

_CAPABLE = b"\0 report-status side-band-64k"


def whole_pack(*objects: tuple[int, bytes]) -> bytes:
    """Return a pack of whole objects, each of a type and with a content."""
    packed = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        size, length = len(content) >> 4, len(content) & 15
        head = [kind << 4 | length]
        while size:
            head[-1] |= 128
            head.append(size & 127)
            size >>= 7
        packed += bytes(head) + zlib.compress(content)
    return packed + hashlib.sha1(packed).digest()


def object_id(kind: str, content: bytes) -> str:
    """Return the id of an object."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def push_of(*commands: str, pack: bytes = b"") -> bytes:
    """Return the body of a push of these commands."""
    first, *others = [command.encode() for command in commands]
    return b"".join(map(pkt_line, [first + _CAPABLE, *others])) + FLUSH + pack
