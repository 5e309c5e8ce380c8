"""A standing pipeline, started by its programs: a lobby, and workers that come and go."""
import collections
import json
import os
import signal
import subprocess
import sys
import threading

import harness

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation  # noqa: E402  (the path must be known first)
from launcher.profile import Profile  # noqa: E402

# Where a program runs: words before its command ("ip netns exec NAME"), and its options there.
Host = collections.namedtuple("Host", "prefix options")
HERE = Host((), ())
WORKERS = ("tracker", "classifier", "extractor", "sink")
PATIENCE = 120  # seconds that anything may take on a busy machine
# For the lobby, where nobody is to be lost: a machine may be so busy that an honest worker is not
# heard of for five seconds.
PATIENT = ("--patience", str(PATIENCE))


class Crew:
    """The lobby and the workers of one pipeline, by name; the context's end leaves none of them.

    What they say is kept in `folder`, a file for each, and so is the profile.
    """

    def __init__(self, folder, lobby=None):
        self.folder = folder
        self.lobby = lobby or f"ipc://{folder}/lobby"
        self.profile = os.path.join(folder, "profile.json")
        self.processes = {}
        self._readers = []
        self._started = {}  # name -> how, to do it again
        self._lock = threading.Lock()
        with open(self.profile, "w", encoding="utf-8") as file:
            file.write(Profile("any").document())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (*self.processes.values(), *self._readers):
            if process.poll() is None:
                process.kill()
            process.wait()
        for reader in self._readers:
            for pipe in filter(None, (reader.stdin, reader.stderr)):
                pipe.close()

    def start(self, role, name, *options, host=HERE):
        """Starts a program; its process."""
        named = ["--name", name] if role != "lobby" else []
        command = [*host.prefix, installation.program(role), "--join", self.lobby, *named,
                   *host.options, *options]
        with self._lock, open(self._log(name), "ab") as log:
            self._started[name] = (role, name, *options), host
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
            return self.processes[name]

    def again(self, name):
        """Starts one anew that has ended, or is about to."""
        self.processes[name].wait(PATIENCE)
        words, host = self._started[name]
        return self.start(*words, host=host)

    def up(self, *options, count=1, options_of=None):
        """Starts a lobby and so many of each worker, named classifier-1 and so on; `options`: the
        workers', `options_of`: a role's own. Whether all of them gathered."""
        self.start("lobby", "lobby", *(options_of or {}).get("lobby", ()))
        names = []
        for role in WORKERS:
            for number in range(1, count + 1):
                names.append(f"{role}-{number}")
                self.start(role, names[-1], *options, *(options_of or {}).get(role, ()))
        return self.gathered(*names)

    def read(self, out, *captures, options=(), host=HERE):
        """Starts a reader; its process, whose standard error is a pipe, as is its standard input
        where the capture is "-"."""
        command = [*host.prefix, installation.program("reader"), "--join", self.lobby, "--out", out,
                   "--profile", self.profile, "--quiet", *host.options, *options, "--", *captures]
        reader = subprocess.Popen(
            command, stdin=subprocess.PIPE if "-" in captures else subprocess.DEVNULL, bufsize=0,
            stderr=subprocess.PIPE, env=dict(os.environ, TZ="UTC", TMPDIR=self.folder))
        self._readers.append(reader)
        return reader

    @staticmethod
    def finish(reader, rest=None):
        """Gives a reader the rest of its capture and waits for it; its exit status and what it
        said."""
        _, said = reader.communicate(rest, harness.PATIENCE)
        return reader.returncode, said.decode()

    def query(self, *options, host=HERE):
        """Asks the lobby who is there; the CompletedProcess."""
        return subprocess.run(
            [*host.prefix, installation.program("lobby"), "--query", self.lobby, *host.options,
             *options], capture_output=True, text=True, check=False, timeout=PATIENCE)

    def there(self, *options, host=HERE):
        """Its answer: what it knows of each worker, by name; {} where it does not answer."""
        rows = json.loads(self.query(*options, host=host).stdout or "[]")
        return {row["name"]: row for row in rows if row["role"] != "reader"}

    def gathered(self, *names, options=(), host=HERE):
        """Waits until all of these may be given work; whether it came to that."""
        def ready():
            there = self.there(*options, host=host)
            return all(there.get(name, {"state": "coming"})["state"] != "coming" for name in names)
        return harness.wait_until(ready, PATIENCE)

    def another_lobby(self, *options, host=HERE):
        """Has a new lobby in the place of the one that there is."""
        self.processes["lobby"].kill()
        self.processes["lobby"].wait(PATIENCE)
        self.start("lobby", "lobby", *options, host=host)

    def leave(self, name):
        """Tells a worker to leave, which finishes what it has."""
        self.processes[name].send_signal(signal.SIGTERM)

    def said(self, name):
        """What a program said so far."""
        with open(self._log(name), encoding="utf-8", errors="replace") as log:
            return log.read()

    def _log(self, name):
        return os.path.join(self.folder, name + ".log")


class WithCrew(harness.InFolder):
    """A test with a pipeline of its own, `self.crew`, which is yet to be started."""

    def setUp(self):
        super().setUp()
        self.crew = self.enterContext(Crew(self.folder))

    def up(self, *options, **more):
        """A lobby and workers, all of them there (Crew.up)."""
        self.assertTrue(self.crew.up(*options, **more))

    def until(self, true):
        """Waits until something is so, which it must come to be."""
        self.assertTrue(harness.wait_until(true, PATIENCE))

    def played(self, capture, out, *options, status=0):
        """Plays a capture, which must end with this status; what the reader said."""
        ended, said = self.crew.finish(self.crew.read(out, capture, options=options))
        self.assertEqual(ended, status, said)
        return said
