#!/usr/bin/env python3
"""`tapline batch`: a node's tree of hourly captures."""
import glob
import json
import os
import shutil
import signal
import subprocess
import time

import harness
from harness import CAPTURES, TAPLINE, processes_of, results, tapline, wait_until, workers_of

CAPTURE = os.path.join(CAPTURES, "crafted", "files-micro-little.pcap")
OTHER = os.path.join(CAPTURES, "crafted", "signatures-stun.pcap")
CUT = os.path.join(CAPTURES, "crafted", "files-cut.pcap")
NONE = os.path.join(CAPTURES, "crafted", "files-no-capture.pcap")
NODE = "36.137.0.1"
MANY = 100  # captures: so many that the middle of a batch is easily met


class Batch(harness.InFolder):
    """One node, made anew for each test."""

    def setUp(self):
        super().setUp()
        self.source = os.path.join(self.folder, "src")

    def put(self, capture, *way):
        """Lays a copy of a capture below the node's tcpdump folder."""
        path = os.path.join(self.source, NODE, "tcpdump", *way)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(capture, path)
        return path

    def words(self, first="20230714", last="20230720"):
        """The command."""
        return ["batch", "-src_dir", self.source, "-ip", NODE, "-cp", "tt", "-sd", first,
                "-ed", last, "-dst_dir", self.out, "--json"]

    def batch(self, *more, status=0, **dates):
        """Runs it; the closing table."""
        done = tapline(*self.words(**dates), *more)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def has(self, *way):
        """Are there whole results there?"""
        return os.path.exists(os.path.join(self.out, NODE, *way, "ledger.json"))

    def test_the_dates_choose(self):
        for day in ("20230713", "20230714", "20230720", "20230721", "notes"):
            self.put(CAPTURE, day, "0100.pcap")
        self.assertEqual(self.batch()["done"], 2)
        self.assertTrue(self.has("20230714", "0100") and self.has("20230720", "0100"))
        self.assertEqual(sorted(os.listdir(os.path.join(self.out, NODE))),
                         ["20230714", "20230720"])

    def test_the_results_are_those_of_run(self):
        path = self.put(OTHER, "20230714", "a", "b", "0200.pcap")
        self.batch()
        alone = os.path.join(self.folder, "alone")
        self.run_ok("run", path, alone, "-cp", "tt", "--quiet")
        self.assertEqual(results(os.path.join(self.out, NODE, "20230714", "0200")), results(alone))

    def test_names_that_meet_keep_their_folders_and_suffix(self):
        self.put(CAPTURE, "20230714", "eth0", "0100.pcap")
        self.put(OTHER, "20230714", "eth1", "0100.pcap")
        self.put(OTHER, "20230714", "0200.pcap")
        self.put(OTHER, "20230714", "0200.pcapng")
        self.assertEqual(self.batch()["done"], 4)
        self.assertTrue(self.has("20230714", "eth0", "0100.pcap"))
        self.assertTrue(self.has("20230714", "eth1", "0100.pcap"))
        self.assertTrue(self.has("20230714", "0200.pcap") and self.has("20230714", "0200.pcapng"))

    def test_no_results_lie_within_or_upon_others(self):
        self.put(CAPTURE, "20230714", "eth0.pcap")  # and there is a folder of that name
        self.put(OTHER, "20230714", "eth0", "0100.pcap")
        self.put(OTHER, "20230714", "eth1", "0100.pcap")
        self.put(CAPTURE, "20230714", "0200")  # its suffix is needed, and another's name with it
        self.put(OTHER, "20230714", "0200.pcap")
        self.put(CAPTURE, "20230714", "0200.pcap.pcap")
        self.assertEqual(self.batch()["done"], 6)
        for way in (["eth0.pcap"], ["eth0", "0100.pcap"], ["eth1", "0100.pcap"], ["0200"],
                    ["0200.pcap"], ["0200.pcap.pcap"]):
            self.assertTrue(self.has("20230714", *way), way)
        self.assertEqual(self.batch()["passed_over"], 6)

    def test_the_same_hour_of_several_days_and_odd_names(self):
        for day in ("20230714", "20230715"):
            self.put(CAPTURE, day, "node 7 01:00:00.pcap")
        self.assertEqual(self.batch()["done"], 2)
        self.assertTrue(self.has("20230715", "node 7 01:00:00"))

    def test_what_is_done_is_passed_over(self):
        path = self.put(CAPTURE, "20230714", "0100.pcap")
        self.put(OTHER, "20230714", "0200.pcap")
        self.assertEqual(self.batch()["done"], 2)
        table = self.batch()
        self.assertEqual((table["done"], table["passed_over"]), (0, 2))
        os.utime(path, (1, 1))  # written anew since
        table = self.batch()
        self.assertEqual((table["done"], table["passed_over"]), (1, 1))
        table = self.batch("--udp-idle", "60")  # asked for in another way
        self.assertEqual((table["done"], table["passed_over"]), (2, 0))

    def test_it_goes_on_past_a_capture_that_fails(self):
        bad = self.put(NONE, "20230714", "0100.pcap")
        self.put(CAPTURE, "20230714", "0200.pcap")
        table = self.batch(status=3)
        self.assertEqual((table["done"], table["failed"]), (1, 1))
        self.assertEqual(table["failures"][0]["capture"], bad)
        with open(os.path.join(self.out, NODE, "failed.json"), encoding="utf-8") as file:
            (failure,) = map(json.loads, file)
        self.assertEqual(failure["status"], 3)
        self.assertIn("no capture that can be read", failure["reason"])
        shutil.copy(CAPTURE, bad)
        self.assertEqual(self.batch()["failed"], 0)
        self.assertFalse(os.path.exists(os.path.join(self.out, NODE, "failed.json")))

    def test_a_refused_output_has_its_reason(self):
        self.put(CAPTURE, "20230714", "0100.pcap")
        os.makedirs(os.path.join(self.out, NODE, "20230714", "0100", "thesis.tex"))
        (failure,) = self.batch(status=2)["failures"]
        self.assertIn("thesis.tex", failure["reason"])

    def test_an_output_that_cannot_be_written(self):
        self.put(CAPTURE, "20230714", "0100.pcap")
        shutil.copy(CAPTURE, self.out)  # a file where a folder should be
        self.assertEqual(self.batch(status=6)["failed"], 1)

    def test_a_capture_that_broke_off_is_done_once(self):
        self.put(CUT, "20230714", "0100.pcap")
        self.assertEqual(self.batch(status=4)["cut"], 1)
        self.assertTrue(self.has("20230714", "0100"))

    def test_a_file_still_being_written_is_done_again_when_it_has_grown(self):
        path = self.put(CAPTURE, "20230714", "0100.pcap")
        size = os.path.getsize(path)
        os.truncate(path, size - 7)
        self.batch(status=4)
        shutil.copy(CAPTURE, path)
        os.utime(path, (time.time() + 5, time.time() + 5))
        table = self.batch()
        self.assertEqual((table["done"], table["passed_over"]), (1, 0))

    def test_many_at_once_are_the_same(self):
        for hour in range(24):
            self.put((CAPTURE, OTHER)[hour % 2], "20230714", f"{hour:02d}00.pcap")
        self.assertEqual(self.batch("--jobs", "5")["done"], 24)
        days = os.path.join(self.out, NODE, "20230714")
        even, odd = (results(os.path.join(days, f"{hour:02d}00")) for hour in (0, 1))
        for hour in range(24):
            self.assertEqual(results(os.path.join(days, f"{hour:02d}00")), (even, odd)[hour % 2])

    def put_many(self):
        """Lays down many captures, of two kinds in turn."""
        for number in range(MANY):
            self.put((CAPTURE, OTHER)[number % 2], "20230714", f"{number:03d}.pcap")

    def done(self):
        """The captures that have results."""
        return glob.glob(os.path.join(self.out, NODE, "20230714", "*", "ledger.json"))

    def begin(self):
        """Starts a batch of many, and lets it come to the middle; its process."""
        self.put_many()
        batch = subprocess.Popen([TAPLINE, *self.words()], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True,
                                 env=dict(os.environ, TMPDIR=self.folder, TZ="UTC"))
        self.addCleanup(batch.kill)
        self.assertTrue(wait_until(self.done, 60))
        return batch

    def are_right(self):
        """All of the many are there, and as they should be."""
        alone = [os.path.join(self.folder, kind) for kind in ("even", "odd")]
        for capture, out in zip((CAPTURE, OTHER), alone):
            self.run_ok("run", capture, out, "-cp", "tt", "--quiet")
        want = [results(out) for out in alone]
        for number in range(MANY):
            out = os.path.join(self.out, NODE, "20230714", f"{number:03d}")
            self.assertEqual(results(out), want[number % 2], out)
        hidden = glob.glob(os.path.join(self.out, NODE, "20230714", ".*"))
        self.assertEqual(hidden, [])

    def loses(self, program):
        """A batch that loses a process in the middle."""
        batch = self.begin()
        for victim in workers_of(self.folder, program)[:1]:
            os.kill(victim, signal.SIGKILL)
        said, complaints = batch.communicate(timeout=harness.PATIENCE)
        self.assertEqual(batch.returncode, 0, complaints)
        self.assertEqual(json.loads(said)["done"], MANY)
        self.are_right()

    def test_a_worker_is_killed_in_the_middle(self):
        self.loses("classifier")

    def test_the_sink_is_killed_in_the_middle(self):
        self.loses("sink")

    def test_the_reader_is_killed_in_the_middle(self):
        self.loses("reader")

    def test_interrupted_in_the_middle_and_taken_up_again(self):
        batch = self.begin()
        batch.send_signal(signal.SIGINT)
        batch.communicate(timeout=harness.PATIENCE)
        self.assertIn(batch.returncode, (130, 0))
        self.assertEqual(processes_of(self.folder), [])
        done = len(self.done())
        table = self.batch()
        self.assertEqual((table["passed_over"], table["done"]), (done, MANY - done))
        self.are_right()

    def test_some_of_many_fail(self):
        self.put_many()
        bad = {self.put(NONE, "20230714", f"{number:03d}.pcap") for number in range(7, MANY, 31)}
        table = self.batch(status=3)
        self.assertEqual(table["done"], MANY - len(bad))
        self.assertEqual({failure["capture"] for failure in table["failures"]}, bad)

    def test_wrong_use(self):
        self.assertIn("tcpdump", self.batch(status=2))
        self.put(CAPTURE, "20230714", "0100.pcap")
        self.assertIn("later", self.batch(status=2, first="20230720", last="20230714"))
        self.assertIn("YYYYMMDD", self.batch(status=2, first="14.7.2023"))


if __name__ == "__main__":
    harness.main()
