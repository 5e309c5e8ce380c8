#!/usr/bin/env python3
"""A bounded part of `make chaos`: faults at random moments change no result."""
import os
import random
import sys
import unittest

import harness

sys.path.append(os.path.join(harness.ROOT, "tests", "chaos"))
import chaos  # noqa: E402  (the path must be known first)


class Chaos(unittest.TestCase):
    """Twenty seconds of it, of which the last run may take some more."""

    def test_faults_at_random_moments(self):
        seed = random.SystemRandom().getrandbits(31)
        outcomes, wrong = chaos.storm(seed, rounds=1000, seconds=20, parallel=2)
        self.assertEqual(wrong, [], f"tests/chaos/chaos.py --seed {seed} does it again")
        self.assertTrue(outcomes)


if __name__ == "__main__":
    harness.main()
