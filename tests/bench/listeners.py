"""What listeners at the tap cost a run: none, one that keeps up, one that is slow, stopped or
killed soon after the beginning, and the archive, which is waited for. Runs of all kinds alternate.
Part of `make bench`."""
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from metering import TAPLINE

LOOK_SECONDS = 0.005
SLOW_SECONDS = 0.02  # of a slow listener's reader, for each pipe full of lines
PATIENCE = 60  # seconds for a listener to show that it is there, or to end


class Listener:
    """One of a kind at a tap; a context."""

    def __init__(self, kind, programs, folder):
        self.kind = kind
        self.tap = f"ipc://{folder}/tap"
        self._heard = open(os.path.join(folder, "heard"), "w+b")
        self._file = os.path.join(folder, "records.sqlite")
        self._process = self._reader = None
        if kind == "archive":
            command = ["tapline-archive", "--connect", self.tap, self._file]
        else:
            command = ["tapline-tap", "--connect", self.tap]
        command[0] = os.path.join(programs.bin, command[0])
        if kind not in ("no tap", "nobody"):
            piped = subprocess.PIPE if kind == "slow" else self._heard
            self._process = subprocess.Popen(command, stdout=piped)

    def __enter__(self):
        return self

    def meet(self):
        """Does to it what its kind says, once it has heard something."""
        if self.kind == "slow":
            self._reader = subprocess.Popen(
                [sys.executable, "-c", "import os, time\nwhile os.read(0, 65536):\n"
                                       f"    time.sleep({SLOW_SECONDS})"],
                stdin=self._process.stdout)
            self._process.stdout.close()
        strike = {"stopped": signal.SIGSTOP, "killed": signal.SIGKILL}.get(self.kind)
        deadline = time.monotonic() + PATIENCE
        while strike and not os.fstat(self._heard.fileno()).st_size:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the listener to be {self.kind} heard nothing")
            time.sleep(LOOK_SECONDS)
        if strike:
            self._process.send_signal(strike)

    def end(self):
        """Tells an archive to end; the seconds until it had stored everything, and what it missed.
        None for the others."""
        begun = time.monotonic()
        if self.kind != "archive":
            return None
        self._process.terminate()
        self._process.wait(PATIENCE)
        with sqlite3.connect(self._file) as db:
            missed = db.execute("SELECT missed FROM attempts").fetchone()
        return time.monotonic() - begun, missed and missed[0]

    def __exit__(self, *_):
        for process in filter(None, (self._process, self._reader)):
            process.kill()
            process.wait()
        self._heard.close()


def one_run(kind, programs, capture, folder):
    """(wall seconds, processor time of all stages, that of the sink, what `end` said)."""
    scratch = tempfile.mkdtemp(dir=folder)
    with Listener(kind, programs, scratch) as listener:
        words = [] if kind == "no tap" else ["--tap", listener.tap]
        if kind == "archive":
            words += ["--tap-policy", "block", "--tap-wait", "1"]  # it is to hold everything
        begun = time.monotonic()
        run = subprocess.Popen([TAPLINE, "run", "--quiet", *words, capture,
                                os.path.join(scratch, "out")], env=programs.environment())
        listener.meet()
        if run.wait():
            raise RuntimeError("the run failed")
        wall = time.monotonic() - begun
        kept = listener.end()
    used = programs.usage()
    shutil.rmtree(scratch)
    return wall, sum(seconds for seconds, _ in used.values()), used["sink"][0], kept


KINDS = ("no tap", "nobody", "keeps up", "slow", "stopped", "killed", "archive")


def measure_listeners(programs, capture, folder, rounds):
    """Prints the table."""
    runs = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            runs[kind].append(one_run(kind, programs, capture, folder))
    print(f"\nlisteners: {os.path.getsize(capture) / 1e6:.0f} MB, medians of {rounds}, and ratios "
          "to a run without a tap")
    print(f"  {'':10}{'wall':>16}{'all stages':>18}{'sink':>18}")
    base = [statistics.median(run[i] for run in runs["no tap"]) for i in range(3)]
    for kind in KINDS:
        medians = [statistics.median(run[i] for run in runs[kind]) for i in range(3)]
        columns = [f"{m:9.2f}s {m / b:6.3f}" for m, b in zip(medians, base)]
        print(f"  {kind:10}" + " ".join(columns))
    lags = [run[3][0] for run in runs["archive"]]
    missed = [run[3][1] for run in runs["archive"]]
    print(f"  the archive had stored everything {statistics.median(lags):.2f} s behind the end of "
          f"the run; records missed: {missed}", flush=True)
