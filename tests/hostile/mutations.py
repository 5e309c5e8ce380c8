"""Mutations of captures: each leaves most of the file readable, so that what is wrong gets far."""
import random
import struct

from fields import fields
from storage import Capture, inflated

# Values at which lengths, counts and offsets turn into something else.
EDGES = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 19, 20, 28, 40, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x3fff,
         0x4000, 0x7fff, 0x8000, 0xc00c, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff)
TIMES = (0, 1, 999999, 1000000, 999999999, 0x7fffffff, 0x80000000, 0xffffffff)


def _some_frame(rng, capture):
    """A packet that has bytes; None where there is none."""
    packets = [r for r in capture.packets() if r.frame]
    return rng.choice(packets) if packets else None


def flip_bits(rng, capture):
    """A few bits of one frame."""
    record = _some_frame(rng, capture)
    if record:
        for _ in range(rng.choice((1, 1, 2, 8))):
            record.frame[rng.randrange(len(record.frame))] ^= 1 << rng.randrange(8)


def overwrite_run(rng, capture):
    """A run of one frame's bytes: with noise, with one byte, or with another frame's bytes."""
    record = _some_frame(rng, capture)
    if record:
        at = rng.randrange(len(record.frame))
        length = min(rng.choice((1, 2, 4, 16, 64)), len(record.frame) - at)
        other = _some_frame(rng, capture).frame
        record.frame[at:at + length] = rng.choice((
            rng.randbytes(length), bytes([rng.choice((0, 0xff, 0x41, 0x0a))]) * length,
            bytes(other[:length]).ljust(length, b"\0")))


def resize_frame(rng, capture):
    """A frame that is cut, or that something was put into."""
    record = _some_frame(rng, capture)
    if record:
        at = rng.randrange(len(record.frame))
        if rng.random() < 0.6:
            del record.frame[at:at + rng.choice((1, 2, 40, len(record.frame)))]
        else:
            record.frame[at:at] = rng.randbytes(rng.choice((1, 3, 64, 2000)))


def set_field(rng, capture):
    """A field of a header: at an edge, just beside what it was, or anything."""
    record = _some_frame(rng, capture)
    places = fields(record.frame, record.link) if record else []
    if places:
        _, at, size = rng.choice(places)
        was = int.from_bytes(record.frame[at:at + size], "big")
        value = rng.choice((rng.choice(EDGES), was + rng.choice((-2, -1, 1, 2, 1400)),
                            rng.getrandbits(8 * size), was ^ 1 << rng.randrange(8 * size)))
        record.frame[at:at + size] = (value % (1 << 8 * size)).to_bytes(size, "big")


def drop_packets(rng, capture):
    """Some packets are missing."""
    if capture.records:
        at = rng.randrange(len(capture.records))
        del capture.records[at:at + rng.choice((1, 1, 2, 10))]


def repeat_packets(rng, capture):
    """Some packets come twice, at once or later."""
    if capture.records:
        at = rng.randrange(len(capture.records))
        some = [r.copy() for r in capture.records[at:at + rng.choice((1, 1, 3, 20))]]
        to = rng.choice((at, rng.randrange(len(capture.records) + 1)))
        capture.records[to:to] = some


def reorder_packets(rng, capture):
    """Neighbours are shuffled, or one comes from far away."""
    if len(capture.records) > 1:
        at = rng.randrange(len(capture.records))
        if rng.random() < 0.5:
            some = capture.records[at:at + rng.choice((2, 3, 10))]
            rng.shuffle(some)
            capture.records[at:at + len(some)] = some
        else:
            record = capture.records.pop(at)
            capture.records.insert(rng.randrange(len(capture.records) + 1), record)


def lie_about_length(rng, capture):
    """A record header's captured or original length."""
    packets = capture.packets()
    if packets:
        record = rng.choice(packets)
        value = rng.choice((rng.choice(EDGES), len(record.frame) + rng.choice((-1, 1, 16))))
        if rng.random() < 0.3:
            record.said_length = value
        else:
            struct.pack_into(record.order + "I", record.head, len(record.head) - 4,
                             value & 0xffffffff)


def change_time(rng, capture):
    """A record header's time, or two of them swapped."""
    packets = capture.packets()
    if packets:
        first, second = rng.choice(packets), rng.choice(packets)
        place = 8 if capture.is_ng else 0
        if rng.random() < 0.4:
            a, b = first.head[place:place + 8], second.head[place:place + 8]
            first.head[place:place + 8], second.head[place:place + 8] = b, a
        else:
            struct.pack_into(first.order + "I", first.head, place + rng.choice((0, 4)),
                             rng.choice(TIMES))


def change_header(rng, capture):
    """The file's own header, or a pcapng block that is no packet."""
    blocks = [r for r in capture.records if r.link is None and r.frame]
    if blocks:
        block = rng.choice(blocks)
        block.frame[rng.randrange(len(block.frame))] = rng.randrange(256)
    elif len(capture.header) > 4:
        capture.header[rng.randrange(4, len(capture.header))] = rng.randrange(256)


OF_RECORDS = (flip_bits, flip_bits, overwrite_run, overwrite_run, resize_frame, set_field,
              set_field, set_field, set_field, set_field, drop_packets, repeat_packets,
              reorder_packets, reorder_packets, change_time, change_time)
RARE = (lie_about_length, change_header)  # these often end the readable part


def _spoil_file(rng, text):
    """The file as bytes: cut off, a run overwritten, or taken out."""
    if not text:
        return text
    at = rng.randrange(len(text))
    length = rng.choice((1, 4, 16, 256))
    return rng.choice((text[:at], text[:at] + rng.randbytes(length) + text[at + length:],
                       text[:at] + text[at + length:]))


def mutate(text, seed):
    """The bytes of a capture, mutated: the same for the same bytes and seed (a text)."""
    rng = random.Random(seed)
    if rng.random() < 0.95:
        text = inflated(text)
    capture = Capture(text)
    for _ in range(rng.choice((1, 2, 3, 5, 8, 20))):
        rng.choice(OF_RECORDS)(rng, capture)
    if rng.random() < 0.1:
        rng.choice(RARE)(rng, capture)
    spoilt = bytes(capture)
    return _spoil_file(rng, spoilt) if rng.random() < 0.1 or not capture.records else spoilt
