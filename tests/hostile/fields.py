"""Where the fields of a frame are that say how long something is, what it is, and where it
belongs: the places at which a mutation hurts most."""

ETHERNET, RAW, SLL, NULL, SLL2 = 1, (12, 101, 228, 229), 113, 0, 276
TAGS = (0x8100, 0x88a8, 0x9100)
TCP, UDP, FRAGMENT = 6, 17, 44
EXTENSIONS = (0, 43, 60)


def _network(frame, link):
    """Where the IP header begins; None: nowhere that is known."""
    if link in RAW:
        return 0
    if link == NULL:
        return 4
    if link == SLL:
        return 16
    if link == SLL2:
        return 20
    if link != ETHERNET:
        return None
    at = 12
    while int.from_bytes(frame[at:at + 2], "big") in TAGS:
        at += 4
    return at + 2


def _transport_v4(frame, at, found):
    found += [("ip version and length", at, 1), ("ip total length", at + 2, 2),
              ("ip id", at + 4, 2), ("ip fragment", at + 6, 2), ("ip protocol", at + 9, 1),
              ("ip source", at + 12, 4), ("ip destination", at + 16, 4)]
    return frame[at + 9], at + 4 * (frame[at] & 15)


def _transport_v6(frame, at, found):
    found += [("ip version", at, 1), ("ip payload length", at + 4, 2), ("ip next", at + 6, 1),
              ("ip source", at + 8, 16), ("ip destination", at + 24, 16)]
    protocol, at = frame[at + 6], at + 40
    while protocol in EXTENSIONS and at + 8 <= len(frame):
        found += [("extension next", at, 1), ("extension length", at + 1, 1)]
        protocol, at = frame[at], at + 8 + 8 * frame[at + 1]
    if protocol == FRAGMENT and at + 8 <= len(frame):
        found += [("extension next", at, 1), ("ip fragment", at + 2, 2), ("ip id", at + 4, 4)]
        protocol, at = frame[at], at + 8
    return protocol, at


def _payload(frame, at, is_tcp, found):
    """TLS, DNS, QUIC, STUN and HTTP: by what the payload begins with."""
    start = bytes(frame[at:at + 4])
    if start[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and start[1:2] == b"\x03":
        found += [("tls record length", at + 3, 2), ("tls message", at + 5, 1),
                  ("tls message length", at + 6, 3), ("tls inner length", at + 43, 1),
                  ("tls inner length", at + 44, 2), ("tls inner length", at + 76, 2)]
    elif not is_tcp and frame[at] & 0x80 and frame[at] & 0x40:
        found += [("quic version", at + 1, 4), ("quic id length", at + 5, 1)]
    elif start.isalpha() or start == b"HTTP":
        found += [("http " + name, place + shift, 3)
                  for name, mark, shift in (("line", b"\r\n", 0), ("field", b": ", 2),
                                            ("length", b"ength: ", 7), ("blank", b"\r\n\r\n", 0))
                  if (place := frame.find(mark, at)) >= 0]
    else:
        at += 2 if is_tcp else 0
        found += [("message length", at - 2 if is_tcp else at + 2, 2), ("dns flags", at + 2, 2),
                  ("dns questions", at + 4, 2), ("dns answers", at + 6, 2),
                  ("dns name", at + 12, 1), ("dns name", at + 13 + frame[at + 12] % 64
                                             if at + 12 < len(frame) else at, 2)]


def fields(frame, link):
    """[(name, offset, size)] of the frame's fields, as far as it goes."""
    found = []
    at = _network(frame, link)
    if at is None or at + 20 > len(frame):
        return found
    version = frame[at] >> 4
    if version not in (4, 6) or (version == 6 and at + 40 > len(frame)):
        return found
    protocol, at = (_transport_v4 if version == 4 else _transport_v6)(frame, at, found)
    if protocol == TCP and at + 20 <= len(frame):
        found += [("tcp port", at, 2), ("tcp port", at + 2, 2), ("tcp sequence", at + 4, 4),
                  ("tcp acknowledgment", at + 8, 4), ("tcp data offset", at + 12, 1),
                  ("tcp flags", at + 13, 1)]
        at += 4 * (frame[at + 12] >> 4)
    elif protocol == UDP and at + 8 <= len(frame):
        found += [("udp port", at, 2), ("udp port", at + 2, 2), ("udp length", at + 4, 2)]
        at += 8
    else:
        at = len(frame)
    if at < len(frame):
        _payload(frame, at, protocol == TCP, found)
    return [(name, place, size) for name, place, size in found if place + size <= len(frame)]
