"""DNS messages (RFC 1035), with the compression that answers really use."""
import ipaddress
import struct

A, CNAME, PTR, TXT, AAAA, SRV, OPT = 1, 5, 12, 16, 28, 33, 41
RESPONSE = 0x8180
POINTER_TO_QUESTION = b"\xc0\x0c"


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data, *, ttl=60, rclass=1):
    """A resource record; `owner` is text or ready bytes, `data` an address, a name or bytes."""
    owner = owner if isinstance(owner, bytes) else name(owner)
    if kind in (A, AAAA) and isinstance(data, str):
        data = ipaddress.ip_address(data).packed
    elif kind in (CNAME, PTR) and isinstance(data, str):
        data = name(data)
    return owner + struct.pack("!HHIH", kind, rclass, ttl, len(data)) + data


def message(question, answers=(), authority=(), additional=(), *, flags=RESPONSE, kind=A,
            ident=0x1234):
    counts = (1 if question else 0, len(answers), len(authority), len(additional))
    asked = name(question) + struct.pack("!HH", kind, 1) if question else b""
    head = struct.pack("!HHHHHH", ident, flags, *counts)
    return head + asked + b"".join((*answers, *authority, *additional))


def query(question, kind=A, flags=0x0100):
    return message(question, flags=flags, kind=kind)


def over_tcp(data):
    return struct.pack("!H", len(data)) + data
