"""What the rounds of chaos share: a capture that comes bit by bit, and the judgement of a run."""
import hashlib
import os
import signal
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness  # noqa: E402  (the path must be known first)

HANGS = 420  # seconds: every limit of the pipeline's own is shorter
FEEDING = 1.0  # seconds that a capture takes to come
LEAST_PAUSE = 0.3  # a stop that short is noticed by nobody; two seconds are waited for, ten are not
PAUSES = (LEAST_PAUSE, 2, 10)
# With queues that are always full, a fault meets senders that wait.
QUEUES = ((), ("--batch", "2k", "--queue", "4k"))


def digest(out):
    """One hash of all results below a directory; None: there are none."""
    if not os.path.isdir(out):
        return None
    total = hashlib.sha256()
    for name, text in sorted(harness.results(out).items()):
        total.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return total.hexdigest()


def feed(capture, pipe):
    """Writes a capture bit by bit, so that a moment within the run can be hit."""
    pieces = 50
    size = len(capture) // pieces + 1
    try:
        for at in range(0, len(capture), size):
            pipe.write(capture[at:at + size])
            time.sleep(FEEDING / pieces)
        pipe.close()
    except OSError:
        pass  # nobody reads any more


def judge(status, said, found, before, wanted):
    """What is wrong with a run that ended so, as a text; None: nothing. `found`, `before` and
    `wanted` are digests: of what is in OUT now, of what was there, of what an undisturbed run
    makes."""
    if status == 0:
        return None if found == wanted else f"other results: {said}"
    if status not in (5, 6):
        return f"exit status {status}: {said}"
    if not said.strip():
        return f"exit status {status} without a cause"
    if found == before or found == wanted and "may be in place" in said:
        return None
    return f"exit status {status}, and OUT was changed: {said}"


def outcome(status, said):
    """How a run ended that was as it should be, in words."""
    if status == -signal.SIGKILL:
        return "a command that was killed"
    return f"exit status {status}" + (" after another attempt" if "played again" in said else "")


def end(process):
    """Waits for a command; its exit status (None: it hangs, and is killed), and what it said."""
    late = threading.Event()

    def give_up():
        late.set()
        process.kill()
    watch = threading.Timer(HANGS, give_up)
    watch.start()
    said = process.stderr.read().decode("utf-8", "replace")
    status = process.wait()
    watch.cancel()
    process.stderr.close()
    return (None if late.is_set() else status), said
