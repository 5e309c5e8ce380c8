"""TLS records and handshake messages, as far as they travel in the clear."""
import struct

HANDSHAKE, ALERT, DATA, CHANGE = 22, 21, 23, 20
CLIENT_RANDOM, SERVER_RANDOM = bytes(range(32)), bytes(range(64, 96))
# ServerHello.random of a HelloRetryRequest (RFC 8446, section 4.1.3).
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def record(data, kind=HANDSHAKE, version=0x0303):
    return struct.pack("!BHH", kind, version, len(data)) + data


def records(data, size, version=0x0303):
    """Handshake bytes cut into records of `size`, wherever messages begin and end."""
    return b"".join(record(data[i: i + size], HANDSHAKE, version)
                    for i in range(0, len(data), size))


def message(kind, body):
    return struct.pack("!I", kind << 24 | len(body)) + body


def extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def server_name(name):
    return extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name)


def client_hello(name=None, *, tls13=False, extra=b"", session=b""):
    ciphers = struct.pack("!4H", 0x1301, 0xC02B, 0xC02F, 0x009C)
    extensions = server_name(name.encode()) if name else b""
    extensions += extension(10, bytes.fromhex("0004001d0017"))
    extensions += extension(13, bytes.fromhex("000404030804"))
    if tls13:
        extensions += extension(43, bytes.fromhex("0403040303"))
        extensions += extension(51, bytes.fromhex("0024001d0020") + bytes(range(32)))
    extensions += extra
    body = b"\3\3" + CLIENT_RANDOM + bytes([len(session)]) + session
    body += struct.pack("!H", len(ciphers)) + ciphers + b"\1\0"
    return message(1, body + struct.pack("!H", len(extensions)) + extensions)


def server_hello(*, tls13=False, random=SERVER_RANDOM):
    extensions = b""
    if tls13:
        share = b"\0\x1d" if random == RETRY else b"\0\x1d\0\x20" + bytes(32)
        extensions = extension(43, b"\3\4") + extension(51, share)
    cipher = 0x1301 if tls13 else 0xC02B
    fixed = struct.pack("!BHBH", 0, cipher, 0, len(extensions))
    return message(2, b"\3\3" + random + fixed + extensions)


def certificate(chain):
    """A Certificate message of TLS 1.2 and before (RFC 5246, section 7.4.2)."""
    entries = b"".join(struct.pack("!I", len(der))[1:] + der for der in chain)
    return message(11, struct.pack("!I", len(entries))[1:] + entries)


def key_exchange():
    return message(12, bytes.fromhex("03001741") + b"\x04" + bytes(64) + bytes.fromhex("04030008")
                   + b"s" * 8)


DONE = message(14, b"")
CLIENT_KEY = message(16, b"\x41\x04" + bytes(64))
CHANGE_CIPHER = record(b"\1", CHANGE)
FINISHED = record(b"\xf1" * 40)  # encrypted


def sealed(size, fill=b"\xe5"):
    """Application data."""
    return record(fill * size, DATA)
