"""`tapline up`: starts what a topology says, whole or not at all."""
import time

from launcher import down, keys, runtime, standing, topology
from launcher.hosts import Hosts
from launcher.pipeline import WORKERS
from launcher.status import DONE, Failure, PIPELINE, WRONG_USE

COME_SECONDS = 60  # in which all must have announced themselves
LOOK_SECONDS = 0.1


def _setup(plan, host):
    """What a host's supervisor is to know."""
    place = plan["hosts"][host]
    return {"host": host, "lobby": plan["lobby"], "lobby_key": plan["lobby_key"],
            "address": place["address"], "root": plan["root"], "guarded": plan["guarded"],
            "keys": plan["keys"], "key": place["key"],
            "allowed": _allowed(plan)}


def _allowed(plan):
    return keys.allowed(keys.folder_of(plan["keys"])) if plan["guarded"] else {}


def _ask(plan, requests):
    """What the hosts answer; a Failure also where the key of one will not let it in."""
    replies, allowed = Hosts(plan).must_all(requests), _allowed(plan).values()
    for name, reply in replies.items():
        if plan["guarded"] and reply.get("key") not in allowed:
            raise Failure(WRONG_USE, f"{name}: its key {plan['hosts'][name]['key']} is not "
                                     "allowed; bring its public half (NAME.pub) here, and `tapline "
                                     "keys allow NAME.pub`")
    return replies


def start_hosts(plan, names):
    """Starts their supervisors; their answers."""
    plan["tended"] += names
    runtime.save(plan)
    return _ask(plan, {name: {"verb": "start", "setup": _setup(plan, name)} for name in names})


def start_workers(plan, names):
    """Has the supervisors start these workers."""
    def told(name):
        return {"name": name, "role": plan["workers"][name]["role"],
                "words": standing.options_of(plan, name)}
    hosts = standing.by_host({name: plan["workers"][name] for name in names})
    _ask(plan, {host: {"verb": "add", "workers": [told(name) for name in theirs]}
                for host, theirs in hosts.items()})


def _missing(plan, names):
    """Those of these workers that the lobby does not know, and how that is."""
    try:
        there = {row["name"] for row in standing.roster(plan)}
    except Failure as failure:
        return list(names), str(failure)
    return [n for n in names if n not in there and n != "lobby"], "the lobby has not heard of them"


def _check_deaths(plan, names):
    """A Failure where one of these workers has died."""
    hosts = {plan["workers"][name]["host"] for name in names}
    replies = Hosts(plan).must_all({host: {"verb": "list"} for host in hosts})
    for host, reply in replies.items():
        for worker in reply.get("workers", []):
            if worker["name"] in names and worker["deaths"]:
                raise Failure(PIPELINE, f"{worker['name']} on {host} died: "
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


def _bring_up(plan):
    head = plan["lobby_host"]
    plan["lobby_key"] = start_hosts(plan, [head])[head]["key"]
    if plan["lobby_key"]:
        keys.write_file(runtime.lobby_key(plan), plan["lobby_key"])
    working = {worker["host"] for worker in plan["workers"].values()}
    start_hosts(plan, [host for host in plan["hosts"] if host in working and host != head])
    start_workers(plan, plan["workers"])
    wait_for(plan, plan["workers"])


def _refuse_second(file, plan):
    """Something was brought up by this file: a Failure where it runs, or may run."""
    replies = Hosts(plan).ask_all({host: {"verb": "list"} for host in plan["tended"]})
    for host, reply in replies.items():
        if isinstance(reply, Failure):
            raise Failure(WRONG_USE, f"{file} was brought up before, and nobody knows what runs: "
                                     f"{reply}; `tapline down {file}` ends it")
        if "gone" not in reply:
            raise Failure(WRONG_USE, f"{file} is up already (on {host}): `tapline scale` changes "
                                     "it, `tapline down` ends it")


def _counted(plan):
    counts = [(len(standing.workers_of(plan, role)), role) for role in WORKERS]
    return ", ".join(f"{count} {role}{'s' if count > 1 else ''}" for count, role in counts)


def command(arguments):
    """Runs it; the exit status."""
    plan = standing.planned(topology.read(arguments.file))
    with runtime.Claim(arguments.file):
        before = runtime.load(arguments.file)
        if before:
            _refuse_second(arguments.file, before)
        if plan["guarded"]:
            standing.joining(plan)  # fails where this machine has no key
        try:
            _bring_up(plan)
        except BaseException:
            down.end(plan)
            runtime.forget(plan)
            raise
    print(f"{arguments.file} is up: {_counted(plan)}")
    return DONE
