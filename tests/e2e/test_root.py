#!/usr/bin/env python3
"""A standing sink writes below its root, and nowhere else."""
import os
import subprocess

import harness
from crew import PATIENCE, WithCrew
from harness import results
from launcher import installation

SMALL = os.path.join(harness.CAPTURES, "crafted", "dns-udp.pcap")
REFUSALS = "below|leads over|is no directory|no name|cannot be replaced"


class Root(WithCrew):
    """A pipeline whose sink has a root."""

    def setUp(self):
        super().setUp()
        self.root = os.path.join(self.folder, "root")
        os.mkdir(self.root)
        self.up(options_of={"sink": ["--root", self.root]})

    def test_results_lie_below_the_root(self):
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", SMALL, plain, "--quiet")
        for out in ("out", "10.0.0.1/2023-07-14/one", "10.0.0.1/2023-07-14/one", "./a//b/"):
            self.played(SMALL, out)
            self.assertEqual(results(os.path.join(self.root, out)), results(plain))

    def test_what_leads_out_is_refused(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.root, "link"))
        os.symlink("/", os.path.join(self.root, "top"))
        for out in (outside, "..", "../outside/x", "a/../../outside/x", "link/x", "link", "top/x",
                    ".", "a/.", "/", ""):
            said = self.played(SMALL, out, status=2)
            self.assertRegex(said, REFUSALS, out)
        self.assertEqual(os.listdir(outside), [])
        self.assertEqual(sorted(os.listdir(self.root)), ["link", "top"])

    def test_a_root_must_be_there(self):
        for root in (self.root + "/none", self.crew.profile):
            done = subprocess.run(
                [installation.program("sink"), "--join", self.crew.lobby, "--root", root],
                capture_output=True, text=True, check=False, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(root, done.stderr)


if __name__ == "__main__":
    harness.main()
