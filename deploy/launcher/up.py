"""`tapline up`: starts what a topology says, whole or not at all; or a host of it that was lost."""
import time

from launcher import down, keys, runtime, standing, topology
from launcher.hosts import Hosts, allowed_by
from launcher.pipeline import WORKERS
from launcher.status import DONE, Failure, PIPELINE, WRONG_USE

COME_SECONDS = 60  # in which all must have announced themselves
LOOK_SECONDS = 0.1


def _setup(plan, host):
    """What a host's supervisor is to know."""
    place = plan["hosts"][host]
    return {"host": host, "lobby": plan["lobby"], "lobby_key": plan["lobby_key"],
            "address": place["address"], "root": plan["root"], "guarded": plan["guarded"],
            "keys": plan["keys"], "key": place["key"], "allowed": allowed_by(plan)}


def start_hosts(plan, names):
    """Starts their supervisors; their answers."""
    plan["tended"] += names
    runtime.save(plan)
    return Hosts(plan).must_all({name: {"verb": "start", "setup": _setup(plan, name)}
                                 for name in names})


def start_workers(plan, names):
    """Has the supervisors start these workers."""
    def told(name):
        return {"name": name, "role": plan["workers"][name]["role"],
                "words": standing.options_of(plan, name)}
    hosts = standing.by_host({name: plan["workers"][name] for name in names})
    Hosts(plan).must_all({host: {"verb": "add", "workers": [told(name) for name in theirs]}
                          for host, theirs in hosts.items()})


def _missing(plan, names):
    """Those of these workers that are not there yet, and how that is."""
    try:
        states = {"lobby": "up", **{row["name"]: row["state"] for row in standing.roster(plan)}}
    except Failure as failure:
        return list(names), str(failure)
    missing = [name for name in names if states.get(name, "coming") == "coming"]
    if all(name in states for name in missing):
        return missing, ("they have found the lobby, which cannot reach them; do firewalls let it, "
                         "and is the ADDRESS of their host in the topology right?")
    return missing, "the lobby has not heard of them"


def _check_deaths(plan, names):
    """A Failure where one of these workers has died."""
    hosts = {plan["workers"][name]["host"] for name in names}
    replies = Hosts(plan).must_all({host: {"verb": "list"} for host in hosts})
    for host, reply in replies.items():
        for worker in reply["workers"]:
            if worker["name"] in names and worker["deaths"]:
                status, how = ((WRONG_USE, "cannot work like this") if worker.get("refuses")
                               else (PIPELINE, "died"))
                raise Failure(status, f"{worker['name']} on {host} {how}: "
                                      f"{worker['cause'] or 'it said nothing'}")


def wait_for(plan, names):
    """Waits until these workers have announced themselves; a Failure where one does not."""
    deadline = time.monotonic() + COME_SECONDS
    while True:
        missing, why = _missing(plan, names)
        if not missing:
            return
        _check_deaths(plan, missing)
        if time.monotonic() > deadline:
            raise Failure(PIPELINE, f"{', '.join(missing)}: not there after {COME_SECONDS} "
                                    f"seconds: {why}")
        time.sleep(LOOK_SECONDS)


def _bring_up(plan, hosts):
    """Starts these hosts, with the workers that the plan has there: all, or none of them."""
    head, before = plan["lobby_host"], list(plan["tended"])
    names = [name for name, worker in plan["workers"].items() if worker["host"] in hosts]
    try:
        if head in hosts:  # the others are told its key
            plan["lobby_key"] = start_hosts(plan, [head])[head]["key"]
        if plan["lobby_key"]:
            keys.write_file(runtime.lobby_key(plan), plan["lobby_key"])
        start_hosts(plan, [host for host in hosts if host != head])
        start_workers(plan, names)
        wait_for(plan, names)
    except BaseException as cause:
        down.end({**plan, "tended": [host for host in plan["tended"] if host not in before]}, cause)
        plan["tended"] = before
        raise


def _lost(file, plan):
    """What was brought up by this file and not ended: its hosts on which nothing runs any more. A
    Failure where there are none, or nobody knows."""
    replies = Hosts(plan).ask_all({host: {"verb": "list"} for host in plan["tended"]})
    for reply in replies.values():
        if isinstance(reply, Failure):
            raise Failure(WRONG_USE, f"{file} was brought up before, and nobody knows what runs: "
                                     f"{reply}; `tapline down {file}` ends it")
    lost = [host for host, reply in replies.items() if "gone" in reply]
    if not lost and replies:
        raise Failure(WRONG_USE, f"{file} is up already: `tapline scale` changes it, `tapline "
                                 "down` ends it")
    return lost


def _counted(plan):
    counts = [(len(standing.workers_of(plan, role)), role) for role in WORKERS]
    return ", ".join(f"{count} {role}{'s' if count > 1 else ''}" for count, role in counts)


def _restore(plan, lost):
    """Starts the lost hosts of a pipeline again."""
    plan["tended"] = [host for host in plan["tended"] if host not in lost]
    try:
        _bring_up(plan, lost)
    finally:
        plan["tended"] += [host for host in lost if host not in plan["tended"]]
        runtime.save(plan)
    print(f"{', '.join(lost)}: up again")


def _begin(file, plan):
    """Starts a whole pipeline."""
    if plan["guarded"]:
        standing.joining(plan)  # fails where this machine has no key
    working = standing.by_host(plan["workers"])
    try:
        _bring_up(plan, [host for host in plan["hosts"] if host in working])
    except BaseException:
        runtime.forget(plan)
        raise
    print(f"{file} is up: {_counted(plan)}")


def command(arguments):
    """Runs it; the exit status."""
    plan = standing.planned(topology.read(arguments.file))
    with runtime.Claim(arguments.file):
        before = runtime.load(arguments.file)
        lost = _lost(arguments.file, before) if before else []
        if before and len(lost) < len(before["tended"]):
            _restore(before, lost)
        else:
            _begin(arguments.file, plan)
    return DONE
