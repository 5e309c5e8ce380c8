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
from launcher import installation, run  # noqa: E402  (the path must be known first)

# Where a program runs: words before its command ("ip netns exec NAME"), and its options there.
Host = collections.namedtuple("Host", "prefix options")
HERE = Host((), ())
WORKERS = ("tracker", "classifier", "extractor", "sink")


class Crew:
    """The lobby and the workers of one pipeline, by name; the context's end leaves none of them.

    What they say is kept in `folder`, a file for each, and so is the profile.
    """

    def __init__(self, folder, lobby=None):
        self.folder = folder
        self.lobby = lobby or f"ipc://{folder}/lobby.inbox"
        self.processes = {}
        self._readers = []
        self._started = {}  # name -> how, to do it again
        self._lock = threading.Lock()
        self._profile = os.path.join(folder, "profile.json")
        with open(self._profile, "w", encoding="utf-8") as file:
            file.write(run.profile_document("any"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (*self.processes.values(), *self._readers):
            if process.poll() is None:
                process.kill()
            process.wait()

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
        self.processes[name].wait(harness.PATIENCE)
        words, host = self._started[name]
        return self.start(*words, host=host)

    def read(self, out, *captures, options=(), host=HERE, **more):
        """Starts a reader; its process, whose standard error is a pipe."""
        command = [*host.prefix, installation.program("reader"), "--join", self.lobby, "--out", out,
                   "--profile", self._profile, "--quiet", *host.options, *options, *captures]
        reader = subprocess.Popen(command, stderr=subprocess.PIPE,
                                  env=dict(os.environ, TZ="UTC", TMPDIR=self.folder), **more)
        self._readers.append(reader)
        return reader

    def there(self, host=HERE):
        """What the lobby knows of each worker, by name; {} where it does not answer."""
        asked = subprocess.run(
            [*host.prefix, installation.program("lobby"), "--query", self.lobby, *host.options],
            capture_output=True, text=True, check=False, timeout=harness.PATIENCE)
        return {worker["name"]: worker for worker in json.loads(asked.stdout or "[]")}

    def gathered(self, *names, host=HERE):
        """Waits until the lobby knows all of these; whether it came to that."""
        return harness.wait_until(lambda: set(names) <= set(self.there(host)), 60)

    def leave(self, name):
        """Lets one finish what it has, and end; its exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(harness.PATIENCE)

    def said(self, name):
        """What a program said so far."""
        with open(self._log(name), encoding="utf-8", errors="replace") as log:
            return log.read()

    def _log(self, name):
        return os.path.join(self.folder, name + ".log")
