"""`tapline batch`: every capture of a node between two dates, through one pipeline."""
import collections
import datetime
import itertools
import json
import os
import re
import select
import sys
import time

from launcher import run
from launcher.jobs import Jobs
from launcher.profile import Profile
from launcher.progress import BatchProgress
from launcher.request import request_text
from launcher.status import CUT, DONE, Failure, OUTPUT, PIPELINE, WRONG_USE, worst

# What is taken off a capture's name: its kind and its compression, in either order of size.
SUFFIX = re.compile(r"\.(pcap|pcapng|cap|dmp|dump)(\d*)(\.(gz|zst|zstd))?$", re.IGNORECASE)
# Captures under way at once, where nobody says: as many as hold so much together, at least two.
AT_ONCE = 16
AT_ONCE_BYTES = 64 << 20
MOST_AT_ONCE = 256  # that one reader takes

Capture = collections.namedtuple("Capture", "path shown out size")
Outcome = collections.namedtuple("Outcome", "capture status reason")


def _dates(first, last):
    try:
        start, end = (datetime.datetime.strptime(d, "%Y%m%d").date() for d in (first, last))
    except ValueError:
        raise Failure(WRONG_USE, f"-sd {first} -ed {last}: dates are written YYYYMMDD") from None
    if start > end:
        raise Failure(WRONG_USE, f"-sd {first} is later than -ed {last}")
    return start, end


def _days(root, first, last):
    """The date folders in the range: their names, and their dates as YYYYMMDD sorts them."""
    start, end = _dates(first, last)
    try:
        names = sorted(os.listdir(root))
    except OSError as error:
        raise Failure(WRONG_USE, f"{root}: {error.strerror}; captures lie in "
                                 "DIR/IP/tcpdump/<date>/") from None
    for name in names:
        digits = name.replace("-", "").replace("_", "")
        try:
            day = datetime.datetime.strptime(digits, "%Y%m%d").date()
        except ValueError:
            continue
        if start <= day <= end and os.path.isdir(os.path.join(root, name)):
            yield name


def _size(path):
    """A capture's size; it may have been taken away since it was found."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _files(folder):
    """Every file below a folder but hidden ones, as paths relative to it, in order."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = os.path.join(base, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield os.path.relpath(path, folder)


def _targets(files):
    """A folder for the results of each of one day's captures: the name without its suffix, or the
    path where that name is another one's too, or leads into another one's results."""
    short = {f: SUFFIX.sub("", os.path.basename(f)) or os.path.basename(f) for f in files}
    meet = collections.Counter(short.values())
    named = {f for f in files if meet[short[f]] == 1}
    while True:
        taken = {part for f in files if f not in named for part in (f, f.split(os.sep)[0])}
        in_the_way = {f for f in named if short[f] in taken}
        if not in_the_way:
            return {f: short[f] if f in named else f for f in files}
        named -= in_the_way


def find(src_dir, ip, first, last, dst_dir):
    """The captures of a node, each with the directory its results go to."""
    root = os.path.join(src_dir, ip, "tcpdump")
    captures = []
    for day in _days(root, first, last):
        for name, target in _targets(list(_files(os.path.join(root, day)))).items():
            path = os.path.join(root, day, name)
            captures.append(Capture(path, os.path.join(day, name),
                                    os.path.join(dst_dir, ip, day, target), _size(path)))
    return captures


def is_done(capture, root, request, version):
    """Are there results of this very capture, asked for in the same way, by this version?"""
    try:
        with open(os.path.join(root, capture.out, "ledger.json"), encoding="utf-8") as ledger:
            told = json.load(ledger)
        status = os.stat(capture.path)
        (source,) = told["sources"]
        return (told["version"] == version and told["request"] == json.loads(request)
                and source["size"] == status.st_size
                and source["mtime_ns"] == status.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):
        return False


