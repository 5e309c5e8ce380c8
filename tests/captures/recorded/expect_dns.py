#!/usr/bin/env python3
"""Writes the expected records of the dns-* captures. usage: expect_dns.py DIRECTORY

What dnsmasq was told is the law here; only where its answer is in an order of its own
(the addresses of many.example) does tshark say which.
"""
import sys

from witness import Capture, dissect, stamp

CHAIN = ["first.example", "second.example", "third.example", "target.example"]
ANSWERS = {
    ("a.example", "A"): (["a.example"], ["198.51.100.1"]),
    ("both.example", "A"): (["both.example"], ["198.51.100.2"]),
    ("both.example", "AAAA"): (["both.example"], ["2001:db8:1::2"]),
    ("first.example", "A"): (CHAIN, ["198.51.100.3"]),
    ("first.example", "AAAA"): (CHAIN, ["2001:db8:1::3"]),
    ("target.example", "AAAA"): (["target.example"], ["2001:db8:1::3"]),
    ("text.example", "TXT"): (["text.example"], []),
    ("1.100.51.198.in-addr.arpa", "PTR"): (["1.100.51.198.in-addr.arpa"], []),
    ("_peer._udp.example", "SRV"): (["_peer._udp.example"], []),
}


def many(capture, frame_time, kind):
    """The addresses of many.example in the answer that begins at that time, in its order."""
    field = "dns.a" if kind == "A" else "dns.aaaa"
    rows = dissect(capture.path + ".pcap", ("frame.time_epoch", field), every=True)
    return next(row[field].split(",") for row in rows if row[field]
                and stamp(int(row["frame.time_epoch"].replace(".", ""))) >= frame_time)


def answer(capture, time, name, kind, timed=True):
    if name == "many.example":
        names, addresses = [name], many(capture, time, kind)
    else:
        names, addresses = ANSWERS[(name, kind)]
    said = {"dns_domain": names, "dns_ip": addresses}
    if timed:
        capture.must("ts_domain_ip.json", {"timestamp": time}, **said)
    else:
        capture.must("ts_domain_ip.json", said)


def over_udp(capture, port, name, kind, timed=True):
    flow = capture.flow(port, tcp=False)
    answer(capture, stamp(flow.back[0].ns), name, kind, timed)
    capture.must_not("udp_con.json", ip_port=flow.key)


def over_tcp(capture, port, *questions):
    """None stands for an answer without an answer record: no record comes of it."""
    flow = capture.flow(port)
    at = 0
    for question in questions:
        if question is not None:
            answer(capture, stamp(flow.received.time(at)), *question)
        at += 2 + int.from_bytes(flow.received.data[at:at + 2], "big")
    capture.connection(flow, "tcp")


def udp(directory):
    capture = Capture(directory, "dns-udp")
    for port, name, kind in ((43001, "a.example", "A"), (43002, "both.example", "AAAA"),
                             (43003, "first.example", "A"), (43004, "first.example", "AAAA"),
                             (43006, "text.example", "TXT"),
                             (43007, "1.100.51.198.in-addr.arpa", "PTR"),
                             (43008, "_peer._udp.example", "SRV")):
        over_udp(capture, port, name, kind)
    missing = capture.flow(43005, tcp=False)
    capture.must_not("ts_domain_ip.json", timestamp=stamp(missing.back[0].ns))
    capture.must_not("udp_con.json", ip_port=missing.key)
    capture.totals()
    capture.only("ts_domain_ip.json")
    capture.write()


def tcp(directory):
    capture = Capture(directory, "dns-tcp")
    over_tcp(capture, 43010, ("a.example", "A"), None, ("first.example", "A"),
             ("many.example", "A"))
    capture.only("ts_domain_ip.json")
    capture.write()


def truncated(directory):
    capture = Capture(directory, "dns-truncated")
    over_udp(capture, 43011, "many.example", "A")
    flow = next(f for f in capture.flows if f.packets[0].tcp)
    over_tcp(capture, flow.src[1], ("many.example", "A"))
    capture.only("ts_domain_ip.json")
    capture.write()


def ipv6(directory):
    capture = Capture(directory, "dns-ipv6")
    over_udp(capture, 43012, "both.example", "A")
    over_udp(capture, 43013, "first.example", "AAAA")
    over_tcp(capture, 43014, ("target.example", "AAAA"))
    capture.only("ts_domain_ip.json")
    capture.write()


def fragmented(directory):
    """A message in fragments is told by its content: it has the time of none of them alone."""
    capture = Capture(directory, "dns-fragmented")
    over_udp(capture, 43015, "many.example", "AAAA", timed=False)
    over_udp(capture, 43016, "many.example", "A", timed=False)
    over_udp(capture, 43017, "a.example", "A")
    capture.only("ts_domain_ip.json")
    capture.write()


def main():
    for write in (udp, tcp, truncated, ipv6, fragmented):
        write(sys.argv[1])


main()
