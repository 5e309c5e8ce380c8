#!/usr/bin/env python3
"""Faults at random moments: workers killed or stopped, the disk full. Every run ends with the very
results of an undisturbed one, or with an exit status and a cause, and what was in OUT untouched.

usage: tests/chaos/chaos.py [--seed N] [--rounds N] [--seconds N] [--parallel N]
"""
import argparse
import collections
import concurrent.futures
import glob
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "e2e"))
import harness  # noqa: E402  (the path must be known first)

WORKERS = ("tracker", "classifier", "extractor", "sink", "lobby")
HANGS = 150  # seconds: every limit of the pipeline's own is shorter
FEEDING = 1.0  # seconds that the capture takes to come
EARLIER = os.path.join(harness.CAPTURES, "crafted", "files-micro-little.pcap")

Fault = collections.namedtuple("Fault", "kind worker after seconds")


def digest(out):
    """One hash of all results below a directory; None: there are none."""
    if not os.path.isdir(out):
        return None
    total = hashlib.sha256()
    for name, text in sorted(harness.results(out).items()):
        total.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return total.hexdigest()


class Round:
    """One run and what befalls it, all of it drawn from one seed."""

    def __init__(self, seed, capture, wanted, earlier):
        self.seed = seed
        self._dice = random.Random(seed)
        self._capture = capture
        self._wanted = wanted
        self._earlier = earlier  # a directory of other results, or None
        self.faults = [self._fault() for _ in range(self._dice.choice((1, 1, 1, 2)))]
        self._folder = tempfile.mkdtemp(prefix="tapline-chaos-")
        self._out = os.path.join(self._folder, "disk", "out")
        self._over = threading.Event()
        self.outcome = None

    def _fault(self):
        kinds = ["kill"] * 6 + ["stop"] * 3 + (["full"] if os.geteuid() == 0 else [])
        kind = self._dice.choice(kinds)
        return Fault(kind, self._dice.choice(WORKERS), self._dice.uniform(0, 1.6 * FEEDING),
                     self._dice.choice((0.3, 2, 10)))

    def _strike(self, fault):
        """Lets one fault happen, and heals it where it can be."""
        if self._over.wait(fault.after):
            return
        if fault.kind == "full":
            self._fill(fault.seconds)
            return
        victims = sorted(harness.workers_of(self._folder, fault.worker))
        if not victims:
            return
        victim = self._dice.choice(victims)
        try:
            os.kill(victim, signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
            if fault.kind == "stop":
                self._over.wait(fault.seconds)
                os.kill(victim, signal.SIGCONT)
        except ProcessLookupError:
            pass  # it has ended before

    def _fill(self, seconds):
        path = os.path.join(self._folder, "disk", "ballast")
        try:
            with open(path, "wb", buffering=0) as ballast:
                while ballast.write(bytes(65536)):
                    pass
        except OSError:
            pass  # it is full
        self._over.wait(seconds)
        os.unlink(path)

    def _feed(self, pipe):
        """The capture comes bit by bit, so that a moment within the run can be hit."""
        pieces = 50
        size = len(self._capture) // pieces + 1
        try:
            for at in range(0, len(self._capture), size):
                pipe.write(self._capture[at:at + size])
                time.sleep(FEEDING / pieces)
            pipe.close()
        except OSError:
            pass  # nobody reads any more

    def _disk(self, mount):
        """A small file system for OUT, where a fault is to fill it."""
        disk = os.path.join(self._folder, "disk")
        os.mkdir(disk)
        if mount:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
        if self._earlier:
            shutil.copytree(self._earlier, self._out)
        return disk

    def run(self):
        """Runs it; None, or what is wrong, as a text."""
        mount = any(fault.kind == "full" for fault in self.faults)
        disk = self._disk(mount)
        before = digest(self._out)
        try:
            status, said = self._play()
            return self._judge(status, said, before)
        finally:
            self._over.set()
            if mount:
                subprocess.run(["umount", "-l", disk], check=True)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _play(self):
        process = subprocess.Popen(
            [harness.TAPLINE, "run", "-", self._out, "--quiet", "-j", "2"], bufsize=0,
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, TZ="UTC", TMPDIR=self._folder))
        threads = [threading.Thread(target=self._feed, args=(process.stdin,), daemon=True)]
        threads += [threading.Thread(target=self._strike, args=(fault,)) for fault in self.faults]
        watch = threading.Timer(HANGS, process.kill)
        for thread in (watch, *threads):
            thread.start()
        said = process.stderr.read().decode("utf-8", "replace")
        status = process.wait()
        self._over.set()
        watch.cancel()
        for thread in threads:
            thread.join(5)
        process.stderr.close()
        return status, said

    def _judge(self, status, said, before):
        after = digest(self._out)
        if status == -signal.SIGKILL:
            return f"it hangs: {said}"
        if status == 0 and after != self._wanted:
            return f"other results: {said}"
        if status not in (0, 5, 6):
            return f"exit status {status}: {said}"
        if status and not said.strip():
            return f"exit status {status} without a cause"
        if status and after not in (before, self._wanted):
            return f"exit status {status}, and OUT was changed: {said}"
        if status and after != before and "may be in place" not in said:
            return f"exit status {status}, and the results are there all the same: {said}"
        left = glob.glob(os.path.join(self._folder, "disk", ".tapline-*"))
        if status == 0 and left:
            return f"{left[0]} was left behind: {said}"
        self.outcome = f"exit status {status}" + (" after another attempt" if "played again" in said
                                                  else "")
        return None


def undisturbed(capture, out):
    """Runs a capture in peace; the hash of its results."""
    done = harness.tapline("run", capture, out, "--quiet")
    assert done.returncode == 0, done.stderr
    return digest(out)


def storm(seed, rounds, seconds, parallel, say=print):
    """Runs rounds until there were so many, or the time is up; (outcomes, what was wrong)."""
    say(f"chaos: seed {seed}", flush=True)
    dice = random.Random(seed)
    outcomes, wrong = collections.Counter(), []
    deadline = time.monotonic() + seconds
    with open(harness.DEMO, "rb") as file:
        capture = file.read()
    with tempfile.TemporaryDirectory(prefix="tapline-chaos-") as folder:
        wanted = undisturbed(harness.DEMO, os.path.join(folder, "wanted"))
        earlier = os.path.join(folder, "earlier")
        undisturbed(EARLIER, earlier)

        def one(number):
            if time.monotonic() > deadline:
                return
            it = Round(number, capture, wanted, earlier if number % 2 else None)
            fault = it.run()
            if fault:
                wrong.append(f"round {number}, {it.faults}: {fault}")
                say(wrong[-1], flush=True)
            else:
                outcomes[it.outcome] += 1

        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            list(pool.map(one, [dice.getrandbits(32) for _ in range(rounds)]))
    return outcomes, wrong


def main():
    """The command; 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--parallel", type=int, default=3)
    arguments = parser.parse_args()
    outcomes, wrong = storm(arguments.seed, arguments.rounds, arguments.seconds,
                            arguments.parallel)
    told = ", ".join(f"{count} with {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"chaos: {sum(outcomes.values())} rounds as they should be ({told}), {len(wrong)} not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
