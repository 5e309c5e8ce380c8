#!/usr/bin/env python3
"""A capture file that all workers read themselves, and that changes while they do."""
import glob
import os
import shutil
import subprocess

import harness
from harness import CAPTURES, TAPLINE, results, wait_until, workers_of

LARGE = os.path.join(CAPTURES, "recorded", "http-large.pcap")
BIN = os.environ.get("TAPLINE_BIN", os.path.join(harness.ROOT, "build", "gcc", "bin"))
GATE = """#!/bin/sh
while [ ! -e '{flag}' ]; do sleep 0.02; done
exec '{program}' "$@"
"""


class Originals(harness.InFolder):
    """Runs that are held up when the reader has mapped the file and nothing was read yet."""

    def setUp(self):
        super().setUp()
        self.capture = os.path.join(self.folder, "capture.pcap")
        self.flag = os.path.join(self.folder, "go")
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        for program in glob.glob(os.path.join(BIN, "tapline-*")):
            os.symlink(program, os.path.join(self.bin, os.path.basename(program)))
        gated = os.path.join(self.bin, "tapline-extractor")
        os.unlink(gated)
        with open(gated, "w", encoding="ascii") as script:
            script.write(GATE.format(flag=self.flag, program=os.path.join(BIN,
                                                                          "tapline-extractor")))
        os.chmod(gated, 0o755)

    def mapped(self):
        """Whether a reader has the capture in its memory."""
        for process in workers_of(self.folder, "reader"):
            with open(f"/proc/{process}/maps", encoding="utf-8") as maps:
                if self.capture in maps.read():
                    return True
        return False

    def run_and_change(self, change, *options):
        """A run that the file changes under; its exit status and what it said."""
        held = subprocess.Popen([TAPLINE, "run", self.capture, self.out, "--quiet",
                                 "--map-from", "1", *options], stderr=subprocess.PIPE, text=True,
                                env=dict(os.environ, TAPLINE_BIN=self.bin, TMPDIR=self.folder,
                                         TZ="UTC"))
        self.addCleanup(held.kill)
        self.assertTrue(wait_until(self.mapped))
        change()
        open(self.flag, "w", encoding="ascii").close()
        _, said = held.communicate(timeout=harness.PATIENCE)
        return held.returncode, said

    def undisturbed(self, status):
        """The results of a run over the file as it is now, which is read and sent."""
        out = os.path.join(self.folder, "plain")
        self.run_ok("run", self.capture, out, "--quiet", status=status)
        return results(out)

    def test_a_file_that_is_cut_short_counts_as_far_as_it_goes(self):
        shutil.copy(LARGE, self.capture)
        half = os.path.getsize(LARGE) // 2
        status, said = self.run_and_change(lambda: os.truncate(self.capture, half))
        self.assertEqual(status, 4, said)
        self.assertRegex(said, "attempt 1 came to nothing: .*the capture's file cannot be read .*"
                               "has become shorter")
        self.assertIn("broke off", said)
        self.assertEqual(results(self.out), self.undisturbed(status=4))

    def test_without_another_attempt_it_is_not_mapped(self):
        shutil.copy(LARGE, self.capture)
        done = self.run_ok("run", self.capture, self.out, "--map-from", "1", "--retries", "0")
        self.assertNotIn("attempt", done.stderr)

    def test_what_a_file_grows_by_counts(self):
        with open(LARGE, "rb") as whole:
            content = whole.read()
        with open(self.capture, "wb") as part:
            part.write(content[:len(content) // 3])  # within a packet, as a buffer is flushed

        def grow():
            with open(self.capture, "ab") as part:
                part.write(content[len(content) // 3:])
        status, said = self.run_and_change(grow)
        self.assertEqual(status, 0, said)
        self.assertNotIn("attempt", said)
        self.assertEqual(results(self.out), self.undisturbed(status=0))

    def test_files_of_all_kinds_give_the_same_either_way(self):
        """Broken ones, too: what is said of them, and the status."""
        for path in sorted(glob.glob(os.path.join(CAPTURES, "crafted", "files-*.pcap*"))):
            got = []
            for least in ("1G", "1"):
                out = os.path.join(self.folder, least)
                done = harness.tapline("run", path, out, "--quiet", "--map-from", least)
                found = results(out) if os.path.isdir(out) else None
                got.append((done.returncode, done.stderr, found))
                shutil.rmtree(out, ignore_errors=True)
            self.assertEqual(*got, path)


if __name__ == "__main__":
    harness.main()
