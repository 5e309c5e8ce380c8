"""What plays captures into a pipeline, whether that is private or standing."""
import os
import select
import subprocess

from launcher import installation
from launcher.status import Failure

STOP_SECONDS = 5


class Run:
    """One capture on its way through a pipeline: a reader, and what it says at the end."""

    def __init__(self, process, summary):
        self.process = process
        self._summary = summary  # the reading end of a pipe
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


class Readers:
    """Use as a context: every process is gone behind it, whatever happened.

    Each process holds the reading end of the lifeline, a pipe whose writing end only this
    process has: were it killed, the pipe would end, and they with it. And each holds the writing
    end of a pipe that ends when all of them have ended.
    """

    def __init__(self, joining=(), stop_seconds=STOP_SECONDS):
        self._joining = list(joining)  # a reader's options: which pipeline, and how to get in
        self._stop_seconds = stop_seconds  # what all may take to end, when everything went well
        self._readers = []

    def __enter__(self):
        self._lifeline, self._hold = os.pipe()
        self._ended, self._there = os.pipe()
        return self

    def _held(self):
        """What each process inherits."""
        return self._lifeline, self._there

    def _command(self, role, arguments):
        return [installation.program(role), *self._joining, "--lifeline", str(self._lifeline),
                *arguments]

    def _expected(self):
        """A reader's options: how many workers to wait for."""
        return []

    def _start_reader(self, profile, arguments, passed=(), **streams):
        document = os.memfd_create("profile")
        os.write(document, profile.encode())
        os.lseek(document, 0, os.SEEK_SET)
        command = self._command("reader", ["--profile", f"/dev/fd/{document}", *self._expected(),
                                           *arguments])
        try:
            process = subprocess.Popen(command, pass_fds=[*self._held(), document, *passed],
                                       **streams)
        finally:
            os.close(document)
        self._readers = [r for r in self._readers if r.poll() is None] + [process]
        return process

    def read(self, captures, out, profile, request, options):
        """Starts a reader on captures; results go to `out`. Returns the Run."""
        summary, writer = os.pipe()
        try:
            process = self._start_reader(
                profile, ["--out", out, "--request", request, "--summary", f"/dev/fd/{writer}",
                          *options, "--", *captures], [writer])
        finally:
            os.close(writer)
        return Run(process, os.fdopen(summary, "rb", buffering=0))

    def read_many(self, profile, request, options, at_once):
        """Starts a reader for captures that are ordered one by one. Returns the process,
        which takes and answers them as jobs.Jobs does."""
        return self._start_reader(
            profile, ["--jobs", "-", "--at-once", str(at_once), "--request", request, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def wait(self, runs, timeout=None):
        """Waits until something of the runs can be read; the finished ones."""
        ready, _, _ = select.select(runs, [], [], timeout)
        return [run for run in ready if run.read()]

    def shown(self, out):
        """The place of results as people are told it, that went to `out`."""
        return os.path.abspath(out)

    def mend(self):
        """Sees to the pipeline's workers; None, or the Failure that is beyond mending."""
        raise NotImplementedError

    def faults(self):
        """Why a standing pipeline does not work, where a host of it is the cause: Failures."""
        return []

    def watch(self, run):
        """Waits for one run; its (status, summary). A worker that keeps dying fails it."""
        while not self.wait([run], timeout=0.1):
            ill = self.mend()
            if ill:
                run.process.terminate()
                run.finish()
                raise Failure(ill.status, f"{ill}; nothing was published")
        return run.finish()

    def _processes(self):
        """All that hang on the lifeline."""
        return self._readers

    def __exit__(self, failure, *_):
        seconds = STOP_SECONDS if failure else self._stop_seconds
        for end in self._hold, self._lifeline, self._there:
            os.close(end)
        try:
            self._wait_for_all(seconds)
        except KeyboardInterrupt:
            self._wait_for_all(0)
            raise
        finally:
            os.close(self._ended)

    def _wait_for_all(self, seconds):
        """Waits until every process has ended; after that time those that are left are killed.
        (Popen.wait would look again and again, later and later.)"""
        ready, _, _ = select.select([self._ended], [], [], seconds)
        for process in self._processes():
            if not ready:
                process.kill()
            process.wait()
