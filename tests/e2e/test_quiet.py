#!/usr/bin/env python3
"""A source that pauses holds nothing back: its records come out while it is still open."""
import os
import signal
import subprocess

import harness
from harness import CAPTURES, TAPLINE, results, wait_until, workers_of
from listening import PATIENCE, PATIENT, WithTap

# Much smaller than a batch, so that none of it would leave by being full.
CAPTURE = os.path.join(CAPTURES, "recorded", "http-keepalive.pcap")


class Quiet(WithTap):
    """Captures on standard input, which then pauses."""

    def begin(self, *options):
        """A run that has got every packet of the capture and hears no end of it, and of which a
        listener has heard; its process."""
        listener = self.listen(TAPLINE, "tap", "http", "--connect", self.tap)
        with open(os.path.join(self.folder, "said"), "wb") as said:
            run = subprocess.Popen([TAPLINE, "run", "-", self.out, "--quiet", "--tap", self.tap,
                                    "--tap-wait", "1", *PATIENT, *options],
                                   stdin=subprocess.PIPE, stderr=said,
                                   env=dict(self.environment, TMPDIR=self.folder))
        for clean in (run.wait, run.kill):
            self.addCleanup(clean)
        with open(CAPTURE, "rb") as file:
            run.stdin.write(file.read())
        run.stdin.flush()
        self.has_told(listener, lambda record: record["topic"] == "http")
        self.assertIsNone(run.poll())
        return run

    def messages(self):
        """What the run has said."""
        with open(os.path.join(self.folder, "said"), encoding="utf-8") as said:
            return said.read()

    def goes_on(self, run):
        """The source ends, and the results are what they are without a pause."""
        want = os.path.join(self.folder, "want")
        self.run_ok("run", CAPTURE, want, "--quiet")
        run.stdin.close()
        self.assertEqual(run.wait(PATIENCE), 0, self.messages())
        self.assertEqual(results(self.out), results(want))

    def test_records_come_before_the_source_goes_on(self):
        self.goes_on(self.begin())

    def test_the_same_where_nothing_is_kept(self):
        self.goes_on(self.begin("--retries", "0"))

    def test_a_worker_that_is_lost_meanwhile_is_missed_at_once(self):
        run = self.begin()
        os.kill(workers_of(self.folder, "classifier")[0], signal.SIGKILL)
        missed = "attempt 1 came to nothing"
        self.assertTrue(wait_until(lambda: missed in self.messages(), PATIENCE))
        self.goes_on(run)


if __name__ == "__main__":
    harness.main()
