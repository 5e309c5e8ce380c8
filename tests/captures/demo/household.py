"""What any house's network does beside: ARP, DHCP, mDNS, pings, clocks, and strangers who knock."""
import ipaddress
import struct

from craft import dns
from craft import packets as pk
from craft.builder import DOWN, MS, UP, Tcp, Udp, stamp
from edge import BROADCAST, GATEWAY, HOUR, MAC_GATEWAY, MAC_OF, NODE, NODE6, PHONE


def arp(edge):
    """The router asks for the node every minute or so, and is told."""
    cap = edge.strand(3, journey_ms=1)
    end = cap.now + (HOUR - 10) * 10 ** 9
    packed = [ipaddress.ip_address(a).packed for a in (GATEWAY, NODE)]
    while cap.now < end:
        for kind, src, dst, one, other in ((1, MAC_GATEWAY, BROADCAST, 0, 1),
                                           (2, MAC_OF[NODE], MAC_GATEWAY, 1, 0)):
            target = bytes(6) if kind == 1 else dst
            body = struct.pack("!HHBBH6s4s6s4s", 1, pk.IPV4, 6, 4, kind, src, packed[one], target,
                               packed[other])
            cap.frame(pk.ethernet(body, pk.ARP, src, dst).ljust(60, b"\0"))
        cap.wait(edge.rng.uniform(40, 70))


def ping(edge):
    cap, peer = edge.strand(), edge.peer()
    for number in range(edge.rng.randrange(2, 8)):
        body = struct.pack("!HH", 23, number) + bytes(range(48))
        cap.ip(NODE, peer, pk.ICMP, pk.icmp(NODE, peer, 8, 0, body))
        cap.ip(peer, NODE, pk.ICMP, pk.icmp(peer, NODE, 0, 0, body))
        cap.wait(1)


def neighbours(edge):
    """ICMPv6 between router and node."""
    cap = edge.strand(20, journey_ms=1)
    router = "fe80::1"
    for _ in range(50):
        target = bytes(4) + ipaddress.ip_address(NODE6).packed
        cap.ip(router, NODE6, pk.ICMP6, pk.icmp(router, NODE6, 135, 0, target))
        cap.ip(NODE6, router, pk.ICMP6, pk.icmp(NODE6, router, 136, 0, target))
        cap.wait(edge.rng.uniform(40, 80))


def dhcp(edge):
    """The node renews its lease twice."""
    cap = edge.strand(400, journey_ms=3)
    flow = Udp(cap, up=(NODE, 68), down=(GATEWAY, 67))
    for number in range(2):
        for way, operation, kind in ((UP, 1, 3), (DOWN, 2, 5)):
            head = struct.pack("!BBBBIHH", operation, 1, 6, 0, 0x1A2B + number, 0, 0)
            addresses = ipaddress.ip_address(NODE).packed + bytes(12)
            options = b"\x63\x82\x53\x63\x35\x01" + bytes([kind]) + b"\xff"
            flow.send(way, head + addresses + MAC_OF[NODE] + bytes(10 + 192) + options)
        cap.wait(250 if number == 0 else 0)
    flow.expect(edge.notable("dhcp"))


def announcements(edge):
    """mDNS and SSDP of a phone in the same house."""
    cap = edge.strand(30, journey_ms=1)
    group = Udp(cap, up=(PHONE, 5353), down=("224.0.0.251", 5353))
    for _ in range(30):
        answer = dns.record("phone.local", dns.A, PHONE, rclass=0x8001)
        when = group.send(UP, dns.message("", [answer], flags=0x8400, ident=0))
        edge.notable("mdns").record("ts_domain_ip.json", {"timestamp": stamp(when)},
                                    {"dns_domain": ["phone.local"], "dns_ip": [PHONE]})
        cap.wait(edge.rng.uniform(60, 110))
    cap = edge.strand(50, journey_ms=1)
    search = (b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
              b"MX: 1\r\nST: ssdp:all\r\n\r\n")
    flow = Udp(cap, up=(PHONE, 50900), down=("239.255.255.250", 1900))
    for _ in range(13):
        flow.send(UP, search)
        cap.wait(260)
    flow.expect(edge.notable("ssdp"))


def clock(edge):
    cap = edge.strand(10)
    flow = Udp(cap, up=(NODE, 123), down=("203.0.113.123", 123))
    for _ in range(50):
        flow.send(UP, b"\x23" + bytes(47))
        flow.send(DOWN, b"\x24\2" + bytes(46))
        cap.wait(64)
    flow.expect(edge.notable("ntp"))


def sweep(edge):
    """A stranger tries ports: closed ones refuse, one is left half open, some never answer."""
    at, peer = edge.moment(), edge.peer()
    for number in range(edge.rng.randrange(20, 60)):
        cap = edge.strand(at + number * edge.rng.uniform(0.01, 0.05))
        port = edge.rng.choice((22, 23, 80, 443, 445, 1433, 3306, 3389, 5900, 6379, 8080, 8443))
        flow = Tcp(cap,
                   up=(peer, edge.port()),
                   down=(NODE, port),
                   isn=(edge.rng.randrange(1 << 32), 77))
        asked = flow.syn()
        if port == 8080:
            flow.rtt = (flow.segment(DOWN, pk.SYN | pk.ACK) - asked) / MS
            flow.segment(UP, pk.RST)
        elif edge.rng.random() < 0.7:
            flow.segment(DOWN, pk.RST | pk.ACK, seq=0)
        else:
            cap.wait(1)
            flow.segment(UP, pk.SYN, seq=flow.seq[UP] - 1)
        flow.expect(edge.notable("scan", 6))


def stray(edge):
    """Datagrams to closed ports, answered with an ICMP error."""
    cap, peer = edge.strand(), edge.peer()
    flow = Udp(cap, up=(peer, edge.port()), down=(NODE, edge.rng.choice((161, 1900, 5060, 11211))))
    flow.send(UP, b"\xf7" * edge.rng.randrange(20, 60))
    quoted = pk.ipv4(peer, NODE, pk.UDP, pk.udp(*flow.ends[UP], *flow.ends[DOWN], b"\xf7" * 8))
    cap.ip(NODE, peer, pk.ICMP, pk.icmp(NODE, peer, 3, 3, bytes(4) + quoted))
    flow.expect(edge.notable("stray"))
