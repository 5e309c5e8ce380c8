#!/usr/bin/env python3
"""--tap-policy block: who is slow gets every record, who takes nothing is let go of."""
import os
import signal
import struct
import subprocess
import threading
import time

import harness
from harness import TAPLINE
from listening import PATIENCE, PATIENT, WithTap

FLOWS = 4000  # fewer than find room in the queue to a listener, and more than in all that is behind
OUTLIVED = 6  # seconds: a launcher would have lost its patience with an idle worker by then


def write_flows(path):
    """A capture of FLOWS connections that are one SYN each."""
    ethernet = bytes(12) + b"\x08\x00"
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number in range(FLOWS):
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0, 64, 6, 0, 0x0a000000 + number,
                             0xc6336402)
            tcp = struct.pack(">HHIIBBHHH", 40000, 443, number, 0, 0x50, 0x02, 65535, 0, 0)
            frame = ethernet + ip + tcp
            file.write(struct.pack("<IIII", 1689346934 + number // 1000, number % 1000,
                                   len(frame), len(frame)) + frame)


class Lossless(WithTap):
    """Many records, and listeners that are in no hurry."""

    def setUp(self):
        super().setUp()
        self.capture = os.path.join(self.folder, "flows.pcap")
        write_flows(self.capture)

    def begin(self, *words, listeners=1):
        """Starts a run that waits for its listeners; its process."""
        run = subprocess.Popen([TAPLINE, "run", self.capture, self.out, "--quiet", "--tap",
                                self.tap, "--tap-policy", "block", "--tap-wait", str(listeners),
                                *PATIENT, *words],
                               stderr=subprocess.PIPE, text=True, env=self.environment)
        for clean in (run.wait, run.stderr.close, run.kill):
            self.addCleanup(clean)
        return run

    def end(self, run):
        """The run ends well; what it said on stderr."""
        said = run.stderr.read()
        self.assertEqual(run.wait(PATIENCE), 0, said)
        return said

    def piped(self):
        """A listener whose lines are in a pipe: it is as slow as whoever reads that."""
        listener = subprocess.Popen([TAPLINE, "tap", "flow.tcp", "--connect", self.tap],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env=self.environment)
        for clean in (listener.stdout.close, listener.stderr.close, listener.wait, listener.kill):
            self.addCleanup(clean)
        return listener

    def slowly(self, listener, pace):
        """Reads all its lines, at most `pace` a second."""
        lines = []
        while len(lines) < FLOWS:
            line = listener.stdout.readline()
            if not line:
                break
            lines.append(line)
            if len(lines) % 100 == 0:
                time.sleep(100 / pace)
        return lines

    def test_a_listener_that_sleeps_when_all_is_published(self):
        listener = self.piped()
        run = self.begin("--tap-patience", "60")
        done = os.path.join(self.out, "ledger.json")
        self.assertTrue(harness.wait_until(lambda: os.path.exists(done), PATIENCE))
        time.sleep(OUTLIVED)
        self.assertIsNone(run.poll())
        self.same_as_files(self.slowly(listener, 3000))
        self.assertEqual(self.end(run), "")

    def test_a_listener_that_takes_longer_than_the_patience(self):
        listener = self.piped()
        run = self.begin("--tap-patience", "5", "--tap-queue", "4k")
        started = time.monotonic()
        lines = self.slowly(listener, 600)
        self.assertGreater(time.monotonic() - started, 5)
        self.assertEqual(self.end(run), "")
        self.same_as_files(lines)

    def test_who_takes_nothing_costs_the_others_nothing(self):
        stopped, listener = self.piped(), self.piped()
        run = self.begin("--tap-patience", "4", listeners=2)
        lines = []
        reading = threading.Thread(target=lambda: lines.extend(self.slowly(listener, 5000)))
        reading.start()
        self.assertIn("1 of the listeners took nothing for 4 s", self.end(run))
        reading.join(PATIENCE)
        self.same_as_files(lines)
        stopped.send_signal(signal.SIGKILL)

    def test_a_listener_that_stopped_does_not_keep_the_run_from_ending(self):
        self.piped()
        run = self.begin("--tap-patience", "1")
        self.assertIn("count as gone", self.end(run))
        self.assertTrue(os.path.exists(os.path.join(self.out, "ledger.json")))


if __name__ == "__main__":
    harness.main()
