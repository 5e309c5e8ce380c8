#!/usr/bin/env python3
"""A worker that is lost costs an attempt and never a record: the capture is played again."""
import glob
import os
import signal
import subprocess
import threading

import harness
from harness import DEMO, TAPLINE, results, wait_until, workers_of

WORKERS = ("tracker", "classifier", "extractor", "sink", "lobby")


class Attempts(harness.InFolder):
    """Captures that come from standard input, so that the middle of a run can be waited for."""

    @classmethod
    def setUpClass(cls):
        with open(DEMO, "rb") as file:
            cls.capture = file.read()
        cls.plain = None

    def undisturbed(self):
        """The results of a run that nothing happens to."""
        if not Attempts.plain:
            out = os.path.join(self.folder, "plain")
            self.run_ok("run", DEMO, out, "--quiet")
            Attempts.plain = results(out)
        return Attempts.plain

    def begin(self, *options):
        """A run that has read a part of the capture and waits for more; its process."""
        held = subprocess.Popen([TAPLINE, "run", "-", self.out, "--quiet", *options],
                                stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
                                env=dict(os.environ, TMPDIR=self.folder, TZ="UTC"))
        self.addCleanup(held.kill)
        held.stdin.write(self.capture[:len(self.capture) // 2])
        held.stdin.flush()
        self.assertTrue(wait_until(lambda: glob.glob(os.path.join(self.folder, ".tapline-*"))))
        return held

    def end(self, held):
        """Gives it the rest; its exit status and what it said."""
        _, said = held.communicate(self.capture[len(self.capture) // 2:], harness.PATIENCE)
        return held.returncode, said.decode()

    def victims(self, worker):
        """Its processes, of which there must be one at least."""
        self.assertTrue(wait_until(lambda: workers_of(self.folder, worker)))
        return workers_of(self.folder, worker)

    def lose(self, worker, signal_number):
        """One run that loses a worker in the middle."""
        want = self.undisturbed()
        held = self.begin("-j", "2")
        os.kill(self.victims(worker)[0], signal_number)
        status, said = self.end(held)
        self.assertEqual(status, 0, said)
        self.assertEqual(results(self.out), want)
        self.assertIn(worker, said)
        self.assertEqual(glob.glob(os.path.join(self.folder, ".tapline-*")), [])

    def test_a_worker_that_keeps_dying_is_named(self):
        held = self.begin()
        over = threading.Event()

        def kill_all():
            for victim in workers_of(self.folder, "extractor"):
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it has ended

        def kill():
            while not over.wait(0.02):
                kill_all()
        self.victims("extractor")
        kill_all()
        killer = threading.Thread(target=kill)
        killer.start()
        status, said = self.end(held)
        over.set()
        killer.join()
        self.assertEqual(status, 5, said)
        self.assertIn("extractor-1", said)
        self.assertFalse(os.path.exists(self.out))

    def test_without_retries_the_first_loss_ends_the_run(self):
        held = self.begin("--retries", "0")
        os.kill(self.victims("tracker")[0], signal.SIGKILL)
        status, said = self.end(held)
        self.assertEqual(status, 5, said)
        self.assertIn("tracker-1", said)
        self.assertFalse(os.path.exists(self.out))


def losing(worker):
    """The test that kills one kind of worker."""
    return lambda self: self.lose(worker, signal.SIGKILL)


for name in WORKERS:
    setattr(Attempts, f"test_a_{name}_that_is_killed", losing(name))

if __name__ == "__main__":
    harness.main()
