"""Many captures through one reader process, each ordered by a line and answered by one."""
import json
import os


class Jobs:
    """A `tapline-reader --jobs -`: waited for with select, and not while it is busy."""

    def __init__(self, process):
        self.process = process
        self._orders = b""  # what is not written yet
        self._answers = b""  # what is not a whole line yet
        os.set_blocking(process.stdin.fileno(), False)

    def fileno(self):
        return self.process.stdout.fileno()

    def order(self, key, captures, out):
        """Has captures read as one, with the results in `out`; `key` comes back in the answer."""
        line = json.dumps({"id": key, "captures": captures, "out": out})
        self._orders += line.encode("utf-8", "surrogateescape") + b"\n"
        self.write()

    def write(self):
        """Hands on what it takes of the orders now."""
        try:
            while self._orders:
                self._orders = self._orders[os.write(self.process.stdin.fileno(), self._orders):]
        except (BlockingIOError, BrokenPipeError):
            pass  # later; or it has ended, which read() tells

    def read(self):
        """What it has answered since: [{"id", "status", "messages", "summary"}]; None: it has
        ended, and answers nothing any more."""
        chunk = os.read(self.fileno(), 1 << 20)
        if not chunk:
            return None
        *lines, self._answers = (self._answers + chunk).split(b"\n")
        self.write()
        return [json.loads(line) for line in lines]

    def finish(self):
        """Tells it that there are no more; its exit status."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()
