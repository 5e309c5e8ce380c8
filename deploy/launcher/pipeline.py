"""A private pipeline: five programs and their lobby, in a folder of their own."""
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

from launcher import installation
from launcher.status import Failure, PIPELINE

WORKERS = ("tracker", "classifier", "extractor", "sink")
SHARED_OUT = ("tracker", "classifier", "extractor")  # a capture has one sink
STOP_SECONDS = 5
# A worker that died is started again, and its captures are played again by their readers. One that
# dies more often than this is ill.
MOST_DEATHS = 5
DEATHS_SECONDS = 60


def _ended_how(code):
    if code is not None and code < 0:
        return "killed by " + signal.Signals(-code).name
    return f"exit status {code}"


class Run:
    """One capture on its way through a pipeline: a reader, and what it says at the end."""

    def __init__(self, process, summary, messages):
        self.process = process
        self._summary = summary  # the reading end of a pipe
        self._messages = messages  # a file that its standard error goes to; None: to ours
        self._text = b""

    def fileno(self):
        return self._summary.fileno()

    def read(self):
        """Takes what the reader wrote; True at its end."""
        chunk = os.read(self._summary.fileno(), 65536)
        self._text += chunk
        return not chunk

    def finish(self):
        """Waits for the reader; its exit status and its summary's text."""
        self._summary.close()
        return self.process.wait(), self._text.decode("utf-8", "replace")

    def messages(self):
        """The lines that a finished reader wrote on its standard error, where these were kept."""
        with self._messages as file:
            file.seek(0)
            return file.read().decode("utf-8", "replace")


class Worker:
    """One program of the pipeline, and its successors under the same name."""

    def __init__(self, name, command, lifeline):
        self.name = name
        self._command = command
        self._lifeline = lifeline
        self._deaths = []
        self.process = None
        self.start()

    def start(self):
        """Starts it."""
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                        pass_fds=[self._lifeline])

    def died(self):
        """How it ended although it should not have, as a text; None: it is well."""
        if self.process.poll() is None:
            return None
        return f"{self.name} died ({_ended_how(self.process.returncode)})"

    def mend(self):
        """Starts it again where it has died; a text where that has been done too often."""
        how = self.died()
        if how is None:
            return None
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if now - t < DEATHS_SECONDS] + [now]
        if len(self._deaths) > MOST_DEATHS:
            return f"{how}, for the {len(self._deaths)}th time within {DEATHS_SECONDS} seconds"
        print(f"tapline: {how} and is started again", file=sys.stderr, flush=True)
        self.start()
        return None


class Pipeline:
    """Use as a context: every process is gone behind it, whatever happened.

    Each process holds the reading end of the lifeline, a pipe whose writing end only this
    process has: were it killed, the pipe would end, and they with it.
    """

    def __init__(self, extra=(), width=1, of_role=None):
        self._extra = list(extra)  # options for every worker
        self._of_role = of_role or {}  # role -> options for its workers, made from the folder
        self._width = {role: width if role in SHARED_OUT else 1 for role in WORKERS}
        self.folder = None
        self._workers = []
        self._readers = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tapline-")  # mode 0700
        self._lifeline, self._hold = os.pipe()
        try:
            self._start("lobby", "lobby", [])
            for role in WORKERS:
                own = self._of_role[role](self.folder) if role in self._of_role else []
                for number in range(1, self._width[role] + 1):
                    name = f"{role}-{number}"
                    self._start(role, name, ["--name", name, *self._extra, *own])
        except BaseException:
            self.__exit__()
            raise
        return self

    def _command(self, role, arguments):
        return [installation.program(role), "--join", f"ipc://{self.folder}/lobby",
                "--lifeline", str(self._lifeline), *arguments]

    def _start(self, role, name, arguments):
        self._workers.append(Worker(name, self._command(role, arguments), self._lifeline))

    def read(self, captures, out, profile, request, options, keep_messages=False):
        """Starts a reader on captures; results go to `out`. Returns the Run."""
        messages = tempfile.TemporaryFile() if keep_messages else None
        summary, writer = os.pipe()
        document = os.memfd_create("profile")
        os.write(document, profile.encode())
        os.lseek(document, 0, os.SEEK_SET)
        command = self._command("reader", [
            "--out", out, "--profile", f"/dev/fd/{document}", "--request", request,
            "--summary", f"/dev/fd/{writer}", *self._expected(), *options, "--", *captures])
        try:
            process = subprocess.Popen(command, pass_fds=[self._lifeline, writer, document],
                                       stderr=messages)
        finally:
            os.close(writer)
            os.close(document)
        self._readers = [r for r in self._readers if r.poll() is None] + [process]
        return Run(process, os.fdopen(summary, "rb", buffering=0), messages)

    def _expected(self):
        """Tells a reader how many workers to wait for."""
        return [word for role in WORKERS for word in (f"--{role}s", str(self._width[role]))]

    def wait(self, runs, timeout=None):
        """Waits until something of the runs can be read; the finished ones."""
        ready, _, _ = select.select(runs, [], [], timeout)
        return [run for run in ready if run.read()]

    def workers(self):
        """(name, process) of each, the lobby included."""
        return [(worker.name, worker.process) for worker in self._workers]

    def dead(self):
        """What has ended although it should not have, as a text; None: all are well."""
        return next(filter(None, [worker.died() for worker in self._workers]), None)

    def mend(self):
        """Starts again what has died; None, or as a text what died too often."""
        return next(filter(None, [worker.mend() for worker in self._workers]), None)

    def watch(self, run):
        """Waits for one run; its (status, summary). A worker that keeps dying fails it."""
        while not self.wait([run], timeout=0.1):
            ill = self.mend()
            if ill:
                run.process.terminate()
                run.finish()
                raise Failure(PIPELINE, f"{ill}; nothing was published")
        return run.finish()

    def __exit__(self, *_):
        os.close(self._hold)
        os.close(self._lifeline)
        for process in [*(worker.process for worker in self._workers), *self._readers]:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        try:
            for name in os.listdir(self.folder):
                os.unlink(os.path.join(self.folder, name))
            os.rmdir(self.folder)
        except FileNotFoundError:
            pass  # the last process took it along
