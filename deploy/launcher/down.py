"""`tapline down`: lets a standing pipeline finish what it has, and ends it."""
import sys
import time

from launcher import runtime, standing
from launcher.hosts import Hosts
from launcher.status import DONE, Failure, PIPELINE

LOOK_SECONDS = 0.2
# Who takes captures in leaves first, and has finished them then; the others have nothing any more.
DRAINING = ("tracker", "sink")


def _say(text):
    print(f"tapline: {text}", file=sys.stderr, flush=True)


def end(plan, cause=None):
    """Ends all at once, on every host; the hosts that could not be told, which is said. What is
    `cause` for it will be said anyway, and is not said here."""
    replies = Hosts(plan).ask_all({host: {"verb": "end"} for host in plan["tended"]})
    for host, reply in replies.items():
        if isinstance(reply, Failure) and str(reply) in str(cause):
            _say(f"nobody knows whether anything runs on {host}")
        elif isinstance(reply, Failure):
            _say(f"what runs on {host} may go on: {reply}")
        elif reply["killed"]:
            _say(f"{host}: its supervisor did not answer, and was killed")
    return [host for host, reply in replies.items() if isinstance(reply, Failure)]


def _at_work(plan, hosts):
    """Who of DRAINING is still there, as far as the hosts tell."""
    replies = Hosts(plan).ask_all({host: {"verb": "list"} for host in hosts})
    return [worker["name"] for reply in replies.values() if not isinstance(reply, Failure)
            for worker in reply.get("workers", []) if worker["role"] in DRAINING]


def _is_idle(plan):
    """Does the lobby know of no capture under way, and of nobody who would take another one? Who
    leaves stays for seconds, for those that have not heard of it yet; here there are none."""
    if any(word.startswith("--tap") for word in plan["options"].get("sink", [])):
        return False  # a listener may not have everything yet
    try:
        found = standing.roster(plan)
    except Failure:
        return False
    return all(row["role"] != "reader" and (row["role"] not in DRAINING
                                            or row["state"] == "leaving") for row in found)


def _drain(plan):
    """Has the pipeline take no more captures, and waits until it has finished those it has."""
    hosts = standing.by_host({name: worker for name, worker in plan["workers"].items()
                              if worker["role"] in DRAINING})
    Hosts(plan).ask_all({h: {"verb": "leave", "names": names} for h, names in hosts.items()})
    deadline = time.monotonic() + plan["drain"]
    while True:
        busy = _at_work(plan, hosts)
        if not busy or _is_idle(plan):
            return
        if time.monotonic() > deadline:
            _say(f"{', '.join(busy)}: not finished after {plan['drain']} seconds (`drain` in the "
                 "topology), and ended; captures under way fail")
            return
        time.sleep(LOOK_SECONDS)


def command(arguments):
    """Runs it; the exit status."""
    with runtime.Claim(arguments.file):
        plan = standing.running(arguments.file)
        _drain(plan)
        left = end(plan)
        if left and not arguments.forget:
            plan["tended"] = left
            runtime.save(plan)
            _say(f"`tapline down {arguments.file}` again when they can be reached, or with "
                 "--forget if they never will be")
            return PIPELINE
        runtime.forget(plan)
    return DONE
