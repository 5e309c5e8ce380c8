"""Packets built byte by byte: link, IP, TCP and UDP headers with honest checksums."""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD

MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def is_v6(address):
    return ":" in address


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(data):
    """The Internet checksum of RFC 1071."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data[: len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport_checksum(src, dst, proto, segment):
    """The checksum over segment and pseudo header; UDP's zero means none, so it turns to ones."""
    pseudo = packed(src) + packed(dst) + struct.pack("!II", len(segment), proto)
    return checksum(pseudo + segment) or 0xFFFF


def ethernet(payload, ethertype, src=MAC_A, dst=MAC_B):
    return dst + src + struct.pack("!H", ethertype) + payload


def ipv4(src, dst, proto, payload, *, ident=0, offset=0, more=False, ttl=64, options=b"",
         total=None):
    """One IPv4 packet or fragment; `offset` in bytes, `total` overrides the length field."""
    words = 5 + len(options) // 4
    length = words * 4 + len(payload) if total is None else total
    fields = [0x40 | words, 0, length, ident, (0x2000 if more else 0) | offset // 8, ttl, proto, 0]
    tail = packed(src) + packed(dst) + options
    fields[7] = checksum(struct.pack("!BBHHHBBH", *fields) + tail)
    return struct.pack("!BBHHHBBH", *fields) + tail + payload


def ipv6(src, dst, next_header, payload, *, hops=64, length=None):
    length = len(payload) if length is None else length
    head = struct.pack("!IHBB", 6 << 28, length, next_header, hops)
    return head + packed(src) + packed(dst) + payload


def ipv6_fragment(src, dst, next_header, piece, *, ident, offset, more):
    header = struct.pack("!BBHI", next_header, 0, offset | more, ident)
    return ipv6(src, dst, 44, header + piece)


def ip(src, dst, proto, payload, ident=0):
    """An IP packet of the addresses' own family."""
    if is_v6(src):
        return ipv6(src, dst, proto, payload)
    return ipv4(src, dst, proto, payload, ident=ident)


def ip_frame(packet):
    return ethernet(packet, IPV6 if packet[0] >> 4 == 6 else IPV4)


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b"", *, window=8192, options=b"",
        urgent=0):
    """A TCP segment with its checksum; sequence numbers wrap."""
    def header(total):
        return struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                           (5 + len(options) // 4) << 4, flags, window, total, urgent) + options
    return header(transport_checksum(src, dst, TCP, header(0) + payload)) + payload


def udp(src, sport, dst, dport, payload, length=None):
    length = 8 + len(payload) if length is None else length

    def header(total):
        return struct.pack("!HHHH", sport, dport, length, total)
    return header(transport_checksum(src, dst, UDP, header(0) + payload)) + payload


def icmp(src, dst, kind, code, body):
    """ICMP for v4, ICMPv6 for v6; `body` is what follows the checksum."""
    if not is_v6(src):
        plain = struct.pack("!BBH", kind, code, 0) + body
        return struct.pack("!BBH", kind, code, checksum(plain)) + body
    plain = struct.pack("!BBH", kind, code, 0) + body
    return struct.pack("!BBH", kind, code, transport_checksum(src, dst, ICMP6, plain)) + body
