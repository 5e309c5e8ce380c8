#!/usr/bin/env python3
"""Who waits for a worker that takes nothing goes on hearing who is there."""
import os
import signal
import sys
import unittest

DEBIANS = "/usr/bin/python3"  # has Debian's packages, which another that comes first has not
try:
    import stranger as bus
except ImportError:
    bus = None
    if os.path.exists(DEBIANS) and sys.executable != DEBIANS:
        os.execv(DEBIANS, [DEBIANS, *sys.argv])

import harness
from crew import WORKERS, Crew

SHORT = ("--batch", "1k", "--queue", "2k")
LIMIT = 120  # seconds: well below --stall, and far above what the lobby needs


@unittest.skipIf(bus is None, "python3-zmq and python3-msgpack are not here")
class Stalls(harness.InFolder):
    """Workers with short queues, so that one that is stopped soon stops all before it."""

    def test_many_demands_do_not_hide_a_loss(self):
        crew = self.enterContext(Crew(self.folder))
        crew.start("lobby", "lobby")
        for role in WORKERS:
            crew.start(role, role, *SHORT)
        self.assertTrue(crew.gathered(*WORKERS))
        crew.processes["classifier"].send_signal(signal.SIGSTOP)
        reader = crew.read(self.out, harness.DEMO, options=(*SHORT, "--retries", "0"))
        self.assertTrue(harness.wait_until(
            lambda: crew.there().get("tracker", {}).get("full_waits"), LIMIT))
        with bus.Stranger(self.folder, "stranger") as stranger:
            for _ in range(600):
                stranger.say("tracker.control", bus.DEMAND, [], capture=1)
            crew.processes["classifier"].kill()
            _, said = reader.communicate(timeout=LIMIT)
        self.assertEqual(reader.returncode, 5, said)
        self.assertIn(b"classifier was lost", said)


if __name__ == "__main__":
    harness.main()
