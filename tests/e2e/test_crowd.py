#!/usr/bin/env python3
"""Many captures through one standing pipeline, several at once: each comes out as if it were alone,
every sink takes its share, and nothing of them stays behind in the workers."""
import concurrent.futures
import os

import harness
from crew import WithCrew
from harness import results

SUBJECTS = [os.path.join(harness.CAPTURES, "crafted", name + ".pcap") for name in
            ("dns-udp", "http-split", "http-holes", "tcp-reassembly", "link-fragments")]
AT_ONCE = 4
CAPTURES = 960
WARM = CAPTURES // 2  # by then every worker has grown to what so many at once need, or nearly
GROWTH = 8 << 20  # bytes: 17 kilobytes kept of each capture would show


class Crowd(WithCrew):
    """Two of each worker, and readers that come and go."""

    def play_all(self, first, last):
        """Plays captures of these numbers, some at once."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.play, range(first, last)))

    def play(self, number):
        """Plays one capture of the subjects in turn."""
        kind = number % len(SUBJECTS)
        self.played(SUBJECTS[kind], os.path.join(self.folder, f"{kind}-{number % (2 * AT_ONCE)}"))

    def idle(self):
        """The status, once no capture is under way and everybody has said so."""
        self.until(lambda: not any(row["sessions"] for row in self.crew.there().values()))
        return self.crew.there()

    def open_files(self):
        """How many files each worker has open."""
        return {name: len(os.listdir(f"/proc/{process.pid}/fd"))
                for name, process in self.crew.processes.items()}

    def test_many_captures(self):
        self.up(count=2)
        self.play_all(0, WARM)
        warm, files = self.idle(), self.open_files()
        self.play_all(WARM, CAPTURES)
        after = self.idle()
        for name, row in after.items():
            self.assertLess(row["memory"], warm[name]["memory"] + GROWTH, name)
        # What readers lent is let go of soon after they are gone.
        self.until(lambda: all(count < files[name] + 2 * AT_ONCE
                               for name, count in self.open_files().items()))
        for number in (1, 2):
            self.assertGreater(after[f"sink-{number}"]["sessions_in"], CAPTURES // 4)
        self.check_results()

    def check_results(self):
        """Everything that was played last is as from a pipeline of its own."""
        for kind, subject in enumerate(SUBJECTS):
            plain = os.path.join(self.folder, "plain")
            self.run_ok("run", subject, plain, "--quiet")
            want = results(plain)
            for number in range(2 * AT_ONCE):
                self.assertEqual(results(os.path.join(self.folder, f"{kind}-{number}")), want)


if __name__ == "__main__":
    harness.main()
