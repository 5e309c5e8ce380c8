#!/usr/bin/env python3
"""Workers that come and go while a capture is under way: it is none the worse, and they do work."""
import json
import os
import signal
import sys

import harness
from crew import PATIENCE, PATIENT, WithCrew
from harness import DEMO, results

sys.path.append(os.path.join(harness.ROOT, "tests", "hostile"))
import hours  # noqa: E402  (the path must be known first)
from peaks import pcap  # noqa: E402

# Flows of an hour have ended in the middle of the next one.
OPTIONS = ("--tcp-idle", "300", "--udp-idle", "300")
# Much is written early, whoever comes and goes.
OPTIONS_OF = {"lobby": PATIENT, "sink": ("--print-from", "0")}
SMALL_BATCHES = ("--batch", "4k")  # what was fed is on its way, and not waiting for more


class Elastic(WithCrew):
    """A capture of three hours is fed piece by piece: the test goes on when it has seen enough."""

    @classmethod
    def setUpClass(cls):
        whole = b"".join(pcap(hours.hours(DEMO, 3)))
        third = len(whole) // 3
        cls.hours = [whole[:third], whole[third:2 * third], whole[2 * third:]]

    def undisturbed(self):
        """The results of a run that nothing happens to."""
        path = os.path.join(self.folder, "three-hours.pcap")
        with open(path, "wb") as file:
            file.write(b"".join(self.hours))
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", path, plain, "--quiet", *OPTIONS)
        return results(plain)

    def begin(self):
        """A reader that has played an hour; classifiers and extractors have some of it."""
        reader = self.crew.read(self.out, "-", options=(*OPTIONS, *SMALL_BATCHES))
        self.feed(reader, self.hours[0])
        self.until(lambda: all(row["flows_in"] for row in self.crew.there().values()
                               if row["role"] in ("classifier", "extractor")))
        return reader

    @staticmethod
    def feed(reader, text):
        """Gives the reader more of its capture."""
        reader.stdin.write(text)

    def feed_until(self, reader, text, true):
        """Feeds a text slowly until something is so, and then the rest of it."""
        size = len(text) // 30
        for at in range(0, len(text), size):
            if harness.wait_until(true, 2):
                self.feed(reader, text[at:])
                return
            self.feed(reader, text[at:at + size])
        self.until(true)

    def busy(self, role):
        """The workers of a role that take part in a capture."""
        return [name for name, row in self.crew.there().items()
                if row["role"] == role and row["sessions"]]

    def check(self, reader):
        """The capture has come out as ever, at the first attempt."""
        status, said = self.crew.finish(reader)
        self.assertEqual(status, 0, said)
        self.assertEqual(results(self.out), self.undisturbed())
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["attempt"], 1)

    def test_newcomers_take_their_share_at_once(self):
        self.up(options_of=OPTIONS_OF)
        reader = self.begin()
        for role in ("classifier", "extractor"):
            self.crew.start(role, role + "-2")
        self.assertTrue(self.crew.gathered("classifier-2", "extractor-2"))

        def both_work():
            there = self.crew.there()
            return there["classifier-2"]["flows_in"] and there["extractor-2"]["flows_in"]
        self.feed_until(reader, self.hours[1] + self.hours[2], both_work)
        self.check(reader)

    def test_leavers_take_nothing_new_and_end_when_they_hold_nothing(self):
        self.up(count=2, options_of=OPTIONS_OF)
        reader = self.begin()
        leavers = ("classifier-1", "extractor-1")
        for name in leavers:
            self.crew.leave(name)
        self.until(lambda: all(self.crew.there()[name]["state"] == "leaving" for name in leavers))
        self.feed(reader, self.hours[1])
        for name in leavers:  # the capture is still under way
            self.assertEqual(self.crew.processes[name].wait(PATIENCE), 0)
        self.until(lambda: not set(leavers) & set(self.crew.there()))
        self.feed(reader, self.hours[2])
        self.check(reader)

    def test_status_tells_how_it_goes(self):
        self.up(options_of=OPTIONS_OF)
        reader = self.begin()
        row = self.crew.there()["classifier-1"]
        self.assertEqual((row["role"], row["state"], row["sessions"]), ("classifier", "up", 1))
        for figure in ("host", "pid", "memory", "data", "control", "rate_in", "rate_out",
                       "queue_bytes", "lag_ns", "flows", "full_waits", "blocked_ns", "idle_ns"):
            self.assertIn(figure, row)
        told = {"rate_in": 0, "rate_out": 0, "lag_ns": 0}

        def told_all():
            for name in told:
                told[name] = max(told[name], self.crew.there()["classifier-1"][name])
            return all(told.values())
        self.feed_until(reader, self.hours[1] + self.hours[2], told_all)
        self.check(reader)
        self.crew.processes["sink-1"].send_signal(signal.SIGSTOP)
        seen = set()

        def missed():
            seen.add(self.crew.there().get("sink-1", {"state": "struck out"})["state"])
            return seen & {"silent", "struck out"}
        self.until(missed)

    def test_trackers_and_sinks_that_leave_finish_their_captures(self):
        self.up(count=2, options_of=OPTIONS_OF)
        reader = self.begin()
        self.until(lambda: len(self.busy("sink")) == 1 and len(self.busy("tracker")) == 2)
        leavers = ("tracker-1", *self.busy("sink"))
        for name in leavers:
            self.crew.leave(name)
        self.until(lambda: all(self.crew.there()[name]["state"] == "leaving" for name in leavers))
        self.played(DEMO, os.path.join(self.folder, "another"))
        self.until(lambda: sum(row["sessions_in"] for row in self.crew.there().values()
                               if row["role"] == "sink") == 2)
        for row in (self.crew.there()[name] for name in leavers):
            self.assertEqual((row["state"], row["sessions_in"]), ("leaving", 1))
        self.feed(reader, self.hours[1] + self.hours[2])
        self.check(reader)
        for name in leavers:
            self.assertEqual(self.crew.processes[name].wait(PATIENCE), 0)


if __name__ == "__main__":
    harness.main()
