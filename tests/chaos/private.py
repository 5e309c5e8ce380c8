"""One `tapline run` and what befalls it: workers or the launcher killed or stopped, a full disk."""
import collections
import glob
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading

import harness
import trial

VICTIMS = ("tracker", "classifier", "extractor", "sink", "lobby", "reader")
KINDS = ("kill",) * 6 + ("stop",) * 4 + ("orphan",)

Fault = collections.namedtuple("Fault", "kind worker which after seconds")


class Round:
    """A run of which everything is drawn from one seed."""

    def __init__(self, seed, capture, wanted, earlier):
        dice = random.Random(seed)
        self._capture = capture
        self._wanted = wanted
        self._earlier = earlier if dice.random() < 0.5 else None  # what is in OUT before
        self._options = dice.choice(trial.QUEUES)
        self.faults = [self._fault(dice) for _ in range(dice.choice((1, 1, 1, 2)))]
        self._folder = tempfile.mkdtemp(prefix="tapline-chaos-")
        self._disk = os.path.join(self._folder, "disk")
        self._out = os.path.join(self._disk, "out")
        self._over = threading.Event()
        self.outcomes = []

    @staticmethod
    def _fault(dice):
        kinds = KINDS + (("full",) if os.geteuid() == 0 else ())
        return Fault(dice.choice(kinds), dice.choice(VICTIMS), dice.random(),
                     dice.uniform(0, 1.6 * trial.FEEDING), dice.choice(trial.PAUSES))

    def _strike(self, fault, launcher):
        """Lets one fault happen, and heals it where it can be."""
        if self._over.wait(fault.after):
            return
        if fault.kind == "full":
            self._fill(fault.seconds)
        elif fault.kind == "orphan":
            launcher.kill()
        else:
            self._hit(fault)

    def _hit(self, fault):
        victims = sorted(harness.workers_of(self._folder, fault.worker))
        if not victims:
            return
        victim = victims[int(fault.which * len(victims))]
        try:
            os.kill(victim, signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
            if fault.kind == "stop":
                self._over.wait(fault.seconds)
                os.kill(victim, signal.SIGCONT)
        except ProcessLookupError:
            pass  # it has ended before

    def _fill(self, seconds):
        path = os.path.join(self._disk, "ballast")
        try:
            with open(path, "wb", buffering=0) as ballast:
                while ballast.write(bytes(65536)):
                    pass
        except OSError:
            pass  # it is full
        self._over.wait(seconds)
        os.unlink(path)

    def run(self):
        """Runs it; None, or what is wrong, as a text."""
        mount = any(fault.kind == "full" for fault in self.faults)
        os.mkdir(self._disk)
        try:
            if mount:
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self._disk],
                               check=True)
            if self._earlier:
                shutil.copytree(self._earlier, self._out)
            return self._play()
        finally:
            self._over.set()
            if mount:
                subprocess.run(["umount", "-l", self._disk], check=True)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _play(self):
        before = trial.digest(self._out)
        launcher = subprocess.Popen(
            [harness.TAPLINE, "run", "-", self._out, "--quiet", "-j", "2", *self._options],
            bufsize=0,
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, TZ="UTC", TMPDIR=self._folder))
        threads = [threading.Thread(target=trial.feed, args=(self._capture, launcher.stdin),
                                    daemon=True)]
        threads += [threading.Thread(target=self._strike, args=(fault, launcher))
                    for fault in self.faults]
        for thread in threads:
            thread.start()
        status, said = trial.end(launcher)
        self._over.set()
        for thread in threads:
            thread.join(5)
        return self._judge(status, said, before)

    def _judge(self, status, said, before):
        if status is None:
            return f"it hangs: {said}"
        if not harness.wait_until(lambda: not harness.processes_of(self._folder), 60):
            return f"processes are left: {said}"
        found = trial.digest(self._out)
        if status == -signal.SIGKILL:
            wrong = None if found in (before, self._wanted) else f"other results: {said}"
        else:
            wrong = trial.judge(status, said, found, before, self._wanted)
        left = glob.glob(os.path.join(self._disk, ".tapline-*"))
        if status == 0 and left:
            wrong = wrong or f"{left[0]} was left behind: {said}"
        self.outcomes = [trial.outcome(status, said)]
        return wrong
