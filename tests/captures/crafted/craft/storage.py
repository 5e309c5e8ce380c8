"""Capture files: pcap in its four dialects, pcapng's blocks, and plain gzip and zstd wrappers."""
import struct
import zlib

ETHERNET, RAW_OLD, RAW, NULL, LOOP, SLL, SLL2 = 1, 12, 101, 0, 108, 113, 276
MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D
SECOND = 1_000_000_000


def pcap(packets, link=ETHERNET, *, order="<", magic=MICRO, snap=262144):
    """A pcap file of (nanoseconds, bytes, length on the wire) triples."""
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for when, frame, length in packets:
        fraction = when % SECOND
        if magic == MICRO:
            fraction //= 1000
        parts += [struct.pack(order + "IIII", when // SECOND, fraction, len(frame), length), frame]
    return b"".join(parts)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order="<"):
    """A section header block: everything that follows is in `order`, until the next one."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link=ETHERNET, order="<", *, snap=0, resolution=None, offset=None):
    """An interface description; `resolution` is if_tsresol, `offset` if_tsoffset in seconds."""
    options = b""
    if resolution is not None:
        options += option(9, bytes([resolution]), order)
    if offset is not None:
        options += option(14, struct.pack(order + "q", offset), order)
    if options:
        options += option(0, b"", order)
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(number, ticks, frame, order="<", *, length=None, options=b""):
    """An enhanced packet block of interface `number`, its time in that interface's own ticks."""
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame),
                       len(frame) if length is None else length)
    return block(6, head + frame + bytes(-len(frame) % 4) + options, order)


def simple(frame, order="<", *, length=None):
    """A simple packet block: interface 0, no time."""
    length = len(frame) if length is None else length
    return block(3, struct.pack(order + "I", length) + frame, order)


def gzipped(data):
    """A gzip member of stored blocks (RFC 1952), which no version of a compressor can change."""
    pieces = [data[i: i + 0xFFFF] for i in range(0, len(data), 0xFFFF)] or [b""]
    out = bytes.fromhex("1f8b0800000000000003")
    for i, piece in enumerate(pieces):
        out += struct.pack("<BHH", i == len(pieces) - 1, len(piece), len(piece) ^ 0xFFFF) + piece
    return out + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstandard(data):
    """A zstd frame of raw blocks (RFC 8878), for the same reason."""
    pieces = [data[i: i + 0x10000] for i in range(0, len(data), 0x10000)] or [b""]
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    for i, piece in enumerate(pieces):
        out += struct.pack("<I", len(piece) << 3 | (i == len(pieces) - 1))[:3] + piece
    return out
