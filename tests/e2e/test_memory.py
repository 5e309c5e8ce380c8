#!/usr/bin/env python3
"""Bounded memory: a capture ten times as long takes no more, and a hostile one only its due."""
import itertools
import json
import os
import sys
import unittest

import harness

sys.path.append(os.path.join(harness.ROOT, "tests", "hostile"))
import hours  # noqa: E402  (the path must be known first)
import sieges  # noqa: E402
from peaks import Played, pcap  # noqa: E402

MEGABYTE = 1024  # peaks are in kilobytes
IDLE = 8 * MEGABYTE  # what a program takes before the first packet
QUEUE = ("--queue", "1M", "--batch", "256K")  # what waits on the bus is no part of this
SORTING = 64 * MEGABYTE
EARLY = 4 * MEGABYTE  # of records are held before the first are written
ROLES = {"sink": lambda folder: ["--sort-memory", f"{SORTING // MEGABYTE}M",
                                 "--print-from", f"{EARLY // MEGABYTE}M"]}
SANITIZED = "address" in os.environ.get("TAPLINE_BIN", "")


def ledger_of(played):
    """The ledger of a capture that was played."""
    with open(os.path.join(played.out, "ledger.json"), encoding="utf-8") as file:
        return json.load(file)


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers, which take most of it")
class Memory(unittest.TestCase):
    """Peaks of every program of a pipeline."""

    def played(self, frames, *options):
        """Plays frames through standard input, all of which must go well."""
        played = Played(pcap(frames), (*QUEUE, *options), QUEUE, ROLES)
        self.addCleanup(played.clear)
        self.assertIsNone(played.died)
        self.assertEqual(played.status, 0)
        return played


class Long(Memory):
    """The same traffic, for longer."""

    def test_ten_times_as_long_takes_no_more(self):
        short, long = (self.played(hours.hours(harness.DEMO, count)) for count in (6, 60))
        print("note: peaks in kB, 6 hours:", short.peaks, "60 hours:", long.peaks)
        for name, peak in long.peaks.items():
            self.assertLess(peak, 1.15 * short.peaks[name] + IDLE, name)
        self.assertGreater(ledger_of(long)["lines_written_early"], 0)

    def test_what_must_wait_for_the_end_is_sorted_on_disk(self):
        """Nothing is written early where no other attempt may follow."""
        long = self.played(hours.hours(harness.DEMO, 60), "--retries", "0")
        self.assertLess(long.peaks["sink"], SORTING + IDLE)
        ledger = ledger_of(long)
        self.assertEqual(ledger["lines_written_early"], 0)
        self.assertGreater(ledger["sorting_spilled_bytes"], 0)


class Hostile(Memory):
    """What one flow, or one datagram, may make the programs take."""

    def at_most(self, frames, **limits):
        """Each program stays within its limit in kilobytes, or else within a queue or two."""
        # What they share is the reader's, and bounded by itself: it would hide what they keep.
        played = self.played(frames, "--share-from", "2048G")
        for name, peak in played.peaks.items():
            self.assertLess(peak, IDLE + 8 * MEGABYTE + limits.get(name, 0), played.peaks)

    def test_half_open_connections(self):
        """About half a kilobyte each in the tracker, and one where a few bytes are undecided."""
        self.at_most(sieges.half_open(100000), tracker=60 * MEGABYTE, classifier=130 * MEGABYTE,
                     sink=SORTING)

    def test_half_open_conversations(self):
        self.at_most(sieges.half_open_datagrams(100000), tracker=60 * MEGABYTE,
                     classifier=75 * MEGABYTE, sink=SORTING)

    def test_flows_that_end_are_gone(self):
        """As many connections as above, one after the other."""
        endpoints = ((c, (sieges.SERVER, 80)) for c in sieges.endpoints(100000))
        frames = itertools.chain.from_iterable(
            (*sieges.conversation([(0, b"any"), (1, b"thing")], client, server),
             sieges.tcp(client, server, 4, flags=sieges.FIN | sieges.ACK),
             sieges.tcp(server, client, 6, flags=sieges.FIN | sieges.ACK))
            for client, server in endpoints)
        self.at_most(sieges.paced(frames, 50000), tracker=8 * MEGABYTE, classifier=8 * MEGABYTE,
                     sink=SORTING)

    def test_holes(self):
        """Up to a MiB behind its hole for each flow."""
        self.at_most(sieges.holes(50, 740), tracker=50 * 1200)

    def test_a_header_without_end(self):
        self.at_most(sieges.endless_header(8 << 20))

    def test_more_fields_than_are_kept(self):
        self.at_most(sieges.many_fields(4))

    def test_bodies_that_inflate(self):
        self.at_most(sieges.bomb(10, 64 << 20))

    def test_dns_without_end(self):
        self.at_most(sieges.dns_stream(50000), sink=SORTING)

    def test_requests_without_answers(self):
        self.at_most(sieges.pipelined(10000), sink=SORTING)

    def test_a_frame_without_end(self):
        self.at_most(sieges.websocket(8 << 20))

    def test_a_handshake_without_end(self):
        self.at_most(sieges.handshake(100000))

    def test_fragments_of_nothing(self):
        """Far into datagrams of which nothing else ever comes."""
        self.at_most(sieges.fragments(50000), tracker=16 * MEGABYTE)


class Slow(Memory):
    """What would take seconds, were the same bytes looked at again and again."""

    SECONDS = 10

    def test_start_lines_within_start_lines(self):
        self.assertLess(self.played(sieges.start_lines(1200, 13)).seconds, self.SECONDS)

    def test_a_start_line_byte_by_byte(self):
        self.assertLess(self.played(sieges.single_bytes(8000)).seconds, self.SECONDS)


if __name__ == "__main__":
    harness.main()