class Batch:
    """The captures of one call on their way through one pipeline."""

    def __init__(self, arguments, root, limits):
        self._arguments = arguments
        self._root = root  # what results lie below, as seen from here; "": where they say
        self._profile = Profile(arguments.cp).document()
        self._request = request_text(arguments.cp, self._profile, limits)
        self._shared = run.worker_options(arguments)
        self._options = [*self._shared, *limits]
        self._progress = BatchProgress(sys.stderr, arguments.quiet or arguments.json)
        self._waiting = collections.deque()
        self._under_way = {}  # by the key of its order
        self._keys = itertools.count()
        self._suspects = set()  # captures that a reader died on
        self.outcomes = []
        self.passed_over = 0

    def work(self, captures):
        """Runs them; a pipeline that failed is replaced by a new one for the rest."""
        version = run.version()
        for capture in captures:
            if is_done(capture, self._root, self._request, version):
                self.passed_over += 1
            else:
                self._waiting.append(capture)
        self._progress.begin(len(self._waiting), sum(c.size for c in self._waiting))
        while self._waiting:
            with run.pipeline_of(self._arguments, self._shared) as pipeline:
                while self._waiting and self._through(pipeline):
                    pass
        self._progress.end()

    def _through(self, pipeline):
        """What one reader reads of them; False: the pipeline has failed."""
        jobs = Jobs(pipeline.read_many(self._profile, self._request, self._options,
                                       self._arguments.jobs or AT_ONCE))
        while self._waiting or self._under_way:
            while self._waiting and self._may_start(self._waiting[0]):
                self._start(jobs, self._waiting.popleft())
            ready, _, _ = select.select([jobs], [], [], 0.2)
            answers = jobs.read() if ready else []
            if answers is None:
                status = jobs.finish()
                faults = pipeline.faults() if status == PIPELINE else []
                if faults:
                    self._give_up(Failure(PIPELINE, str(faults[0])))
                    return False
                self._lost(status)
                return True
            for answer in answers:
                for message in answer["messages"]:
                    self._progress.say(f"tapline-reader: {message}\n")
                self._ended(self._under_way.pop(answer["id"]), answer["status"],
                            answer["messages"])
            ill = pipeline.mend()
            if ill:
                jobs.process.terminate()
                jobs.finish()
                self._give_up(ill)
                return False
        jobs.finish()
        return True

    def _may_start(self, capture):
        """Small captures go many at once, large ones by twos; a suspect goes alone."""
        under_way = self._under_way.values()
        if not under_way:
            return True
        if capture in self._suspects or self._suspects.intersection(under_way):
            return False
        if self._arguments.jobs or len(under_way) < 2:
            return len(under_way) < (self._arguments.jobs or AT_ONCE)
        together = capture.size + sum(c.size for c in under_way)
        return len(under_way) < AT_ONCE and together <= AT_ONCE_BYTES

    def _start(self, jobs, capture):
        try:
            if not self._root:  # below a root the sink makes them itself
                os.makedirs(os.path.dirname(capture.out), exist_ok=True)
        except OSError as error:
            self._ended(capture, OUTPUT, [f"{error.filename}: {error.strerror}"])
            return
        key = next(self._keys)
        self._under_way[key] = capture
        jobs.order(key, [capture.path], capture.out)

    def _lost(self, status):
        """The reader died. Its captures are read again, one by one, so that the one that it cannot
        bear, if it was that, is found out."""
        if status == WRONG_USE:
            raise Failure(WRONG_USE, "the reader refuses its options (see above)")
        how = f"killed (signal {-status})" if status < 0 else f"gone (exit status {status})"
        self._progress.say(f"tapline: the reader was {how}; what it had is read again\n")
        again = []
        for capture in self._under_way.values():
            if capture in self._suspects:
                self._ended(capture, PIPELINE, [f"the reader was {how}"])
            else:
                again.append(capture)
        self._under_way.clear()
        self._suspects.update(again)
        self._waiting.extendleft(reversed(again))

    def _give_up(self, ill):
        """The pipeline is beyond mending. A private one is replaced for the rest, unless the next
        would be as ill; a standing one is not."""
        if ill.status == WRONG_USE:
            raise ill
        failed = [*self._under_way.values(), *(self._waiting if self._arguments.via else ())]
        self._under_way.clear()
        if self._arguments.via:
            self._waiting.clear()
        for capture in failed:
            self._ended(capture, ill.status, [str(ill)])

    def _ended(self, capture, status, messages):
        """Books what came of a capture; the last of the messages is why."""
        self._suspects.discard(capture)
        reason = messages[-1].removeprefix("warning: ") if messages and status != DONE else ""
        self.outcomes.append(Outcome(capture, status, reason))
        self._progress.step(capture.size, status not in (DONE, CUT))


def _write_failed(folder, failed):
    """failed.json: what did not come out, and why; gone where everything did."""
    path = os.path.join(folder, "failed.json")
    if not failed:
        if os.path.exists(path):
            os.unlink(path)
        return
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path + ".part", "w", encoding="utf-8") as file:
            for outcome in failed:
                file.write(json.dumps({"capture": outcome.capture.path, "status": outcome.status,
                                       "reason": outcome.reason}, ensure_ascii=False) + "\n")
        os.replace(path + ".part", path)
    except OSError as error:
        raise Failure(OUTPUT, f"{path}: {error.strerror}; what failed is not listed there, and "
                              "-dst_dir must name a folder that can be written to") from None


def _show(table, batch):
    print(f"{table['captures']} captures: {table['done']} done, {table['passed_over']} were done "
          f"already, {table['cut']} broke off, {table['failed']} failed  ({table['seconds']} s)")
    for outcome in batch.outcomes:
        if outcome.status != DONE:
            print(f"  status {outcome.status}  {outcome.capture.shown}: {outcome.reason}")


def command(arguments, limits):
    """Runs it; the worst exit status of the captures."""
    if arguments.jobs is not None and not 1 <= arguments.jobs <= MOST_AT_ONCE:
        raise Failure(WRONG_USE, f"--jobs takes a whole number from 1 to {MOST_AT_ONCE}")
    if arguments.via and (os.path.isabs(arguments.dst_dir)
                          or os.pardir in arguments.dst_dir.split(os.sep)):
        raise Failure(WRONG_USE, f"-dst_dir {arguments.dst_dir}: with --via it lies below the "
                                 "pipeline's root: a relative folder without \"..\"")
    started = time.monotonic()
    captures = find(arguments.src_dir, arguments.ip, arguments.sd, arguments.ed,
                    arguments.dst_dir)
    root = run.root_of(arguments)
    batch = Batch(arguments, root, limits)
    batch.work(captures)
    count = collections.Counter(o.status for o in batch.outcomes)
    batch.outcomes.sort(key=lambda o: o.capture.shown)
    failed = [o for o in batch.outcomes if o.status not in (DONE, CUT)]
    table = {"captures": len(captures), "done": count[DONE], "passed_over": batch.passed_over,
             "cut": count[CUT], "failed": len(failed),
             "seconds": round(time.monotonic() - started, 1)}
    if arguments.json:
        print(json.dumps({**table, "failures": [
            {"capture": o.capture.path, "status": o.status, "reason": o.reason} for o in failed]}))
    elif not arguments.quiet:
        _show(table, batch)
    if not root or os.path.isdir(root):  # else it is another host's
        _write_failed(os.path.join(root, arguments.dst_dir, arguments.ip), failed)
    return worst([o.status for o in batch.outcomes])
