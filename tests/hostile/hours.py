"""An hour's capture, repeated: the same traffic for as many hours as wanted."""
import struct

from storage import Capture, inflated

HOUR_US = 3600 * 1000000
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"


def _moved(frame, hour):
    """The frame, between other addresses in every hour."""
    if frame[12:14] == IPV4:
        frame[14 + 12 + 1] ^= hour
        frame[14 + 16 + 1] ^= hour
    elif frame[12:14] == IPV6:
        frame[14 + 8 + 5] ^= hour
        frame[14 + 24 + 5] ^= hour
    return frame


def hours(path, count):
    """(microseconds, frame) of an Ethernet capture of an hour, played `count` (to 255) times."""
    with open(path, "rb") as file:
        hour = Capture(inflated(file.read()))
    times = [struct.unpack_from(r.order + "II", r.head) for r in hour.records]
    for number in range(count):
        for (seconds, micros), record in zip(times, hour.records):
            yield (seconds * 1000000 + micros + number * HOUR_US,
                   bytes(_moved(bytearray(record.frame), number)))
