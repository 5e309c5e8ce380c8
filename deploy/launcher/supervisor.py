"""What stays on each host of a standing pipeline: starts its workers, and starts again who died.

It is told what to do over a socket in its folder, one JSON line at a time, by `tapline tend`, which
the other commands run on its host. Its workers are its children, whose numbers nobody else can get
while it has not waited for them; and they hold its lifeline, so that they end when it does.
"""
import glob
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

from launcher import installation, keys, runtime
from launcher.status import Failure, OUTPUT, WRONG_USE
from launcher.worker import Worker

LOOK_SECONDS = 0.25  # between two looks at the workers
TALK_SECONDS = 10  # how long a request may take to come in
STOP_SECONDS = 5
REQUEST_MOST = 1 << 20
LOG_MOST = 256 << 10  # bytes of a worker's messages; as many earlier ones are kept
CAUSE_MOST = 400  # characters of them that stand in an answer


class Log:
    """What a worker says on its standard error: a file, and the one before it."""

    def __init__(self, path):
        self._path = path
        self.file = open(path, "ab", buffering=0)  # appended to, so that it can be cut

    def bound(self):
        """Lays it by where it has grown too long; what is said at that moment may be lost."""
        if os.fstat(self.file.fileno()).st_size <= LOG_MOST:
            return
        try:
            shutil.copyfile(self._path, self._path + ".1")
        except OSError:
            pass  # the disk is full: all the more it must be cut
        self.file.truncate(0)

    def remove(self):
        """Takes both files away."""
        self.file.close()
        for path in glob.glob(glob.escape(self._path) + "*"):
            os.unlink(path)

    def last(self):
        """The last line; "": there is none."""
        with open(self._path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - CAUSE_MOST))
            lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line), "")


class Charge:
    """A worker in this process's care."""

    def __init__(self, name, role, worker, log):
        self.name = name
        self.role = role
        self.worker = worker
        self.log = log
        self.leaving = False
        self.ill = None  # the error because of which it is not started again just now
        self.deaths = 0

    def look(self):
        """Starts it again where it has died; False: it has left, as it was told."""
        self.log.bound()
        how = self.worker.died()
        if self.leaving:
            return how is None
        if how and not self.ill:
            self.deaths += 1
        try:
            self.ill = self.worker.mend() if how else None
        except OSError as error:  # tried again: the program is being replaced, or memory is short
            self.ill = error
        return True

    def leave(self):
        """Tells it to finish what it has, and to go."""
        self.leaving = True
        if not self.worker.died():
            self.worker.process.terminate()

    def told(self):
        """It, as the launcher is told of it."""
        state = "leaving" if self.leaving else "ill" if self.ill else "up"
        refuses = isinstance(self.ill, Failure) and self.ill.status == WRONG_USE
        return {"name": self.name, "role": self.role, "state": state, "deaths": self.deaths,
                "refuses": refuses,  # its options
                "cause": self.log.last() if self.deaths else ""}


