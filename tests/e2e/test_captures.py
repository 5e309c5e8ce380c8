#!/usr/bin/env python3
"""Every capture with a list of expected records gives them."""
import os

import harness


class Captures(harness.InFolder):
    """One test for each expectation, made below."""


def expect(captures, head, path):
    """The test of one expectation."""
    def test(self):
        words = ["run", *captures, self.out, "--json", "-cp", head.get("profile", "any"),
                 *head.get("options", [])]
        done = harness.tapline(*words, tz=head.get("tz", "UTC"))
        if head.get("fails"):
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(os.path.basename(captures[0]), done.stderr)
            self.assertFalse(os.path.exists(self.out))
            return
        self.assertIn(done.returncode, (0, 4), done.stderr)
        held = harness.check("check-records", path, self.out)
        self.assertEqual(held.returncode, 0, held.stdout + held.stderr)
    return test


for name, files, start, where in harness.expectations():
    setattr(Captures, "test_" + name, expect(files, start, where))

if __name__ == "__main__":
    harness.main()
