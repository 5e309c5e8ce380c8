#!/usr/bin/env python3
"""Broken and foreign messages on the bus: no program crashes or hangs, and a capture's results are
what they are, or the run fails and says why."""
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

DEBIANS = "/usr/bin/python3"  # has Debian's packages, which another that comes first has not
try:
    import msgpack
    import stranger as bus
except ImportError:
    msgpack = None
    if os.path.exists(DEBIANS) and sys.executable != DEBIANS:
        os.execv(DEBIANS, [DEBIANS, *sys.argv])

import harness

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation  # noqa: E402  (the path must be known first)
from launcher.pipeline import Pipeline  # noqa: E402
from launcher.profile import Profile  # noqa: E402

WORKERS = ("tracker-1", "classifier-1", "extractor-1", "sink-1")
FAILED = 5
PATIENCE = 120  # seconds that anything may take on a busy machine
V4 = b"\xc0\0\2\1"


@unittest.skipIf(msgpack is None, "python3-zmq and python3-msgpack are not here")
class Strangers(harness.InFolder):
    """A capture is played in two halves, between which strangers have their say."""

    @classmethod
    def setUpClass(cls):
        cls.profile = Profile("any").document()
        with open(harness.DEMO, "rb") as file:
            text = file.read()
        cls.halves = text[:len(text) // 2], text[len(text) // 2:]
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            done = harness.tapline("run", harness.DEMO, out, "--quiet")
            assert done.returncode == 0, done.stderr
            cls.wanted = harness.results(out)

    def setUp(self):
        super().setUp()
        self.pipeline = self.enterContext(Pipeline())
        os.environ["TZ"] = "UTC"
        self.errors = tempfile.TemporaryFile()
        self.addCleanup(self.errors.close)

    def start(self, name):
        """A reader whose capture comes through a pipe: (its run, the pipe's end)."""
        reading, writing = os.pipe()
        stdin, stderr = os.dup(0), os.dup(2)
        os.dup2(reading, 0)
        os.dup2(self.errors.fileno(), 2)
        reader = self.pipeline.read(["-"], os.path.join(self.folder, name), self.profile, "{}",
                                    ["--quiet"])
        os.dup2(stdin, 0)
        os.dup2(stderr, 2)
        for file in (reading, stdin, stderr):
            os.close(file)
        return reader, os.fdopen(writing, "wb", buffering=0)

    def finish(self, reader):
        """The status of a run that must end in time."""
        deadline = time.monotonic() + PATIENCE
        while not self.pipeline.wait([reader], timeout=0.1):
            self.assertLess(time.monotonic(), deadline, "it hangs")
        return reader.finish()[0]

    def played(self, name, meanwhile):
        """Plays the capture, with something done half-way; its status."""
        reader, capture = self.start(name)
        with capture:
            capture.write(self.halves[0])
            meanwhile(reader)
            try:
                capture.write(self.halves[1])
            except BrokenPipeError:
                pass  # the reader has given up
        return self.finish(reader)

    def check(self, status, name="out"):
        """Whole results, or a failure that is explained; and the pipeline works on."""
        self.assertIsNone(self.pipeline.dead())
        self.errors.seek(0)
        said = self.errors.read().decode("utf-8", "replace")
        self.assertIn(status, (0, FAILED), said)
        if status == FAILED:
            self.assertIn("tapline-reader:", said)
            self.assertFalse(os.path.exists(os.path.join(self.folder, name)))
            self.assertEqual(self.played("next", lambda reader: None), 0, said)
            self.assertIsNone(self.pipeline.dead())
            name = "next"
        self.assertEqual(harness.results(os.path.join(self.folder, name)), self.wanted)

    def until(self, true):
        """Waits until something is so, which it must come to be."""
        self.assertTrue(harness.wait_until(true, PATIENCE))

    def there(self):
        """What the lobby knows of everybody, by name. (A reader that waits for its capture takes
        nothing.)"""
        asked = subprocess.run(
            [installation.program("lobby"), "--query", f"ipc://{self.pipeline.folder}/lobby"],
            stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        return {row["name"]: row for row in json.loads(asked.stdout)}

    def inboxes(self, reader):
        """Every inbox of the pipeline."""
        workers = (*WORKERS, f"reader-{reader.process.pid}")
        return ["lobby", *(f"{w}.{which}" for w in workers for which in ("data", "control"))]

    def test_garbage(self):
        """Which is no message of any capture: nothing is changed by it."""
        def shout(reader):
            with bus.Stranger(self.pipeline.folder, "stranger") as stranger:
                for inbox in self.inboxes(reader):
                    for frames in bus.garbage(random.Random(1), stranger):
                        stranger.raw(inbox, *frames)
                self.until(lambda: all(self.there()[worker]["messages_bad"] for worker in WORKERS))

        status = self.played("out", shout)
        self.assertEqual(status, 0)
        self.check(status)

    # ---- with the capture's id, which only a worker knows

    def between(self, forge):
        """Plays the capture with a stranger among the classifiers, who hands on what comes to it,
        and half-way forges messages."""
        over = threading.Event()

        def relay(relayer):
            said = 0.0
            while not over.is_set():
                if time.monotonic() - said > 0.5:
                    said = time.monotonic()
                    relayer.announce(bus.CLASSIFIER)
                relayer.relay("classifier-1.data")

        with bus.Stranger(self.pipeline.folder, "relayer") as relayer:
            relayer.announce(bus.CLASSIFIER)
            self.assertTrue(relayer.listed())
            helper = threading.Thread(target=relay, args=(relayer,))
            helper.start()

            def meanwhile(reader):
                self.until(lambda: relayer.attempt)
                with bus.Stranger(self.pipeline.folder, "forger") as forger:
                    forger.capture, forger.attempt = relayer.capture, relayer.attempt
                    forge(forger, reader)

            try:
                return self.played("out", meanwhile)
            finally:
                over.set()
                helper.join()
                relayer.announce(bus.CLASSIFIER, bus.GONE)
                self.until(lambda: "relayer" not in self.there())

    def test_a_stranger_may_hand_on(self):
        self.assertEqual(self.between(lambda forger, reader: None), 0)
        self.check(0)

    def test_what_only_its_own_may_say(self):
        """The capture's ends, its data and its demand come from those whose they are."""
        def forge(forger, reader):
            control = f"reader-{reader.process.pid}.control"
            for worker in WORKERS:
                forger.say(worker + ".control", bus.RELEASE, [])
                forger.say(worker + ".data", bus.BEGIN, [])
            forger.say("sink-1.control", bus.WORD, [True])
            forger.say("sink-1.data", bus.TALLY, {"role": bus.READER, "frames": 1, "trackers": [1],
                                                  "cut": None, "counters": {}})
            forger.say(control, bus.ASK, [])
            forger.say(control, bus.ACCEPT, [FAILED, "no"])
            forger.say(control, bus.OUTCOME, [0, "", "{}"])
            forger.say("tracker-1.data", bus.PACKETS, [[1, 0, 1, 60, bytes(60)], [0]])
            forger.say("tracker-1.data", bus.END, [1])
            for flow in range(1, 2000):
                for worker in ("tracker-1", "classifier-1"):
                    forger.say(worker + ".control", bus.DEMAND,
                               [[flow, side, bus.NOTHING, 0] for side in (0, 1)])

        self.assertEqual(self.between(forge), 0)
        self.check(0)

    def forged_events(self, events):
        """Events of flows that nobody opened, or that are open, at every worker that takes some."""
        for worker in WORKERS[1:]:
            with self.subTest(worker):
                self.check(self.between(
                    lambda forger, _, w=worker: forger.say(w + ".data", bus.EVENTS, events)))
            self.doCleanups()
            self.setUp()

    def test_events_of_unknown_flows(self):
        self.forged_events([[bus.DATA, 1 << 47, 0, 0, 0, 1, 0, 0, b"abc"]])

    def test_flows_opened_twice(self):
        self.forged_events([[bus.OPEN, flow, 6, V4, 1, V4, 2, 0, 1] for flow in range(1, 1000)])

    def test_events_cut_short(self):
        self.forged_events(b"\xdc\x00\x20" + msgpack.packb([bus.OPEN, 1, 6, V4])
                           if msgpack else b"")

    def test_records_that_are_none(self):
        none = msgpack.packb({"ip_port": 7}) if msgpack else b""
        self.forged_events([[bus.RECORD, 1, kind, 0, 1, 0, none] for kind in range(9)])

    def test_a_fault(self):
        self.check(self.between(lambda forger, reader: forger.say(
            f"reader-{reader.process.pid}.control", bus.FAULT, [FAILED, "so there"])))

    def test_rosters_of_nobody(self):
        """Whoever is on no roster is lost: the run may fail, and the next one finds all again."""
        def forge(forger, reader):
            for worker in (*WORKERS, f"reader-{reader.process.pid}"):
                forger.say(worker + ".control", bus.ROSTER, [], capture=0)

        self.check(self.between(forge))


if __name__ == "__main__":
    harness.main()
