#!/usr/bin/env python3
"""Records that are written while the capture is still read: the same bytes as at its end."""
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
OFF = ("--retries", "0")  # nobody could play the capture again


class Early(WithCrew):
    """Hours of the demo's traffic."""

    def capture(self, frames):
        """A capture file of these."""
        path = os.path.join(self.folder, "capture.pcap")
        with open(path, "wb") as file:
            file.writelines(pcap(frames))
        return path

    def played_to(self, name, capture, *options):
        """Plays the capture: its results, how many lines of them were written early, and what the
        reader said."""
        out = os.path.join(self.folder, name)
        said = self.played(capture, out, *options)
        with open(os.path.join(out, "ledger.json"), encoding="utf-8") as file:
            ledger = json.load(file)
        self.assertLessEqual(ledger["lines_written_early"], sum(ledger["files"].values()))
        return results(out), ledger["lines_written_early"], said

    def same_bytes(self, count):
        """With so many workers of each kind."""
        self.up("--batch", "4k", count=count, options_of=ALWAYS)
        capture = self.capture(hours.hours(DEMO, HOURS))
        trackers = "--trackers", str(count)
        want, none, _ = self.played_to("late", capture, *trackers, *OFF)
        got, early, said = self.played_to("early", capture, *trackers)
        self.assertEqual((none, said), (0, ""))
        self.assertGreater(early, 0)
        self.assertEqual(want, got)

    def test_one_worker_of_each(self):
        self.same_bytes(1)

    def test_three_workers_of_each(self):
        self.same_bytes(3)

    def test_times_that_run_backwards(self):
        """What belongs among records that are written costs an attempt."""
        self.up(options_of=ALWAYS)
        frames = list(hours.hours(DEMO, HOURS))
        last = frames[-len(frames) // HOURS:]
        back = [(time - HOURS // 2 * hours.HOUR_US, frame) for time, frame in last]
        capture = self.capture(frames[:-len(last)] + back)
        want, _, said = self.played_to("late", capture, *OFF)
        self.assertEqual(said, "")
        got, early, said = self.played_to("again", capture)
        self.assertIn("attempt 1 came to nothing: times of the capture run backwards by more than "
                      "600 s", said)
        self.assertEqual(early, 0)
        self.assertEqual(want, got)


if __name__ == "__main__":
    harness.main()
