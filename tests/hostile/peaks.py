"""How much memory the programs of a pipeline take at most while a capture is played into it."""
import os
import shutil
import struct
import sys
import tempfile
import threading
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "deploy"))

from launcher.pipeline import Pipeline  # noqa: E402
from launcher.profile import Profile  # noqa: E402

PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
BLOCK = 1 << 18


def pcap(frames):
    """The bytes of a pcap file, block by block, of (microseconds, frame) pairs."""
    block = bytearray(PCAP)
    for time_us, frame in frames:
        block += struct.pack("<IIII", *divmod(time_us, 1000000), len(frame), len(frame))
        block += frame
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def high_water(process):
    """The most memory that a process had, in kilobytes; 0: it is gone."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Played:
    """A capture that was played through standard input: `status`, `seconds`, and `peaks`, the
    most kilobytes that each program took. The results, in `out`, go with `clear`."""

    def __init__(self, blocks, options=(), workers=(), of_role=None):
        self._folder = tempfile.mkdtemp(prefix="tapline-peaks-")
        self.out = os.path.join(self._folder, "out")
        self.peaks = {}
        started = time.monotonic()
        with Pipeline(workers, of_role=of_role) as pipeline:
            profile = Profile("any").document()
            reading, self._writing = os.pipe()
            stdin = os.dup(0)
            os.dup2(reading, 0)
            os.close(reading)
            self._reader = pipeline.read(["-"], self.out, profile, "{}", ["--quiet", *options])
            os.dup2(stdin, 0)
            os.close(stdin)
            feeder = threading.Thread(target=self._feed, args=(blocks,))
            feeder.start()
            self._programs = dict(pipeline.workers(), reader=self._reader.process)
            while not pipeline.wait([self._reader], timeout=0.05):
                self._look()
                if pipeline.dead():
                    self._reader.process.terminate()
            self._look()
            self.died = pipeline.dead()
            self.status, _ = self._reader.finish()
            feeder.join()
        self.seconds = time.monotonic() - started

    def _feed(self, blocks):
        with os.fdopen(self._writing, "wb", buffering=0) as capture:
            try:
                for block in blocks:
                    capture.write(block)
            except BrokenPipeError:
                pass  # the reader has ended; its status says why

    def _look(self):
        for name, process in self._programs.items():
            role = name.split("-")[0]
            self.peaks[role] = max(self.peaks.get(role, 0), high_water(process))

    def clear(self):
        """Removes the results."""
        shutil.rmtree(self._folder)
