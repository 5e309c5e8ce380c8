#!/usr/bin/env python3
"""Every capture holds against tshark, an independent witness (tests/check/check-capture)."""
import os

import harness

EXCEPTIONS = os.path.join(harness.CHECKS, "exceptions.json")
CANNOT_JUDGE = 2


class Witness(harness.InFolder):
    """One test for each capture, made below."""


def against(capture):
    """The test of one capture."""
    def test(self):
        done = harness.tapline("run", capture, self.out, "--quiet")
        if done.returncode == 3:
            self.skipTest("no capture")
        self.assertIn(done.returncode, (0, 4), done.stderr)
        held = harness.check("check-capture", capture, self.out, "--exceptions", EXCEPTIONS)
        if held.returncode == CANNOT_JUDGE:
            self.skipTest(held.stdout.strip())
        self.assertEqual(held.returncode, 0, held.stdout + held.stderr)
    return test


for path in harness.captures():
    setattr(Witness, "test_" + os.path.relpath(path, os.path.dirname(harness.ROOT)), against(path))

if __name__ == "__main__":
    harness.main()
