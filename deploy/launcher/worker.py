"""One program of a pipeline, and its successors under the same name."""
import signal
import subprocess
import sys
import time

from launcher.status import Failure, PIPELINE, WRONG_USE

# A worker that died is started again, and its captures are played again by their readers. One that
# dies more often than this is ill.
MOST_DEATHS = 5
DEATHS_SECONDS = 60


def _ended_how(code):
    if code < 0:
        return "killed by " + signal.Signals(-code).name
    return f"exit status {code}"


class Worker:
    """A process that is to be there until it is told to go."""

    def __init__(self, name, command, held, log=None):
        self.name = name
        self._command = command
        self._held = held  # descriptors that it inherits, its lifeline among them
        self._log = log  # what its standard error goes to; None: to ours
        self._deaths = []
        self._counted = False  # the present process's death stands in _deaths
        self.process = None
        self.start()

    def start(self):
        """Starts it."""
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stderr=self._log,
                                        pass_fds=self._held)
        self._counted = False

    def died(self):
        """How it ended although it should not have, as a text; None: it is well."""
        if self.process.poll() is None:
            return None
        return f"{self.name} died ({_ended_how(self.process.returncode)})"

    def mend(self):
        """Starts it again where it has died; a Failure where that is no use, or was done too often
        of late."""
        how = self.died()
        if how is None:
            return None
        if self.process.returncode == WRONG_USE:
            # Nor could its successor.
            return Failure(WRONG_USE, f"{self.name} cannot work like this (see above)")
        now = time.monotonic()
        if not self._counted:
            self._deaths.append(now)
            self._counted = True
        self._deaths = [t for t in self._deaths if now - t < DEATHS_SECONDS]
        if len(self._deaths) > MOST_DEATHS:
            return Failure(PIPELINE, f"{how}, for the {len(self._deaths)}th time within "
                                     f"{DEATHS_SECONDS} seconds")
        self.start()
        print(f"tapline: {how} and is started again", file=sys.stderr, flush=True)
        return None
