#!/usr/bin/env python3
"""Records that are written while the capture is still read: the same bytes as at its end."""
import glob
import heapq
import json
import os
import struct
import sys

import harness
from crew import WithCrew
from harness import DEMO, results

sys.path.append(os.path.join(harness.ROOT, "tests", "hostile"))
import hours  # noqa: E402  (the path must be known first)
from peaks import pcap  # noqa: E402
from sieges import CLIENT, SERVER, START_US, conversation, tcp, udp  # noqa: E402

HOURS = 8  # connections may be idle for one of them
SECOND_US = 1000000
ALWAYS = {"sink": ("--print-from", "0")}


def paced(frames, step_us=SECOND_US):
    """The frames, so far apart."""
    return ((START_US + n * step_us, frame) for n, frame in enumerate(frames))


def answers(count):
    """The frames of so many DNS answers, all of one conversation."""
    for n in range(count):
        message = struct.pack("!HHHHHH", n & 0xffff, 0x8180, 1, 1, 0, 0)
        message += b"\x07example\0\0\1\0\1\xc0\x0c\0\1\0\1" + struct.pack("!IHI", 60, 4, SERVER)
        yield udp((SERVER, 53), (CLIENT, 33333), message)


def quiet():
    """A connection of two banners and some keystrokes, which then stays open."""
    turns = [(1, b"SSH-2.0-x\r\n"), (0, b"SSH-2.0-y\r\n"), *((0, bytes(36)), (1, bytes(36))) * 9]
    return conversation(turns, client=(CLIENT, 40001), server=(SERVER, 22))


def lossy(count, lost):
    """A download of which the capture has not every segment, although its receiver has."""
    ends, seq = ((SERVER, 443), (CLIENT, 40002)), 1
    for n in range(count):
        if n % lost:
            yield tcp(*ends, seq, bytes(1000), ack=1)
        seq += 1000
        yield tcp(*reversed(ends), 1, ack=seq)


class Early(WithCrew):
    """Hours of the demo's traffic."""

    def play_at_once(self, capture, *options):
        """Plays a capture that nobody could play again, so that all is written at its end: its
        results."""
        out = os.path.join(self.folder, "at-once")
        ended, said = self.crew.finish(
            self.crew.read(out, "-", options=(*options, "--retries", "0")), capture)
        self.assertEqual((ended, said), (0, ""))
        self.assertEqual(self.written_early(out), 0)
        return results(out)

    def play_in_two(self, capture, first, *options, file="save_con.json", size=0):
        """Plays a part of a capture, and the rest when so much was written of a file: its results,
        how many lines were written early, and what the reader said."""
        out = os.path.join(self.folder, "in-two")
        reader = self.crew.read(out, "-", options=options)
        reader.stdin.write(capture[:first])
        self.until(lambda: any(os.path.getsize(path) >= size for path in
                               glob.glob(os.path.join(self.folder, ".tapline-*", file))))
        ended, said = self.crew.finish(reader, capture[first:])
        self.assertEqual(ended, 0, said)
        return results(out), self.written_early(out), said

    def written_early(self, out):
        """How many lines were, as the ledger says."""
        with open(os.path.join(out, "ledger.json"), encoding="utf-8") as file:
            ledger = json.load(file)
        self.assertLessEqual(ledger["lines_written_early"], sum(ledger["files"].values()))
        return ledger["lines_written_early"]

    def same_bytes(self, count):
        """With so many workers of each kind."""
        trackers = "--trackers", str(count)
        capture = b"".join(pcap(hours.hours(DEMO, HOURS)))
        self.up(count=count, options_of=ALWAYS)
        want = self.play_at_once(capture, *trackers)
        got, early, said = self.play_in_two(capture, len(capture) // 2, *trackers)
        self.assertEqual(said, "")
        self.assertGreater(early, 0)
        self.assertEqual(want, got)

    def test_one_worker_of_each(self):
        self.same_bytes(1)

    def test_three_workers_of_each(self):
        self.same_bytes(3)

    def test_flows_that_stay_open_hold_up_no_dns(self):
        """Answers are written while connections wait for bytes that never come."""
        seconds, a_second, file = 1800, 60, "ts_domain_ip.json"
        capture = b"".join(pcap(heapq.merge(
            paced(answers(seconds * a_second), SECOND_US // a_second),
            paced(quiet()),
            paced(lossy(seconds // 2, 20)),  # and one that is left behind a hole:
            paced(tcp((SERVER, 8000), (CLIENT, 40003), seq, b"x" * 9) for seq in (1, 99)),
            paced(tcp((CLIENT, 40003), (SERVER, 8000), 1, ack=200) for _ in range(2)))))
        self.up(options_of=ALWAYS)
        want = self.play_at_once(capture)
        got, early, said = self.play_in_two(capture, len(capture) * 97 // 100, file=file,
                                            size=len(want[file]) * 4 // 5)
        self.assertEqual((got, said), (want, ""))
        self.assertGreater(early, seconds * a_second * 4 // 5)

    def test_times_that_run_backwards(self):
        """What belongs among records that are written costs an attempt, and is in its place."""
        frames = list(hours.hours(DEMO, HOURS))
        last = len(frames) - len(frames) // HOURS
        frames[last:] = [(time - HOURS * hours.HOUR_US, frame) for time, frame in frames[last:]]
        capture = b"".join(pcap(frames))
        self.up(options_of=ALWAYS)
        want = self.play_at_once(capture)
        got, early, said = self.play_in_two(capture, len(b"".join(pcap(frames[:last]))))
        self.assertIn("attempt 1 came to nothing: times of the capture run backwards by more than "
                      "10 s", said)
        self.assertEqual(early, 0)
        self.assertEqual(want, got)


if __name__ == "__main__":
    harness.main()
