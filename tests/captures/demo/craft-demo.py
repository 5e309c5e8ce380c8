#!/usr/bin/env python3
"""Write the demo capture: an hour of an edge node, from 2023-07-14 21:00 in China (13:00 UTC) on.

usage: craft-demo.py [--check]

Every name and address is fictional or from the ranges kept for documentation. The same packets come
out every time; --check compares them with the committed ones (unpacked, for compressors differ).
"""
import argparse
import collections
import gzip
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "crafted")]

import household  # noqa: E402  (the recipes' folders come first)
import platforms  # noqa: E402
import traffic  # noqa: E402
from craft import certificates as issuers  # noqa: E402
from craft import storage  # noqa: E402
from craft.handshakes import fingerprint  # noqa: E402
from edge import Edge  # noqa: E402

SEED = 20230714
CAPTURE, EXPECTED = HERE / "edge-node.pcap.gz", HERE / "edge-node.expect.json"
# What happens, and how often in the hour.
LIFE = (
    (traffic.fetch, 120), (traffic.serve, 100), (traffic.quick, 30),
    (lambda edge: traffic.secure(edge, True), 55),
    (lambda edge: traffic.secure(edge, False), 110),
    (platforms.stun, 70), (platforms.toutiao, 50), (platforms.torrent, 70), (platforms.thunder, 60),
    (household.ping, 30), (household.sweep, 8), (household.stray, 40), (household.arp, 1),
    (household.neighbours, 1), (household.dhcp, 1), (household.announcements, 1),
    (household.clock, 1),
)
WEBSOCKETS = 3


def hour():
    """The packets of the hour as a pcap file, and the records that they must give."""
    edge, servers = Edge(SEED), collections.Counter()
    for activity, times in LIFE:
        for _ in range(times):
            activity(edge)
    for _ in range(WEBSOCKETS):
        platforms.xycdn(edge, servers)
    for key, number in servers.most_common(5):
        edge.run.record("xycdn_stun_ip_port.json", {"key": key}, {"num": number})
    edge.run.record("file_data.json", {}, edge.totals())
    ders = [der for _, der in traffic.TLS12] + [issuers.INTER]
    edge.run.directory("cert_file", [fingerprint(der) + ".crt" for der in ders])
    return storage.pcap(edge.frames()), edge.run.text()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    options = parser.parse_args()
    packets, expected = hour()
    if not options.check:
        CAPTURE.write_bytes(gzip.compress(packets, 9, mtime=0))
        EXPECTED.write_text(expected, encoding="utf-8")
        return 0
    same = gzip.decompress(
        CAPTURE.read_bytes()) == packets and EXPECTED.read_text(encoding="utf-8") == expected
    print("edge-node: %s" % ("as the recipe makes it" if same else "not what the recipe makes"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
