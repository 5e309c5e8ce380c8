#!/usr/bin/env python3
"""Who is away for a while, in a standing pipeline: workers that sleep and wake, and the lobby."""
import glob
import json
import os
import signal

import harness
from crew import PATIENT, WithCrew


class Absences(WithCrew):
    """Two workers of each stage, and a capture whose middle is certain, as it comes in halves."""

    def setUp(self):
        super().setUp()
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", harness.DEMO, plain, "--quiet")
        self.wanted = harness.results(plain)
        with open(harness.DEMO, "rb") as file:
            self.capture = file.read()

    def begin(self, patience=PATIENT):
        """A pipeline, a reader that has half of the capture, and a sink that has begun with it."""
        self.up(count=2, options_of={"lobby": patience})
        reader = self.crew.read(self.out, "-")
        reader.stdin.write(self.capture[:len(self.capture) // 2])
        self.until(self.busy_sink)
        return reader

    def busy_sink(self):
        """The name of the sink that has the capture; None: none has said so yet."""
        there = self.crew.there()
        return next((name for name in ("sink-1", "sink-2")
                     if there.get(name, {}).get("sessions")), None)

    def end(self, reader, rest):
        """The results are those of an undisturbed run; which attempt they came of."""
        status, said = self.crew.finish(reader, rest)
        self.assertEqual(status, 0, said)
        self.assertEqual(harness.results(self.out), self.wanted)
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            return json.load(file)["attempt"]

    def gathered(self):
        """Waits until everybody is there."""
        self.assertTrue(self.crew.gathered(*set(self.crew.processes) - {"lobby"}))

    def whole_again(self):
        """Everybody is back, and another capture needs one attempt."""
        self.gathered()
        self.assertEqual(harness.results(self.out), self.wanted)
        self.assertEqual(self.end(self.crew.read(self.out, harness.DEMO), None), 1)

    def test_one_of_each_stage_sleeps_until_all_is_over(self):
        reader = self.begin(patience=())
        asleep = [self.crew.processes[name] for name in
                  (self.busy_sink(), "tracker-2", "classifier-2", "extractor-2")]
        for process in asleep:
            process.send_signal(signal.SIGSTOP)
        self.assertGreater(self.end(reader, self.capture[len(self.capture) // 2:]), 1)
        for process in asleep:
            process.send_signal(signal.SIGCONT)
        self.gathered()
        self.crew.another_lobby(*PATIENT)  # from now on none is to be lost
        self.whole_again()
        hidden = os.path.join(self.folder, ".tapline-*")
        self.until(lambda: not glob.glob(hidden))

    def test_the_roster_stands_while_the_lobby_is_away(self):
        reader = self.begin()
        self.crew.processes["lobby"].kill()
        self.assertEqual(self.end(reader, self.capture[len(self.capture) // 2:]), 1)
        self.crew.again("lobby")
        self.whole_again()

    def test_the_sink_is_started_again(self):
        reader = self.begin()
        name = self.busy_sink()
        self.crew.processes[name].kill()
        self.crew.again(name)
        self.assertGreater(self.end(reader, self.capture[len(self.capture) // 2:]), 1)
        self.whole_again()


if __name__ == "__main__":
    harness.main()
