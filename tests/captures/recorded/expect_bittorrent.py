#!/usr/bin/env python3
"""Writes the expected records of the bittorrent-* captures. usage: expect_bittorrent.py DIRECTORY

Peer ids are looked for where the specification says, in the payloads that tshark gives: at
the start of a TCP segment, or behind the 20 bytes of a uTP header.
"""
import sys

from witness import Capture, Transcript, text

HANDSHAKE = b"\x13BitTorrent protocol"


def peer_id(packets, header):
    for p in packets:
        if p.payload[header:].startswith(HANDSHAKE):
            return text(p.payload[header + 48:header + 68].split(b"\0")[0])
    return ""


def peers(flow, header):
    fields = {}
    for n, side, packets in (("1", flow.src, flow.out), ("2", flow.dst, flow.back)):
        identity = peer_id(packets, header)
        fields["bit_peer_ip_" + n] = side[0] if identity else ""
        fields["bit_peer_id_" + n] = identity
    return fields


def announced(capture):
    """aria2 and libtorrent tell the tracker of themselves; the peers in its answer are bytes."""
    flow = capture.flow(6969)
    talk = Transcript(capture, flow)
    uri = flow.sent.data.split(b" ")[1].decode("ascii")
    talk.exchange("GET", uri, 200, "OK")
    capture.connection(flow, "http", http_req_time=talk.last_request)


def main():
    for name in ("bittorrent-tcp", "bittorrent-obfuscated"):
        capture = Capture(sys.argv[1], name)
        flow = capture.flow(51413)
        capture.connection(flow, "BitTorrent", **peers(flow, 0))
        announced(capture)
        capture.write()
    capture = Capture(sys.argv[1], "bittorrent-utp")
    flow = capture.flow(51413, tcp=False)
    capture.conversation(flow, "BitTorrent", **peers(flow, 20))
    announced(capture)
    capture.write()


main()
