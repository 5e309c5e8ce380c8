#!/usr/bin/env python3
"""Faults at random moments: workers killed or stopped, the disk full, in private and in standing
pipelines. Every run ends with the very results of an undisturbed one, or with an exit status and a
cause, and what was in OUT untouched.

usage: tests/chaos/chaos.py [--seed N] [--rounds N] [--seconds N] [--parallel N] [--round N]
"""
import argparse
import collections
import concurrent.futures
import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "e2e"))
import harness  # noqa: E402  (the path must be known first)
import private  # noqa: E402
import standing  # noqa: E402
import trial  # noqa: E402

EARLIER = os.path.join(harness.CAPTURES, "crafted", "files-micro-little.pcap")
PIPELINES = {"private": private.Round, "standing": standing.Round}


def undisturbed(capture, out):
    """Runs a capture in peace; the hash of its results."""
    done = harness.tapline("run", capture, out, "--quiet")
    assert done.returncode == 0, done.stderr
    return trial.digest(out)


class Storm:
    """Rounds that are drawn from seeds, and what came of them."""

    def __init__(self, folder, say=print):
        self._say = say
        with open(harness.DEMO, "rb") as file:
            self._capture = file.read()
        self._wanted = undisturbed(harness.DEMO, os.path.join(folder, "wanted"))
        self._earlier = os.path.join(folder, "earlier")
        undisturbed(EARLIER, self._earlier)
        self.outcomes = collections.Counter()
        self.wrong = []
        self.longest = 0, "no round"

    def round(self, seed):
        """One round: its pipeline's kind and all that happens to it come from its seed."""
        kind = ("private", "standing")[seed % 2]
        it = PIPELINES[kind](seed, self._capture, self._wanted, self._earlier)
        began = time.monotonic()
        fault = it.run()
        name = f"round {seed} ({kind}, {it.faults})"
        self.longest = max(self.longest, (time.monotonic() - began, name))
        if fault:
            self.wrong.append(f"{name}: {fault}")
            self._say(self.wrong[-1], flush=True)
        else:
            self.outcomes.update(f"{kind}, {outcome}" for outcome in it.outcomes)


def storm(seed, rounds, seconds, parallel, say=print):
    """Runs rounds until there were so many, or the time is up; the Storm."""
    say(f"chaos: seed {seed}", flush=True)
    dice = random.Random(seed)
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="tapline-chaos-") as folder:
        it = Storm(folder, say)

        def one(number):
            if time.monotonic() < deadline:
                it.round(number)

        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            list(pool.map(one, [dice.getrandbits(32) for _ in range(rounds)]))
    return it


def again(seed):
    """Runs a single round; the Storm."""
    with tempfile.TemporaryDirectory(prefix="tapline-chaos-") as folder:
        it = Storm(folder)
        it.round(seed)
    return it


def main():
    """The command; 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--parallel", type=int, default=3)
    parser.add_argument("--round", type=int, help="this single one once more, by its number")
    arguments = parser.parse_args()
    if arguments.round is not None:
        it = again(arguments.round)
    else:
        it = storm(arguments.seed, arguments.rounds, arguments.seconds, arguments.parallel)
    print(f"chaos: {sum(it.outcomes.values())} runs as they should be, {len(it.wrong)} rounds not")
    for outcome, count in sorted(it.outcomes.items()):
        print(f"chaos: {count:5} {outcome}")
    print("chaos: the longest round took %.0f s: %s" % it.longest)
    return 1 if it.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
