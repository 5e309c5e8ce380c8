"""`tapline scale`: changes how many there are of a stage, while captures pass."""
import re

from launcher import down, runtime, standing, topology, up
from launcher.hosts import Hosts
from launcher.pipeline import WORKERS
from launcher.status import DONE, Failure, WRONG_USE

CHANGE = re.compile(r"(?P<stage>[a-z]+)=(?P<sign>[+-]?)(?P<count>\d{1,4})(?:@(?P<host>\S+))?")


def _hosts_of(plan, role):
    """How many workers of a role each of its hosts has, in the table's order."""
    of_role = {name: plan["workers"][name] for name in standing.workers_of(plan, role)}
    return {host: len(names) for host, names in standing.by_host(of_role).items()}


def _join(plan, role, count, host):
    """Adds workers to the plan, each where there are fewest; their names."""
    names = []
    for _ in range(count):
        counts = _hosts_of(plan, role)
        names.append(standing.new_worker(plan, role, host or min(counts, key=counts.get)))
    return names


def _part(plan, role, count, host):
    """Takes workers out of the plan, each where there are most, the latest first; them."""
    parting = {}
    for _ in range(count):
        counts = _hosts_of(plan, role)
        there = host or max(counts, key=counts.get)
        name = standing.workers_of(plan, role, there)[-1]
        parting[name] = plan["workers"].pop(name)
    return parting


def _host(plan, word):
    """The name of a host, which is added to the plan where it is a new one."""
    try:
        name, target = topology.host_of(word)
    except topology.Fault as fault:
        raise Failure(WRONG_USE, str(fault)) from None
    if name not in plan["hosts"]:
        if not plan["lobby"].startswith("tcp://"):
            raise Failure(WRONG_USE, f"{word}: other hosts cannot reach this lobby; it needs an "
                                     "address in the topology (`lobby 1 here ADDRESS:PORT`)")
        standing.new_host(plan, name, topology.Host(target))
    return name


def _one(plan, word):
    """Makes one change in the plan; the names of those that join, and those that part."""
    match = CHANGE.fullmatch(word)
    if not match or match["stage"] not in WORKERS:
        raise Failure(WRONG_USE, f"{word}: a change is STAGE=N, STAGE=+N or STAGE=-N, and perhaps "
                                 f"@HOST behind it; a stage is one of {', '.join(WORKERS)}")
    role, count = match["stage"], int(match["count"])
    host = _host(plan, match["host"]) if match["host"] else None
    there = len(standing.workers_of(plan, role, host))
    more = {"": count - there, "+": count, "-": -count}[match["sign"]]
    total = len(standing.workers_of(plan, role)) + more
    if there + more < 0 or not 0 < total <= topology.MOST:
        raise Failure(WRONG_USE, f"{word}: there are {there}; a pipeline has 1 to "
                                 f"{topology.MOST} of each stage")
    if more >= 0:
        return _join(plan, role, more, host), {}
    return [], _part(plan, role, -more, host)


def _bring_in(plan, names):
    """Starts these workers; where one does not come, none of them stays, and no new host."""
    before = list(plan["tended"])
    try:
        hosts = {plan["workers"][name]["host"] for name in names}
        up.start_hosts(plan, sorted(hosts - set(before)))
        up.start_workers(plan, names)
        up.wait_for(plan, names)
    except BaseException as cause:
        parting = {name: plan["workers"].pop(name) for name in names}
        down.end({**plan, "tended": [host for host in plan["tended"] if host not in before]}, cause)
        plan["tended"] = before
        _send_away(plan, {n: worker for n, worker in parting.items() if worker["host"] in before})
        raise


def _send_away(plan, parting):
    """Tells these workers to finish what they have, and to go. Those whose host could not be told
    are put back into the plan; the Failures."""
    told = Hosts(plan).ask_all({host: {"verb": "leave", "names": names}
                                for host, names in standing.by_host(parting).items()})
    failed = {host: reply for host, reply in told.items() if isinstance(reply, Failure)}
    plan["workers"] |= {n: worker for n, worker in parting.items() if worker["host"] in failed}
    return list(failed.values())


def command(arguments):
    """Runs it; the exit status."""
    with runtime.Claim(arguments.file):
        plan = standing.running(arguments.file)
        joining, parting = [], {}
        for word in arguments.changes:
            more, fewer = _one(plan, word)
            joining += more
            parting |= fewer
        if set(joining) & set(parting):
            raise Failure(WRONG_USE, "a stage is to grow and to shrink: give it one change")
        standing.check_taps(plan)
        try:
            _bring_in(plan, joining)
        except BaseException:
            plan["workers"] |= parting
            runtime.save(plan)
            raise
        failures = _send_away(plan, parting)
        runtime.save(plan)
        if failures:
            raise failures[0]
    for name in joining:
        print(f"{name} is there")
    for name in parting:
        print(f"{name} finishes what it has, and leaves")
    return DONE
