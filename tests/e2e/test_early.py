#!/usr/bin/env python3
"""Records that are written while the capture is still read: the same bytes as at its end."""
import glob
import json
import os
import sys

import harness
from crew import WithCrew
from harness import DEMO, results

sys.path.append(os.path.join(harness.ROOT, "tests", "hostile"))
import hours  # noqa: E402  (the path must be known first)
from peaks import pcap  # noqa: E402

HOURS = 8  # connections may be idle for one of them
ALWAYS = {"sink": ("--print-from", "0")}


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

    def play_in_two(self, capture, first, *options):
        """Plays a part of a capture, and the rest when records were written: its results, how many
        lines were written early, and what the reader said."""
        out = os.path.join(self.folder, "in-two")
        reader = self.crew.read(out, "-", options=options)
        reader.stdin.write(capture[:first])
        self.until(lambda: glob.glob(os.path.join(self.folder, ".tapline-*", "save_con.json")))
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
