"""A private pipeline: five programs and their lobby, in a folder of their own."""
import contextlib
import os
import shutil
import sys
import tempfile

from launcher.readers import Readers, STOP_SECONDS
from launcher.worker import Worker

WORKERS = ("tracker", "classifier", "extractor", "sink")
SHARED_OUT = ("tracker", "classifier", "extractor")  # a capture has one sink


class Pipeline(Readers):
    """Use as a context: every process and the folder are gone behind it, whatever happened."""

    def __init__(self, extra=(), width=1, of_role=None, stop_seconds=STOP_SECONDS):
        super().__init__(stop_seconds=stop_seconds)
        self._extra = list(extra)  # options for every worker
        self._of_role = of_role or {}  # role -> options for its workers, made from the folder
        self._width = {role: width if role in SHARED_OUT else 1 for role in WORKERS}
        self.folder = None
        self._workers = []

    def __enter__(self):
        super().__enter__()
        self.folder = tempfile.mkdtemp(prefix="tapline-")  # mode 0700
        self._joining = ["--join", f"ipc://{self.folder}/lobby"]
        try:
            self._start("lobby", "lobby", [])
            for role in WORKERS:
                own = self._of_role[role](self.folder) if role in self._of_role else []
                for number in range(1, self._width[role] + 1):
                    name = f"{role}-{number}"
                    self._start(role, name, ["--name", name, *self._extra, *own])
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _start(self, role, name, arguments):
        self._workers.append(Worker(name, self._command(role, arguments), self._held()))

    def _expected(self):
        return [word for role in WORKERS for word in (f"--{role}s", str(self._width[role]))]

    def workers(self):
        """(name, process) of each, the lobby included."""
        return [(worker.name, worker.process) for worker in self._workers]

    def dead(self):
        """What has ended although it should not have, as a text; None: all are well."""
        return next(filter(None, [worker.died() for worker in self._workers]), None)

    def mend(self):
        """Starts again what has died; None, or the Failure of what would only die again."""
        return next(filter(None, [worker.mend() for worker in self._workers]), None)

    def _processes(self):
        return [*(worker.process for worker in self._workers), *self._readers]

    def __exit__(self, failure, *_):
        # Who ends removes the folder where it is empty, and who is still coming up would miss it.
        with contextlib.suppress(OSError):
            open(os.path.join(self.folder, "kept"), "xb").close()
        try:
            super().__exit__(failure)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
