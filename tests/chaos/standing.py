"""A standing pipeline and what befalls it, while several readers use it at once.

Workers of every stage, the lobby and readers are killed, stopped and started again; workers join
and leave. When all that is over the pipeline has to be whole again, and to leave nothing behind.
"""
import collections
import glob
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import crew
import harness
import trial

NAMES = ("lobby", *(f"{role}-{n}" for role in crew.WORKERS for n in (1, 2)))
KINDS = ("kill",) * 5 + ("stop",) * 3 + ("join", "leave", "reader")
SPAN = 2.5 * trial.FEEDING  # seconds within which everything happens

Fault = collections.namedtuple("Fault", "kind name after seconds")
Reading = collections.namedtuple("Reading", "number after piped earlier")


class Round:
    """A pipeline's hard times, all of it drawn from one seed."""

    def __init__(self, seed, capture, wanted, earlier):
        dice = random.Random(seed)
        self._capture = capture
        self._wanted = wanted
        self._earlier = earlier
        self._options = dice.choice(trial.QUEUES)
        self.faults = [self._fault(dice) for _ in range(dice.randint(1, 4))]
        self.readings = [Reading(number, dice.uniform(0, 1), dice.random() < 0.7,
                                 dice.random() < 0.5) for number in range(dice.randint(1, 3))]
        self._folder = tempfile.mkdtemp(prefix="tapline-chaos-")
        self._pipeline = None
        self._readers = {}  # number -> process
        self._leavers = {}  # name -> process
        self._joined = 0
        self._lock = threading.Lock()
        self.outcomes = []
        self._wrong = []

    @staticmethod
    def _fault(dice):
        kind = dice.choice(KINDS)
        name = {"reader": dice.choice("012"), "join": dice.choice(crew.WORKERS)}.get(
            kind, dice.choice(NAMES if kind in ("kill", "stop") else NAMES[1:]))
        return Fault(kind, name, dice.uniform(0, SPAN), dice.choice(trial.PAUSES))

    # ---- faults ---------------------------------------------------------------------------

    def _strike(self, fault):
        """Lets one fault happen, and heals it."""
        time.sleep(fault.after)
        if fault.kind == "join":
            self._join(fault.name)
        elif fault.kind == "leave":
            self._join(fault.name.split("-")[0])
            self._leavers[fault.name] = self._pipeline.processes[fault.name]
            self._pipeline.leave(fault.name)
        elif fault.kind == "reader":
            reader = self._readers.get(int(fault.name))
            if reader:
                reader.kill()
        else:
            self._hit(fault)

    def _hit(self, fault):
        process = self._pipeline.processes[fault.name]
        process.send_signal(signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
        time.sleep(fault.seconds)
        process.send_signal(signal.SIGCONT)
        if fault.kind == "kill":
            with self._lock:  # two faults may have killed it
                if process.wait() and self._pipeline.processes[fault.name] is process:
                    self._pipeline.again(fault.name)

    def _join(self, role):
        with self._lock:
            self._joined += 1
            self._pipeline.start(role, f"{role}-joined-{self._joined}", *self._options)

    # ---- readers --------------------------------------------------------------------------

    def _read(self, reading):
        """One capture on its way through, and the judgement of what came of it."""
        out = os.path.join(self._folder, f"out-{reading.number}")
        if reading.earlier:
            shutil.copytree(self._earlier, out)
        before = trial.digest(out)
        time.sleep(reading.after)
        reader = self._pipeline.read(
            out, "-" if reading.piped else harness.DEMO, options=self._options)
        self._readers[reading.number] = reader
        if reading.piped:
            threading.Thread(target=trial.feed, args=(self._capture, reader.stdin),
                             daemon=True).start()
        self._judge(*trial.end(reader), out, before)

    def _judge(self, status, said, out, before):
        found = trial.digest(out)
        if status is None:
            wrong = f"a reader hangs: {said}"
        elif status == -signal.SIGKILL:
            wrong = None if found in (before, self._wanted) else f"other results: {said}"
        else:
            wrong = trial.judge(status, said, found, before, self._wanted)
        if wrong:
            self._wrong.append(wrong)
        else:
            self.outcomes.append(trial.outcome(status, said))

    # ---- the round ------------------------------------------------------------------------

    def run(self):
        """Runs it; None, or what is wrong, as a text."""
        try:
            with crew.Crew(self._folder) as self._pipeline:
                if not self._pipeline.up(*self._options, count=2):
                    return "the workers do not come together"
                self._storm()
                return "; ".join(self._wrong) or self._afterwards()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _storm(self):
        threads = [threading.Thread(target=self._read, args=(r,)) for r in self.readings]
        threads += [threading.Thread(target=self._strike, args=(f,)) for f in self.faults]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _afterwards(self):
        """The pipeline is itself again: what is wrong with it, as a text; None: nothing."""
        for name, process in self._leavers.items():
            if self._pipeline.processes[name] is process:  # not killed meanwhile, and begun anew
                wrong = self._left(name)
                if wrong:
                    return wrong
                self._pipeline.again(name)
        if not self._pipeline.gathered(*self._workers()):
            return "the workers do not come together again"
        return self._another() or self._down()

    def _workers(self):
        return [name for name in self._pipeline.processes if name != "lobby"]

    def _another(self):
        out = os.path.join(self._folder, "another")
        status, said = trial.end(self._pipeline.read(out, harness.DEMO))
        if status != 0 or trial.digest(out) != self._wanted:
            return f"afterwards, another capture ends with {status}: {said}"
        hidden = os.path.join(self._folder, ".tapline-*")
        if not harness.wait_until(lambda: self._sink_killed() or not glob.glob(hidden), 60):
            return f"{glob.glob(hidden)} are left"
        return None

    def _sink_killed(self):
        """What such a one leaves behind is removed with a capture a minute later, or more."""
        return any(fault.kind == "kill" and fault.name.startswith("sink") for fault in self.faults)

    def _left(self, name):
        """Waits for one that was told to leave; what is wrong, as a text; None: nothing."""
        try:
            status = self._pipeline.processes[name].wait(trial.HANGS)
        except subprocess.TimeoutExpired:
            status = "nothing: it goes on"
        return f"{name} leaves with {status}: {self._pipeline.said(name)}" if status else None

    def _down(self):
        workers = self._workers()
        for name in workers:
            self._pipeline.leave(name)
        wrong = next(filter(None, map(self._left, workers)), None)
        self._pipeline.leave("lobby")
        return wrong or self._left("lobby")
