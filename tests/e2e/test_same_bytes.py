#!/usr/bin/env python3
"""The same capture gives the same bytes, however the work was cut up."""
import os

import harness
from harness import CAPTURES, DEMO, results

LOSSY = os.path.join(CAPTURES, "recorded", "http-lossy.pcap")
SUBJECTS = {"demo": DEMO, "lossy": LOSSY,
            "reassembly": os.path.join(CAPTURES, "crafted", "tcp-reassembly.pcap"),
            "holes": os.path.join(CAPTURES, "crafted", "http-holes.pcap"),
            "upgrades": os.path.join(CAPTURES, "crafted", "http-upgrades.pcap"),
            "large": os.path.join(CAPTURES, "recorded", "http-large.pcap")}
WAYS = {"small batches": ["--batch", "1k"], "large batches": ["--batch", "1M"],
        "short queues": ["--batch", "2k", "--queue", "4k"],
        "without demand": ["--demand", "0"], "shared": ["--share-from", "0"],
        "sent": ["--share-from", "1G"],
        "shared by several": ["--share-from", "0", "-j", "3", "--batch", "1k"],
        "two of each": ["-j", "2"], "four of each": ["-j", "4", "--batch", "4k"]}


class SameBytes(harness.InFolder):
    """One test for each capture and way, made below."""

    def test_again(self):
        """Twice in the same way, under another process's ids and another directory."""
        self.run_ok("run", DEMO, self.out, "--quiet")
        other = os.path.join(self.folder, "other")
        self.run_ok("run", DEMO, other, "--quiet")
        self.assertEqual(results(self.out), results(other))


def compared(subject, options):
    """The test of one capture played in one way."""
    def test(self):
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", subject, plain, "--quiet")
        self.run_ok("run", subject, self.out, "--quiet", *options)
        want, got = results(plain), results(self.out)
        self.assertEqual(sorted(want), sorted(got))
        for name, text in want.items():
            self.assertEqual(text, got[name], name)
    return test


for what, path in SUBJECTS.items():
    for way, words in WAYS.items():
        setattr(SameBytes, f"test_{what} {way}", compared(path, words))

if __name__ == "__main__":
    harness.main()
