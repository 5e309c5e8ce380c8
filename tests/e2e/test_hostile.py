#!/usr/bin/env python3
"""Mutated captures: no program crashes, hangs or breaks an invariant. tests/hostile/campaign does
the same at length, with any captures."""
import os
import sys
import unittest

import harness

sys.path.append(os.path.join(harness.ROOT, "tests", "hostile"))
from mutations import mutate  # noqa: E402  (the path must be known first)
from storage import Capture  # noqa: E402
from trials import Court, PLAIN, Trial, WAYS  # noqa: E402

SEED = "1"
MUTATIONS = 3  # of each capture; the last is played in all ways
LARGEST = 200000


def own_captures():
    """(name, bytes) of the project's own captures, but for the large ones."""
    for path in harness.captures():
        if path.startswith(harness.CAPTURES) and os.path.getsize(path) <= LARGEST:
            with open(path, "rb") as file:
                yield os.path.basename(path), file.read()


def trials():
    """What is put on trial."""
    for name, text in own_captures():
        for number in range(1, MUTATIONS + 1):
            seed = f"{SEED}.{number}"
            yield Trial(f"{name}.{seed}", mutate(text, seed),
                        WAYS if number == MUTATIONS else (PLAIN,))


class Hostile(unittest.TestCase):
    """Thousands of runs are a campaign's; these are some hundred."""

    def test_mutated_captures(self):
        court = Court()
        with court:
            court.judge(trials())
        told = "\n".join(f"{f.trial.name if f.trial else '?'}: {f.what}" for f in court.faults)
        self.assertFalse(court.faults, told)
        self.assertGreater(court.statuses[0], court.count / 2, "most mutations leave a capture")
        print(f"note: {court.count} runs on mutated captures, seed {SEED}")


class Mutations(unittest.TestCase):
    """The tools themselves."""

    def test_what_is_not_mutated_is_written_as_it_was(self):
        for name, text in own_captures():
            self.assertEqual(bytes(Capture(text)), text, name)

    def test_the_same_seed_gives_the_same_bytes(self):
        for name, text in own_captures():
            self.assertEqual(mutate(text, "7"), mutate(text, "7"), name)


if __name__ == "__main__":
    harness.main()
