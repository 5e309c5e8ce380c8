"""What runs is written down in a folder that only its user can read, and found again from there."""
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import stat

from launcher.status import Failure, PIPELINE, WRONG_USE

PLAN, LOBBY_KEY = ".plan", ".lobby.pub"  # hosts' names, which stand beside, begin with no dot
MARK = "mark"  # of a host's supervisor, in the host's folder
# What a folder's path may take of the 107 bytes that a socket's may have; its name takes the rest.
LONGEST = 50


def base():
    """The folder of all that runs here; it need not be there."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    path = (os.path.join(given, "tapline") if given else
            os.path.join(os.environ.get("TMPDIR") or "/tmp", f"tapline-{os.getuid()}"))
    advice = "XDG_RUNTIME_DIR or TMPDIR may name another place"
    if len(path) > LONGEST:
        raise Failure(PIPELINE, f"{path}: too long for the sockets' names; {advice}")
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return path
    except OSError as error:
        raise Failure(PIPELINE, f"{path}: {error.strerror}; {advice}") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Failure(PIPELINE, f"{path}: no folder that you alone may use (mode 0700); {advice}")
    return path


def make(folder):
    """Makes a folder of ours, and those around it that are missing, all for their user alone."""
    for path in (base(), os.path.dirname(folder), folder):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise Failure(PIPELINE, f"{path}: {error.strerror}; XDG_RUNTIME_DIR or TMPDIR may name "
                                    "another place") from None


def identity_of(file):
    """The name under which a topology's pipeline is kept, here and on its hosts."""
    told = f"{socket.gethostname()}\0{os.getuid()}\0{os.path.realpath(file)}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def folder_of(identity, host=None):
    """The folder of a pipeline, or of one of its hosts; it need not be there."""
    return os.path.join(base(), identity, *([host] if host else []))


def remove(folder):
    """Removes a folder, and those around it that are empty then, the base included."""
    shutil.rmtree(folder, ignore_errors=True)
    _remove_empty(os.path.dirname(folder))


def _remove_empty(folder):
    """Removes the folder of a pipeline and the base, where nothing lies in them."""
    for path in (folder, os.path.dirname(folder)):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            continue
        except OSError:
            return


class Claim:
    """Use as a context: while it lasts no other command changes this file's pipeline."""

    def __init__(self, file):
        self._file = file
        self.folder = folder_of(identity_of(file))

    def __enter__(self):
        try:
            make(self.folder)
            self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(self._lock).st_nlink:
                raise FileNotFoundError
        except (BlockingIOError, FileNotFoundError):  # held, or just removed by who held it
            raise Failure(WRONG_USE, f"{self._file}: another command is changing this pipeline; "
                                     "try again when it has ended") from None
        return self

    def __exit__(self, *_):
        _remove_empty(self.folder)
        os.close(self._lock)


def save(plan):
    """Writes a pipeline's plan; who reads it sees the old one or the new one."""
    path = os.path.join(folder_of(plan["identity"]), PLAN)
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(plan, file)
    os.replace(path + ".part", path)


def load(file):
    """The plan of what runs by this file; None: nothing does."""
    try:
        with open(os.path.join(folder_of(identity_of(file)), PLAN), encoding="utf-8") as text:
            return json.load(text)
    except FileNotFoundError:
        return None


def lobby_key(plan):
    """Where the public key of a pipeline's lobby lies on this machine."""
    return os.path.join(folder_of(plan["identity"]), LOBBY_KEY)


def forget(plan):
    """Takes away what was written down of a pipeline."""
    for path in (os.path.join(folder_of(plan["identity"]), PLAN), lobby_key(plan)):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def plans():
    """The plans of all that runs here."""
    found = []
    for name in sorted(os.listdir(base())) if os.path.isdir(base()) else []:
        try:
            with open(os.path.join(base(), name, PLAN), encoding="utf-8") as text:
                found.append(json.load(text))
        except OSError:
            pass  # of another machine's pipeline
    return found


def _started(process):
    """When a process was started, by the system's clock since it was booted; None: it is not."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        return None


def _boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def mark_of(process):
    """What tells this process from a later one of its number."""
    return {"pid": process, "started": _started(process), "boot": _boot()}


class Process:
    """A process by its mark, held by a descriptor: what is done here is done to no other.
    Without a mark it is one that has ended."""

    def __init__(self, mark):
        self._descriptor = None
        try:
            descriptor = os.pidfd_open(mark["pid"]) if mark else None
        except ProcessLookupError:
            return
        if descriptor is None:
            return
        if mark == mark_of(mark["pid"]):
            self._descriptor = descriptor
        else:
            os.close(descriptor)

    def __enter__(self):
        return self

    def gone(self, seconds=0.0):
        """Waits for its end; has it ended?"""
        if self._descriptor is None:
            return True
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def kill(self):
        """Ends it at once."""
        if not self.gone():
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def __exit__(self, *_):
        if self._descriptor is not None:
            os.close(self._descriptor)


def supervisor(folder):
    """The supervisor of a host's folder; there is one in any case, which may have ended."""
    try:
        with open(os.path.join(folder, MARK), encoding="ascii") as file:
            return Process(json.load(file))
    except (OSError, ValueError):
        return Process(None)
