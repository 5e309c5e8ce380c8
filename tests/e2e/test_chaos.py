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
    """A few rounds, of which the last ones may take some seconds more."""

    def test_faults_at_random_moments(self):
        seed = random.SystemRandom().getrandbits(31)
        storm = chaos.storm(seed, rounds=1000, seconds=12, parallel=2)
        self.assertEqual(storm.wrong, [], "tests/chaos/chaos.py --round N does such a one again")
        self.assertTrue(storm.outcomes)


if __name__ == "__main__":
    harness.main()
