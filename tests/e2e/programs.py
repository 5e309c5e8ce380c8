"""A standing pipeline whose programs are started one by one, as on several hosts."""
import json
import os
import signal
import subprocess
import sys

import harness

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation, run  # noqa: E402  (the path must be known first)

ROLES = ("tracker", "classifier", "extractor", "sink")
PATIENCE = 120  # seconds that anything may take on a busy machine


class Programs(harness.InFolder):
    """Starts programs that join one lobby, and ends them behind the test."""

    def setUp(self):
        super().setUp()
        self.bus = os.path.join(self.folder, "bus")
        os.mkdir(self.bus, 0o700)
        self.lobby = f"ipc://{self.bus}/lobby"
        self.profile = os.path.join(self.folder, "profile.json")
        with open(self.profile, "w", encoding="utf-8") as file:
            file.write(run.profile_document("any"))
        self.workers = {}  # name -> process

    def start(self, role, *options, name=None):
        """Starts a worker, or the lobby; its process."""
        name = name or role
        process = subprocess.Popen([installation.program(role), "--join", self.lobby, "--name",
                                    name, *map(str, options)])
        self.addCleanup(self.end, process)
        self.workers[name] = process
        return process

    @staticmethod
    def end(process):
        """Ends what is still there."""
        process.kill()
        process.wait()

    def up(self, *options, count=1, options_of=None):
        """A lobby and so many of each worker, named classifier-1 and so on, all of them there."""
        self.start("lobby")
        for role in ROLES:
            for number in range(1, count + 1):
                self.start(role, *options, *(options_of or {}).get(role, ()),
                           name=f"{role}-{number}")
        self.until(lambda: len(self.status()) == count * len(ROLES))

    def until(self, true):
        """Waits until something is so, which it must come to be."""
        self.assertTrue(harness.wait_until(true, PATIENCE))

    def query(self, *options):
        """Asks the lobby who is there; the CompletedProcess."""
        return subprocess.run([installation.program("lobby"), "--query", self.lobby, *options],
                              capture_output=True, text=True, check=False, timeout=PATIENCE)

    def status(self, *options):
        """Its answer: the rows by the workers' names; readers are left out."""
        rows = json.loads(self.query(*options).stdout or "[]")
        return {row["name"]: row for row in rows if row["role"] != "reader"}

    def read(self, capture, out, *options):
        """Starts a reader; its process, to which "-" may be fed."""
        process = subprocess.Popen(
            [installation.program("reader"), "--join", self.lobby, "--profile", self.profile,
             "--out", out, "--quiet", *map(str, options), "--", capture],
            env=dict(os.environ, TZ="UTC", TMPDIR=self.folder), stdin=subprocess.PIPE, bufsize=0,
            stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def finish(reader):
        """Waits for a reader; its exit status and what it said."""
        _, said = reader.communicate(timeout=harness.PATIENCE)
        return reader.returncode, said.decode()

    def played(self, capture, out, *options, status=0):
        """Plays a capture, which must end with this status; what the reader said."""
        ended, said = self.finish(self.read(capture, out, *options))
        self.assertEqual(ended, status, said)
        return said

    def leave(self, name):
        """Tells a worker to leave."""
        self.workers[name].send_signal(signal.SIGTERM)