class Supervisor:
    """The process's state; `setup` is what the launcher said of this host."""

    def __init__(self, folder, setup, listener, log):
        self._folder = folder
        self._log = log
        self._setup = setup
        self._listener = listener
        self._charges = {}
        self._lifeline, self._hold = os.pipe()
        self._ending = False

    def serve(self):
        """Lives until it is told to end, by a request or a signal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._listener, selectors.EVENT_READ)
                while not self._ending:
                    if selector.select(LOOK_SECONDS):
                        self._answer()
                    for charge in list(self._charges.values()):
                        if not charge.look():
                            del self._charges[charge.name]
                            charge.log.remove()
                    self._log.bound()
        finally:
            self._stop()

    def _on_end(self, *_):
        self._ending = True

    def _answer(self):
        try:
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(TALK_SECONDS)
                reply = self._reply(json.loads(receive(connection)))
                connection.sendall(json.dumps(reply).encode() + b"\n")
        except (OSError, ValueError) as error:
            print(f"tapline: a request was passed over: {error}", file=sys.stderr, flush=True)

    def _reply(self, request):
        try:
            return self._do(request)
        except (Failure, OSError) as error:
            return {"error": str(error)}
        except (KeyError, TypeError) as error:
            return {"error": f"a request that is not understood ({error!r}): is tapline of the "
                             "same version on all hosts?"}

    def _do(self, request):
        verb = request["verb"]
        if verb == "add":
            for worker in request["workers"]:
                self._add(**worker)
        elif verb == "leave":
            for name in request["names"]:
                if name in self._charges:
                    self._charges[name].leave()
        elif verb == "allow":
            keys.write_list(os.path.join(self._folder, "allowed"), request["keys"])
        elif verb == "end":
            self._ending = True
        return {"key": self._setup["public"],
                "workers": [charge.told() for charge in self._charges.values()]}

    def _add(self, name, role, words):
        if role == "sink":
            _make_root(self._setup["root"])
        log = Log(os.path.join(self._folder, "logs", name + ".log"))
        own = [] if role == "lobby" else ["--name", name, *self._setup["joining"]]
        command = [installation.program(role), "--join", self._setup["lobby"], *own,
                   "--lifeline", str(self._lifeline), *self._setup["words"],
                   *(os.path.expanduser(word) for word in words)]
        self._charges[name] = Charge(name, role, Worker(name, command, [self._lifeline], log.file),
                                     log)

    def _stop(self):
        """Whoever is still there ends at once; the folder goes with them."""
        os.close(self._hold)
        deadline = time.monotonic() + STOP_SECONDS
        for process in [charge.worker.process for charge in self._charges.values()]:
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        runtime.remove(self._folder)


def receive(connection):
    """One line from the other side of a socket; ValueError where it is too long or broken off."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = connection.recv(65536)
        line += chunk
        if not chunk or len(line) > REQUEST_MOST:
            raise ValueError("a message that is not whole")
    return line


def _make_root(root):
    try:
        os.makedirs(os.path.expanduser(root), exist_ok=True)
    except OSError as error:
        raise Failure(OUTPUT, f"the topology's `root {root}` cannot be made: {error.filename}: "
                              f"{error.strerror}") from None


def _security(folder, setup):
    """What keeps strangers from this host's programs: the options of all of them, those of workers,
    and the host's public key; "": it has none."""
    if not setup["lobby"].startswith("tcp://"):
        return [], [], ""
    if not setup["guarded"]:
        return ["--insecure"], [], ""
    secret = keys.secret_file(keys.folder_of(setup["keys"]), setup["key"], setup["host"])
    public = keys.public_text(secret + ".pub")
    allowed, lobby = os.path.join(folder, "allowed"), os.path.join(folder, "lobby.pub")
    keys.write_list(allowed, setup["allowed"])
    keys.write_file(lobby, setup["lobby_key"] or public)
    return ["--key", secret, "--allow", allowed], ["--lobby-key", lobby], public


def prepare(folder, setup):
    """Makes a host's folder and what its workers are to find there."""
    runtime.make(folder)
    for name in ("logs", "bus"):
        os.mkdir(os.path.join(folder, name), 0o700)
    words, joining, public = _security(folder, setup)
    if setup["address"]:
        joining += ["--inbox", f"tcp://{setup['address']}:*"]
    return {**setup, "words": words, "joining": joining, "public": public}


def start(folder, setup):
    """Leaves a supervisor behind that serves `folder`; it listens when this returns."""
    setup = prepare(folder, setup)
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(folder)  # the socket's whole path may be longer than a socket's may be
    listener.bind("control")
    listener.listen(16)
    if os.fork():
        listener.close()
        return
    try:
        os.setsid()
        os.chdir("/")
        with open(os.path.join(folder, runtime.MARK), "w", encoding="ascii") as file:
            json.dump(runtime.mark_of(os.getpid()), file)
        log = Log(os.path.join(folder, "logs", "supervisor.log"))
        with open(os.devnull, "rb") as nowhere:
            os.dup2(nowhere.fileno(), 0)
        os.dup2(log.file.fileno(), 1)
        os.dup2(log.file.fileno(), 2)
        Supervisor(folder, setup, listener, log).serve()
    except BaseException:  # nobody is above it who could say this
        traceback.print_exc()
    finally:
        os._exit(0)
