"""Captures that are made to exhaust whoever reads them: (microseconds, frame) pairs each."""
import itertools
import struct
import zlib

FIN, SYN, ACK = 1, 2, 16
START_US = 1_700_000_000 * 1_000_000
CLIENT, SERVER = 0x0A000001, 0xC6336414
SEGMENT = 1400
ETHERNET = bytes(12) + b"\x08\x00"


def ip(source, destination, protocol, payload, fragment=0, ident=0):
    """A frame with an IPv4 packet. Nobody looks at its checksums."""
    return ETHERNET + struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(payload), ident & 0xffff,
                                  fragment, 64, protocol, 0, source, destination) + payload


def tcp(source, destination, seq, payload=b"", flags=ACK, ack=0):
    """A frame with a segment from one (address, port) to another."""
    head = struct.pack("!HHIIBBHHH", source[1], destination[1], seq & 0xffffffff, ack & 0xffffffff,
                       0x50, flags, 8192, 0, 0)
    return ip(source[0], destination[0], 6, head + payload)


def udp(source, destination, payload):
    """A frame with a datagram."""
    head = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0)
    return ip(source[0], destination[0], 17, head + payload)


def paced(frames, step_us=10):
    """The frames, so many microseconds apart."""
    return zip(itertools.count(START_US, step_us), frames)


def conversation(turns, client=(CLIENT, 40000), server=(SERVER, 80), size=SEGMENT):
    """The frames of one connection: (side, bytes) turns, in segments of `size`."""
    ends, seq = (client, server), [1, 1]
    yield tcp(client, server, 0, flags=SYN)
    yield tcp(server, client, 0, flags=SYN | ACK, ack=1)
    for side, data in turns:
        for at in range(0, len(data), size):
            piece = data[at:at + size]
            yield tcp(ends[side], ends[1 - side], seq[side], piece, ack=seq[1 - side])
            seq[side] += len(piece)


def endpoints(count):
    """So many different clients."""
    return ((CLIENT + n // 50000, 10000 + n % 50000) for n in range(count))


def half_open(flows):
    """Flows that send a few bytes and never end."""
    server = (SERVER, 443)
    return paced(itertools.chain.from_iterable(
        (tcp(client, server, 0, flags=SYN), tcp(client, server, 1, b"\x16\x03\x01\x02"))
        for client in endpoints(flows)), 1)


def half_open_datagrams(flows):
    """Conversations of one datagram."""
    return paced((udp(client, (SERVER, 3478), b"anything") for client in endpoints(flows)), 1)


def holes(flows, segments):
    """Flows whose first byte never comes, and much behind it, last segments first."""
    server, data = (SERVER, 80), bytes(SEGMENT)
    starts = (tcp(c, server, 0, flags=SYN) for c in endpoints(flows))
    rest = (tcp(c, server, 2 + n * SEGMENT, data)
            for n in reversed(range(segments)) for c in endpoints(flows))
    return paced(itertools.chain(starts, rest), 1)


def endless_header(length):
    """An HTTP request whose header fields never end."""
    field = b"X-%07d: " + b"a" * 100 + b"\r\n"
    head = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(field % n for n in range(length // 113))
    return paced(conversation([(0, head)]))


def many_fields(messages):
    """HTTP requests with as many different header fields as fit."""
    letters = [bytes([a, b, c]) for a in range(97, 123) for b in range(97, 123)
               for c in range(97, 123)]
    head = b"GET / HTTP/1.1\r\n" + b"".join(name + b":\r\n" for name in letters[:13000]) + b"\r\n"
    return paced(conversation([(0, head)] * messages))


def bomb(count, inflated):
    """Answers whose few bytes inflate to very many."""
    body = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(body.compress(bytes(1 << 20)) for _ in range(inflated >> 20)) + body.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    turns = [(0, b"GET / HTTP/1.1\r\n\r\n"), (1, head + packed)] * count
    return paced(conversation(turns))


def dns_stream(messages):
    """Small DNS answers without end, over one TCP connection."""
    message = (struct.pack("!HHHHHH", 1, 0x8180, 1, 1, 0, 0) + b"\1a\1b\0" +
               struct.pack("!HH", 1, 1) + b"\xc0\x0c" + struct.pack("!HHIHI", 1, 1, 60, 4, 1))
    query = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\1a\1b\0" + struct.pack("!HH", 1, 1)
    framed = struct.pack("!H", len(message)) + message
    return paced(conversation([(0, struct.pack("!H", len(query)) + query),
                               (1, framed * messages)], server=(SERVER, 53), size=60000))


def pipelined(requests):
    """Requests that are never answered."""
    request = b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % (b"x" * 200)
    return paced(conversation([(0, request * requests)]))


def websocket(length):
    """An upgrade, and a text frame that says it is as long as can be."""
    ask = (b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    agree = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             b"Connection: Upgrade\r\n\r\n")
    frame = b"\x81\x7f" + struct.pack("!Q", (1 << 63) - 1) + b"1.2.3.4:5678 " * (length // 13)
    return paced(conversation([(0, ask), (1, agree), (1, frame)], server=(SERVER, 8408)))


def fragments(count, offset=65000):
    """Fragments of as many datagrams, none of which is ever whole."""
    return paced((ip(CLIENT + n // 65536, SERVER, 17, bytes(24), 0x2000 | offset // 8, n)
                  for n in range(count)), 1)


def handshake(length):
    """A TLS handshake message that is never whole, in records of a few bytes."""
    message = b"\x01" + (1 << 17).to_bytes(3, "big") + b"\x03\x03" + bytes(length)
    records = b"".join(b"\x16\x03\x01\0\x01" + message[n:n + 1] for n in range(length))
    return paced(conversation([(0, b"\x16\x03\x01\0\x28" + message[:40] + records)],
                              server=(SERVER, 443)))


def start_lines(segments, size):
    """Every segment could be the start of a status line that goes on through all of them."""
    line = (b"HTTP/1.1 200 " + b"x" * size)[:size]
    turns = [turn for _ in range(segments) for turn in ((0, b"."), (1, line))]
    return paced(conversation(turns))


def single_bytes(length):
    """Segments of one byte, after as many starts as are looked at."""
    head = [(1, b"HTTP/1.1 200 ")] * 64
    return paced(conversation(head + [(1, b"x")] * length))
