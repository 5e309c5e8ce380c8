"""Captures on trial: each runs through a standing pipeline, in several ways, within a time limit;
what comes out is held against the invariants, and one way's bytes against another's."""
import collections
import glob
import os
import shutil
import signal
import sys
import tempfile
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "deploy"), os.path.join(ROOT, "tests", "e2e")]

from harness import results  # noqa: E402
from invariants import Broken, check  # noqa: E402
from launcher.pipeline import Pipeline  # noqa: E402
from launcher.profile import Profile  # noqa: E402

# Published; refused, with a message; published up to where the capture broke off.
PUBLISHED, ALLOWED = (0, 4), (0, 2, 3, 4)

# Ways to play a capture: whether through the wide pipeline, and options for the reader. All give
# the same bytes; the first is what the others are held against.
PLAIN = ("plain", False, ())
WAYS = (PLAIN, ("--demand 0", False, ("--demand", "0")), ("-j 3", True, ()))
NARROW, WIDE = (1, ()), (3, ("--batch", "4k"))  # workers of each stage, options for them

Trial = collections.namedtuple("Trial", "name text ways")  # one capture, and how it is to be played
Fault = collections.namedtuple("Fault", "trial what")
Way = collections.namedtuple("Way", "trial name out started")


class Court:
    """Use as a context. `faults` gathers what was found; `count` how many runs there were."""

    def __init__(self, seconds=120, jobs=3):
        self._seconds, self._jobs = seconds, jobs
        self._pipelines = {}
        self._under_way = {}  # by reader
        self.faults, self.count = [], 0
        self.statuses = collections.Counter()

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="tapline-trials-")
        self._profile = Profile("any").document()
        self._reports = os.path.join(self._folder, "report")
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            os.environ[name] = f"log_path={self._reports}:print_stacktrace=1:detect_leaks=1"
        # What the programs say is a mutated capture's due: it goes where nobody reads it.
        self._stderr = os.dup(2)
        with open(os.path.join(self._folder, "said"), "wb") as said:
            os.dup2(said.fileno(), 2)
        return self

    def __exit__(self, *_):
        self._close_pipelines()
        self._take_reports(None)  # of leaks, at the programs' ends
        os.dup2(self._stderr, 2)
        os.close(self._stderr)
        shutil.rmtree(self._folder)

    def judge(self, trials):
        """Runs all of them."""
        for trial in trials:
            while len(self._under_way) >= self._jobs:
                self._step()
            self._begin(trial)
        while self._under_way:
            self._step()

    # ---- one trial: its ways one after the other

    def _begin(self, trial):
        folder = tempfile.mkdtemp(dir=self._folder)
        with open(os.path.join(folder, "capture"), "wb") as file:
            file.write(trial.text)
        self._start(trial, folder, trial.ways[0])

    def _start(self, trial, folder, way):
        name, wide, options = way
        out = os.path.join(folder, name)
        pipeline = self._pipeline(WIDE if wide else NARROW)
        reader = pipeline.read([os.path.join(folder, "capture")], out, self._profile, "{}",
                               ["--quiet", *options])
        self._under_way[reader] = Way(trial, name, out, time.monotonic())
        self.count += 1

    def _pipeline(self, kind):
        if kind not in self._pipelines:
            width, options = kind
            self._pipelines[kind] = Pipeline(options, width).__enter__()
        return self._pipelines[kind]

    def _close_pipelines(self):
        for pipeline in self._pipelines.values():
            pipeline.__exit__(None, None, None)
        self._pipelines = {}

    def _step(self):
        pipelines = list(self._pipelines.values())
        for reader in pipelines[0].wait(list(self._under_way), timeout=0.2):
            status, _ = reader.finish()
            self._ended(self._under_way.pop(reader), status)
        died = [p.dead() for p in pipelines if p.dead()]
        late = [w for w in self._under_way.values()
                if time.monotonic() - w.started > self._seconds]
        if died or late:
            self._all_again(died[0] if died else f"no end after {self._seconds} s", late)

    def _all_again(self, what, late):
        """A pipeline is lost. Whose fault that is shows when each is tried alone."""
        suspects = late or list(self._under_way.values())
        for reader in self._under_way:
            reader.process.send_signal(signal.SIGKILL)
            reader.finish()
        innocent = [w.trial for w in self._under_way.values() if w not in suspects]
        self._under_way = {}
        self._close_pipelines()
        self._take_reports(suspects[0].trial if len(suspects) == 1 else None)
        if len(suspects) == 1:
            self.faults.append(Fault(suspects[0].trial, what))
            suspects = []
        for trial in [w.trial for w in suspects] + innocent:
            self._begin(trial)
            while self._under_way:
                self._step()

    def _ended(self, way, status):
        self.statuses[status] += 1
        folder = os.path.dirname(way.out)
        done = next(i for i, w in enumerate(way.trial.ways) if w[0] == way.name) + 1
        try:
            if status not in ALLOWED:
                raise Broken(f"exit status {status}")
            if status in PUBLISHED:
                check(way.out)
            elif os.path.exists(way.out):
                raise Broken(f"exit status {status}, and yet results")
            self._same(folder, way)
        except Broken as broken:
            self.faults.append(Fault(way.trial, f"{way.name}: {broken}"))
            done = len(way.trial.ways)
        self._take_reports(way.trial)
        if done < len(way.trial.ways):
            self._start(way.trial, folder, way.trial.ways[done])
        else:
            shutil.rmtree(folder)

    @staticmethod
    def _same(folder, way):
        first = os.path.join(folder, way.trial.ways[0][0])
        if way.out == first:
            return
        want, got = results(first), results(way.out)
        differ = sorted(n for n in want.keys() | got.keys() if want.get(n) != got.get(n))
        if differ:
            raise Broken("other bytes in " + ", ".join(differ))

    def _take_reports(self, trial):
        """A sanitizer's reports; with several trials under way, one of them was the cause."""
        for path in glob.glob(self._reports + ".*"):
            with open(path, encoding="utf-8", errors="replace") as file:
                self.faults.append(Fault(trial, file.read()))
            os.unlink(path)
