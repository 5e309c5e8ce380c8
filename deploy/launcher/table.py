"""`tapline status`: who works in a standing pipeline, and how much, as a table or as JSON."""
import json
import shutil
import sys
import time

from launcher import runtime, standing
from launcher.hosts import Hosts, allowed_by
from launcher.status import DONE, Failure

REFRESH_SECONDS = 1.0
ORDER = ("lobby", "reader", "tracker", "classifier", "extractor", "sink")
HEADS = ("worker", "host", "state", "in/s", "out/s", "queue", "memory", "lag", "captures", "flows")


def _size(count):
    """Bytes, short: 1.3M."""
    if count < 1000:
        return str(round(count))
    for unit in "kMGT":
        count /= 1000
        if count < 1000:
            break
    return f"{count:.{1 if count < 100 else 0}f}{unit}"


def _plain(text):
    """What a worker calls itself, without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _seconds(nanoseconds):
    return f"{nanoseconds / 1e9:.1f}s"


def rows(plan):
    """Every worker that should be there or is, as a map: what the lobby knows of it (see
    tapline-lobby --query), with `host` as the topology calls it, and state "missing" where the
    lobby knows nothing. Who never stood there has its machine's own name for a host."""
    known = {row["name"]: row for row in standing.roster(plan)}
    found = []
    for name, worker in plan["workers"].items():
        row = known.pop(name, {"name": name, "role": worker["role"], "state": "missing"})
        if worker["role"] == "lobby":
            row["state"] = "up"  # it has answered
        found.append({**row, "host": worker["host"]})
    for name, row in known.items():  # who leaves, readers, and who was joined by hand
        host = standing.host_of(plan, row["role"], name)
        found.append({**row, "host": host} if host else row)
    return sorted(found, key=lambda r: ORDER.index(r["role"]) if r["role"] in ORDER else len(ORDER))


def _cells(row):
    """A row's texts, in the order of HEADS."""
    def told(name, how):
        return how(row[name]) if name in row else ""
    return (told("name", _plain), told("host", _plain), row["state"], told("rate_in", _size),
            told("rate_out", _size), told("queue_bytes", _size), told("memory", _size),
            told("lag_ns", _seconds), told("sessions", str), told("flows", str))


def _lines(found):
    cells = [HEADS, *map(_cells, found)]
    wide = [max(len(line[i]) for line in cells) for i in range(len(HEADS))]
    for line in cells:
        yield "  ".join(f"{text:<{w}}" if i < 3 else f"{text:>{w}}"
                        for i, (text, w) in enumerate(zip(line, wide))).rstrip()


def _causes(plan, found):
    """What is known of workers that are silent or missing, a line each."""
    allowed = allowed_by(plan).values()
    for row in found:
        if plan["guarded"] and row["state"] == "silent" and row["key"] not in allowed:
            yield f"{row['name']}: its key is not allowed any more; `tapline keys allow` lets it in"
    missed, hosts = {row["host"] for row in found if row["state"] == "missing"}, Hosts(plan)
    for host, reply in hosts.ask_all({h: {"verb": "list"} for h in missed}).items():
        fault = hosts.fault(host, reply)
        if fault:
            yield str(fault)
        for worker in [] if fault else reply["workers"]:
            if worker["deaths"]:
                times = f"{worker['deaths']} time{'s' if worker['deaths'] > 1 else ''}"
                yield f"{worker['name']} on {host} died {times}: {worker['cause']}"


def _say(causes):
    for cause in causes:
        print(f"tapline: {cause}", file=sys.stderr)


def _watch(file):
    """Draws the table over and over, until Ctrl-C, or the pipeline's end."""
    terminal = sys.stdout.isatty()
    while plan := runtime.load(file):
        room = shutil.get_terminal_size()
        try:
            lines = [line[:room.columns] for line in _lines(rows(plan))]
        except Failure as failure:  # of the moment, perhaps: the lobby is started again
            lines = [str(failure)]
        if terminal:
            # Home, each line with the rest of the old one erased, and all that was below.
            shown = "".join(line + "\x1b[K\n" for line in lines[:room.lines - 1])
            print("\x1b[H" + shown + "\x1b[J", end="", flush=True)
        else:
            print(*lines, "", sep="\n", flush=True)
        time.sleep(REFRESH_SECONDS)


def command(arguments):
    """Runs it; the exit status."""
    plan = standing.running(arguments.file)
    if arguments.watch:
        try:
            _watch(arguments.file)
        except KeyboardInterrupt:
            pass
        return DONE
    try:
        found = rows(plan)
    except Failure:
        _say(_causes(plan, [plan["workers"]["lobby"] | {"state": "missing"}]))
        raise
    if arguments.json:
        print(json.dumps(found))
    else:
        print(*_lines(found), sep="\n")
        _say(_causes(plan, found))
    return DONE
