"""Captures as lists of records, read and written again: pcap and pcapng, the latter's packet
blocks only as far as mutations need them. What cannot be read stays one lump of bytes."""
import gzip
import struct
import zlib

MAGICS = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">",
          b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}
SECTION, INTERFACE, ENHANCED = 0x0A0D0D0A, 1, 6
FILE_HEADER, RECORD_HEADER, PACKET_HEADER = 24, 16, 20


def inflated(text):
    """The bytes of a file behind its gzip wrapper; its own where that is missing or broken."""
    try:
        return gzip.decompress(text)
    except (OSError, EOFError, zlib.error):
        return text


class Record:
    """One packet, or one pcapng block of another kind (`frame` is then its body)."""

    def __init__(self, order, head, frame, link=None, tail=b""):
        self.order = order  # of the bytes in its head, as struct names it
        self.head = bytearray(head)  # times and lengths as the format has them
        self.frame = bytearray(frame)
        self.link = link  # the link type; None: no packet
        self.tail = tail  # a pcapng block's options
        self.said_length = None  # a lie about the captured length

    def copy(self):
        """Another one like it."""
        twin = Record(self.order, self.head, self.frame, self.link, self.tail)
        twin.said_length = self.said_length
        return twin

    def length(self):
        """The captured length as it is to be written."""
        return len(self.frame) if self.said_length is None else self.said_length & 0xffffffff


class Capture:
    """A file's records. `bytes()` writes it again: as it was, if nothing was changed."""

    def __init__(self, text):
        self.lump = b""  # what follows the last whole record
        self.header = b""
        self.records = []
        self.order = MAGICS.get(text[:4])
        self.is_ng = text[:4] == b"\x0a\x0d\x0d\x0a"
        if self.is_ng:
            self._read_ng(text)
        elif self.order:
            self._read_pcap(text)
        else:
            self.lump = text

    def packets(self):
        """The records that are packets."""
        return [r for r in self.records if r.link is not None]

    def _read_pcap(self, text):
        self.header, at = bytearray(text[:FILE_HEADER]), FILE_HEADER
        link = struct.unpack_from(self.order + "I", text.ljust(FILE_HEADER, b"\0"), 20)[0]
        while at + RECORD_HEADER <= len(text):
            (length,) = struct.unpack_from(self.order + "I", text, at + 8)
            end = at + RECORD_HEADER + length
            if end > len(text):
                break
            self.records.append(
                Record(self.order, text[at:at + RECORD_HEADER], text[at + RECORD_HEADER:end],
                       link & 0xffff))
            at = end
        self.lump = text[at:]

    def _read_ng(self, text):
        at, links = 0, []
        while at + 12 <= len(text):
            if text[at:at + 4] == b"\x0a\x0d\x0d\x0a":
                self.order, links = "<" if text[at + 8] == 0x4D else ">", []
            kind, total = struct.unpack_from(self.order + "II", text, at)
            if total < 12 or total % 4 or at + total > len(text):
                break
            body = text[at + 8:at + total - 4]
            if kind == INTERFACE and len(body) >= 2:
                links.append(struct.unpack_from(self.order + "H", body)[0])
            self.records.append(self._block(kind, body, links))
            at += total
        self.lump = text[at:]

    def _block(self, kind, body, links):
        head = struct.pack(self.order + "I", kind)
        if kind != ENHANCED or len(body) < PACKET_HEADER:
            return Record(self.order, head, body)
        interface, _, _, length = struct.unpack_from(self.order + "IIII", body)
        padded = PACKET_HEADER + (length + 3) // 4 * 4
        link = links[interface] if interface < len(links) else 1
        return Record(self.order, head + body[:PACKET_HEADER],
                      body[PACKET_HEADER:PACKET_HEADER + length], link, body[padded:])

    def _write(self, record):
        if not self.is_ng:
            struct.pack_into(record.order + "I", record.head, 8, record.length())
            return bytes(record.head + record.frame)
        body = bytes(record.head[4:])
        if record.link is not None:
            struct.pack_into(record.order + "I", record.head, 4 + 12, record.length())
            body = bytes(record.head[4:])
        body += bytes(record.frame)
        body += bytes(-len(body) % 4) + bytes(record.tail)
        total = struct.pack(record.order + "I", len(body) + 12)
        return bytes(record.head[:4]) + total + body + total

    def __bytes__(self):
        return bytes(self.header) + b"".join(map(self._write, self.records)) + self.lump
