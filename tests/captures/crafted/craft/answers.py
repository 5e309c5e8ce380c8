"""DNS: what is an answer, what is DNS at all, and messages made to trap a parser."""
import ipaddress

from . import dns
from .builder import DOWN, UP, Capture, Tcp, Udp, stamp

HERE, QUESTION = dns.POINTER_TO_QUESTION, "www.d.example"
FILES = ("ts_domain_ip.json", "udp_con.json", "save_con.json", "tmp_con.json")


def address(text, owner=HERE, **more):
    return dns.record(owner, dns.AAAA if ":" in text else dns.A, text, **more)


# An answer section, the names and the addresses that it gives.
ANSWERS = (
    ([address("192.0.2.1")], [QUESTION], ["192.0.2.1"]),
    ([address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.1")], [QUESTION],
     ["192.0.2.1", "192.0.2.2"]),
    ([address("2001:db8:0:0:1::5"), address("192.0.2.3")], [QUESTION],
     ["2001:db8:0:0:1::5", "192.0.2.3"]),
    ([dns.record(HERE, dns.CNAME, "cdn.d.example"),
      dns.record("cdn.d.example", dns.CNAME, "edge.d.example"),
      address("192.0.2.4", "edge.d.example")],
     [QUESTION, "cdn.d.example", "edge.d.example"], ["192.0.2.4"]),
    # The target is "a" and a pointer to the last two labels of the question.
    ([dns.record(HERE, dns.CNAME, b"\1a\xc0\x10"), address("192.0.2.5", b"\1a\xc0\x10")],
     [QUESTION, "a.d.example"], ["192.0.2.5"]),
    ([dns.record(HERE, dns.CNAME, "alone.d.example")], [QUESTION, "alone.d.example"], []),
    ([dns.record(HERE, dns.TXT, b"\5hello")], [QUESTION], []),
    ([dns.record(HERE, 65, b"\0\1\0")], [QUESTION], []),
)


def record(run, when, names, addresses):
    addresses = [str(ipaddress.ip_address(a)) for a in addresses]  # RFC 5952 text
    run.record("ts_domain_ip.json", {"timestamp": stamp(when)},
               {"dns_domain": names, "dns_ip": addresses})


def datagrams():
    cap = Capture("dns-udp")
    run = cap.run()
    for answers, names, addresses in ANSWERS:
        flow = Udp(cap, dport=53)
        flow.send(UP, dns.query(QUESTION))
        record(run, flow.send(DOWN, dns.message(QUESTION, answers)), names, addresses)
    flow = Udp(cap, dport=53)  # only the answer section counts
    authority = [dns.record("d.example", 2, dns.name("ns.d.example"))]
    more = [address("192.0.2.99", "ns.d.example")]
    record(run, flow.send(DOWN, dns.message(QUESTION, [address("192.0.2.6")], authority, more)),
           [QUESTION], ["192.0.2.6"])
    for flags, answers in ((0x8183, []), (0x8180, []), (0x0100, [address("192.0.2.98")])):
        flow = Udp(cap, dport=53)  # no such name; no data; a query, whatever it carries
        flow.send(UP, dns.query(QUESTION))
        flow.send(DOWN, dns.message(QUESTION, answers, authority, flags=flags))
    for source, dport in (("2001:db8::53", 53), ("192.0.2.10", 53), ("192.0.2.10", 5333)):
        other = "2001:db8::1" if ":" in source else "198.51.100.20"
        flow = Udp(cap, up=(source, cap.port()), down=(other, dport))
        flow.send(UP, dns.query("port.d.example", dns.AAAA))
        answer = dns.message("port.d.example", [address("2001:db8::7")], kind=dns.AAAA)
        record(run, flow.send(DOWN, answer), ["port.d.example"], ["2001:db8::7"])
    run.only(*FILES)
    cap.expect_totals(run)
    return cap


def relatives():
    """mDNS and LLMNR are DNS; NetBIOS names are not, nor is everything on port 53."""
    cap = Capture("dns-relatives")
    run = cap.run()
    group = Udp(cap, up=("192.0.2.10", 5353), down=("224.0.0.251", 5353))
    group.send(UP, dns.query("_http._tcp.local", dns.PTR))
    answers = [dns.record("_http._tcp.local", dns.PTR, "box._http._tcp.local"),
               address("192.0.2.10", "box.local", rclass=0x8001)]
    record(run, group.send(UP, dns.message("", answers, flags=0x8400, ident=0)),
           ["_http._tcp.local", "box.local"], ["192.0.2.10"])
    link = Udp(cap, up=("192.0.2.10", cap.port()), down=("192.0.2.30", 5355))
    link.send(UP, dns.query("printer", flags=0))
    record(run, link.send(DOWN, dns.message("printer", [address("192.0.2.30")], flags=0x8000)),
           ["printer"], ["192.0.2.30"])
    netbios = Udp(cap, up=("192.0.2.10", 137), down=("192.0.2.255", 137))
    coded = b"\x20" + b"EFEEEHEFCACACACACACACACACACACACA" + b"\0"
    netbios.send(UP, b"\x12\x34\x01\x10\0\1\0\0\0\0\0\0" + coded + b"\0\x20\0\1")
    netbios.send(DOWN, b"\x12\x34\x85\0\0\0\0\1\0\0\0\0" + coded
                 + b"\0\x20\0\1\0\0\0\x3c\0\6\0\0\xc0\0\2\x0a")
    netbios.expect(run)
    noise = Udp(cap, dport=53)
    noise.send(UP, b"\xff\xff\xff\xff not DNS at all")
    noise.send(DOWN, b"\xfe" * 40)
    noise.expect(run)
    # one datagram of another kind: the conversation is listed, its answer too
    mixed = Udp(cap, dport=53)
    mixed.send(UP, dns.query("mixed.d.example"))
    record(run, mixed.send(DOWN, dns.message("mixed.d.example", [address("192.0.2.8")])),
           ["mixed.d.example"], ["192.0.2.8"])
    mixed.send(UP, b"\xff\xff\xff\xff something else")
    mixed.expect(run)
    run.only(*FILES)
    return cap


def traps():
    """Messages whose names go round in circles, or whose counts promise more than there is."""
    cap = Capture("dns-traps")
    run = cap.run()
    loop, hops = b"\xc0\x0c", b"".join(b"\xc0" + bytes([14 + 2 * i]) for i in range(60))
    head = b"\x12\x34\x81\x80"
    tail = b"\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x63"
    for body in (b"\0\1\0\1\0\0\0\0" + loop + b"\0\1\0\1" + loop + tail,  # a name that is itself
                 b"\0\0\0\1\0\0\0\0" + b"\xc0\x0e\xc0\x0c" + tail,  # two names that are each other
                 b"\0\0\0\1\0\0\0\0" + hops + b"\xc0\x0c" + tail,
                 b"\0\0\0\1\0\0\0\0" + b"\xff\xff" + tail,  # a pointer out of the message
                 b"\0\0\xff\xff\0\0\0\0"):
        flow = Udp(cap, dport=53)
        flow.send(DOWN, head + body)
        run.absent("ts_domain_ip.json", {"timestamp": stamp(flow.first)})
    flow = Udp(cap, dport=53)
    record(run, flow.send(DOWN, dns.message("after.d.example", [address("192.0.2.9")])),
           ["after.d.example"], ["192.0.2.9"])
    run.only("ts_domain_ip.json")
    return cap


def streams():
    """DNS over TCP: length prefixes, several answers a segment, one answer over many."""
    cap = Capture("dns-tcp")
    run = cap.run()

    def opened():
        flow = Tcp(cap, dport=53).open()
        flow.up(dns.over_tcp(dns.query("tcp.d.example")))
        return flow

    def closed(flow):
        flow.close()
        flow.expect(run)

    one = dns.over_tcp(dns.message("tcp.d.example", [address("192.0.2.11")]))
    two = dns.over_tcp(dns.message("tcp2.d.example",
                                   [address("192.0.2.12"), address("2001:db8::12")]))
    for size in (1400, 7, 30):
        flow = opened()
        record(run, flow.down(one, size), ["tcp.d.example"], ["192.0.2.11"])
        closed(flow)
    flow = opened()
    flow.down(dns.over_tcp(dns.message("none.d.example", flags=0x8183)))
    when = flow.down(one + two)
    run.record("ts_domain_ip.json", {"timestamp": stamp(when), "dns_ip": ["192.0.2.11"]},
               {"dns_domain": ["tcp.d.example"]})
    run.record("ts_domain_ip.json",
               {"timestamp": stamp(when), "dns_ip": ["192.0.2.12", "2001:db8::12"]},
               {"dns_domain": ["tcp2.d.example"]})
    closed(flow)
    big = [address("192.0.2.%d" % i) for i in range(200)]
    flow = opened()
    record(run, flow.down(dns.over_tcp(dns.message("tcp.d.example", big))), ["tcp.d.example"],
           ["192.0.2.%d" % i for i in range(200)])
    closed(flow)
    run.only(*FILES)
    return cap


def captures():
    return [datagrams(), relatives(), traps(), streams()]
