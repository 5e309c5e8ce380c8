#!/usr/bin/env python3
"""Writes the expected records of the quic-* captures. usage: expect_quic.py DIRECTORY"""
import sys

from witness import Capture, stamp

# The conversation, counted from zero, whose first datagram has the hello. After a version
# negotiation ngtcp2's client starts anew from another port: what counts is the second.
HELLOS = (("quic-v1", 4433, ((0, "quic.edge.example"), (1, "six.edge.example"))),
          ("quic-negotiated", 4433, ((1, "negotiated.edge.example"),)),
          ("quic-retry", 4434, ((0, "retry.edge.example"),)))


def main():
    for capture_name, port, names in HELLOS:
        capture = Capture(sys.argv[1], capture_name)
        for n, name in names:
            flow = capture.flow(port, n, tcp=False)
            capture.must("sni.json", {"sni_domain": name, "timestamp": stamp(flow.out[0].ns)},
                         sni_ip=flow.dst[0], transport="quic")
        for flow in capture.flows:
            capture.conversation(flow, stun_values=[])
        capture.totals()
        capture.write()


main()
