"""What the platforms' programs send: STUN with a value, peers' handshakes, WebSocket frames."""
import json
import struct

COOKIE = 0x2112A442
PLATFORM = 0xE002
TEXT, BINARY, PING = 1, 2, 9


def attribute(kind, value):
    """A STUN attribute, padded to four bytes (RFC 8489, section 14)."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def stun(*attributes, kind=0x0001, transaction=b"transaction!", length=None):
    body = b"".join(attributes)
    length = len(body) if length is None else length
    return struct.pack("!HHI", kind, length, COOKIE) + transaction + body


def platform_value(device_type, resource_id, device_id):
    return {"device_type": device_type, "resource_id": resource_id, "device_id": device_id}


def value_attribute(value):
    return attribute(PLATFORM, json.dumps(value, ensure_ascii=False).encode())


def toutiao(value, location, size=None):
    """A Toutiao datagram: `value` (bytes) at `location`, filled with dots to `size`."""
    return (b"." * location + value).ljust(size or 0, b".")


def bittorrent(peer_id, reserved=bytes(8), info_hash=b"\xaa" * 20):
    """The peer wire handshake (BEP 3)."""
    return b"\x13BitTorrent protocol" + reserved + info_hash + peer_id


def utp(payload):
    """A uTP data packet (BEP 29). Its bytes must not look like another signature's."""
    return b"\x01\x00\x77\x11" + b"\x99" * 16 + payload


def xunlei(ident, at, size):
    """`ident` (bytes) after a zero byte at `at - 1`, among bytes that match nothing."""
    return (b"\xfe" * (at - 1) + b"\0" + ident).ljust(size, b"\xfe")


def websocket(payload, *, opcode=TEXT, mask=None, last=True):
    """One WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 1 << 16:
        head += struct.pack("!BH", masked | 126, size)
    else:
        head += struct.pack("!BQ", masked | 127, size)
    if not mask:
        return head + payload
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
