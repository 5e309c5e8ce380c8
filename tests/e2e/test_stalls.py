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
from crew import WithCrew

SHORT = ("--batch", "1k", "--queue", "2k")


@unittest.skipIf(bus is None, "python3-zmq and python3-msgpack are not here")
class Stalls(WithCrew):
    """Workers with short queues, so that one that is stopped soon stops all before it."""

    def test_many_demands_do_not_hide_a_loss(self):
        self.up(*SHORT)
        crew = self.crew
        crew.processes["classifier-1"].send_signal(signal.SIGSTOP)
        reader = crew.read(self.out, harness.DEMO, options=(*SHORT, "--retries", "0"))
        self.until(lambda: crew.there().get("tracker-1", {}).get("full_waits"))
        with bus.Stranger(self.folder, "stranger") as stranger:
            for _ in range(600):
                stranger.say("tracker-1.control", bus.DEMAND, [], capture=1)
            crew.processes["classifier-1"].kill()
            status, said = crew.finish(reader)
        self.assertEqual(status, 5, said)
        self.assertIn("classifier-1 was lost", said)


if __name__ == "__main__":
    harness.main()
