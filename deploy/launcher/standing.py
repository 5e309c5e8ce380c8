"""A standing pipeline as it is written down, its plan: what is to run where, and how one gets in.

The plan is made of the topology when the pipeline is brought up, changed by `scale`, and what all
other commands go by, so that a file that was edited meanwhile confuses none of them.
"""
import json
import os
import socket
import subprocess

from launcher import installation, keys, runtime
from launcher.hosts import Hosts
from launcher.readers import Readers
from launcher.status import Failure, PIPELINE, WRONG_USE
from launcher.topology import HERE

ASK_SECONDS = 30


def planned(topology):
    """The plan of a topology."""
    identity = runtime.identity_of(topology.path)
    folder = runtime.folder_of(identity, HERE)
    plan = {"file": topology.path, "identity": identity, "lobby_host": topology.lobby_host,
            "lobby": f"tcp://{topology.lobby}" if topology.lobby else f"ipc://{folder}/bus/lobby",
            "guarded": topology.needs_keys(), "root": topology.root, "keys": topology.keys,
            "tapline": topology.tapline, "drain": topology.drain, "options": topology.options,
            "hosts": {}, "workers": {},
            "numbers": {},  # the last worker's of each stage and host
            "tended": [],  # the hosts that have a supervisor
            "lobby_key": ""}  # its public one; "": it has none
    for name, host in topology.hosts.items():
        new_host(plan, name, host)
    for (stage, host), count in topology.counts.items():
        for _ in range(count):
            new_worker(plan, stage, host)
    check_taps(plan)
    return plan


def new_host(plan, name, host):
    """Adds a host to the plan. Its key has its own name, where the topology tells no other."""
    own = socket.gethostname().partition(".")[0] if name == HERE else name
    plan["hosts"][name] = {"target": host.target, "address": host.address, "key": host.key or own}


def new_worker(plan, role, host):
    """Adds a worker to the plan; its name, which none had before and none will have again: what was
    meant for one that leaves must not reach another."""
    if role == "lobby":
        name = role
    else:
        number = plan["numbers"].get(f"{role} {host}", 0) + 1
        plan["numbers"][f"{role} {host}"] = number
        name = f"{_stem(role, host)}-{number}"
    plan["workers"][name] = {"role": role, "host": host}
    return name


def _stem(role, host):
    """What the names of a host's workers begin with."""
    return role if host == HERE else f"{role}-{host}"


def host_of(plan, role, name):
    """The host of a worker that new_worker has named, also where the plan has it no more; None: of
    another one."""
    for host in plan["hosts"]:
        stem, _, number = name.rpartition("-")
        last = plan["numbers"].get(f"{role} {host}", 0)
        if stem == _stem(role, host) and number.isdecimal() and int(number) <= last:
            return host
    return None


def workers_of(plan, role=None, host=None):
    """The names of its workers, of one role or on one host where that is given."""
    return [name for name, worker in plan["workers"].items()
            if role in (None, worker["role"]) and host in (None, worker["host"])]


def by_host(workers):
    """The names of workers (as the plan has them), by their hosts."""
    hosts = {}
    for name, worker in workers.items():
        hosts.setdefault(worker["host"], []).append(name)
    return hosts


def options_of(plan, name):
    """A worker's own options. `{name}` in them is its name, so that several can share a line."""
    role = plan["workers"][name]["role"]
    words = ["--root", plan["root"]] if role == "sink" else []
    return words + [word.replace("{name}", name) for word in plan["options"].get(role, [])]


def _value_of(option, words):
    """What an option among words is given, "": it is not there."""
    for word, after in zip(words, [*words[1:], ""]):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else after
    return ""


def check_taps(plan):
    """A Failure where several sinks of a host would publish on one endpoint: one would take it from
    the other, or find it taken."""
    taken = set()
    for name in workers_of(plan, "sink"):
        tap, host = _value_of("--tap", options_of(plan, name)), plan["workers"][name]["host"]
        if (host, tap) in taken:
            raise Failure(WRONG_USE, f"{tap}: sinks on {host} cannot share a tap; in the topology, "
                                     "which `tapline up` reads, `option sink --tap "
                                     "ipc:///run/taps/{name}` gives each its own")
        if tap and not tap.endswith(":*"):
            taken.add((host, tap))


def joining(plan):
    """The options by which a process on this machine gets in."""
    if not plan["lobby"].startswith("tcp://"):
        return []
    if not plan["guarded"]:
        return ["--insecure"]
    folder = keys.folder_of(plan["keys"])
    return ["--key", keys.secret_file(folder, plan["hosts"][HERE]["key"], HERE),
            "--allow", keys.list_of(folder), "--lobby-key", runtime.lobby_key(plan)]


def roster(plan):
    """Who is there, as the lobby says it: a list of maps (see tapline-lobby --query)."""
    try:
        asked = subprocess.run([installation.program("lobby"), "--query", plan["lobby"],
                                *joining(plan)], capture_output=True, text=True,
                               timeout=ASK_SECONDS, check=False)
        if asked.returncode == 0:
            return json.loads(asked.stdout)
        said = asked.stderr.strip()
    except (subprocess.TimeoutExpired, ValueError) as error:
        said = str(error)
    raise Failure(PIPELINE, f"the lobby cannot be asked: {said}")


def running(file):
    """The plan of what runs by a file; a Failure where nothing does."""
    plan = runtime.load(file)
    if plan is None:
        raise Failure(WRONG_USE, f"{file}: no pipeline of this topology runs; `tapline up {file}` "
                                 "starts it")
    return plan


class Standing(Readers):
    """The way into a standing pipeline, in the place of a private one."""

    def __init__(self, file):
        self._file = file
        self._plan = running(file)
        here = runtime.folder_of(self._plan["identity"], HERE)
        with runtime.supervisor(here) as supervisor:
            if HERE in self._plan["tended"] and supervisor.gone():
                raise Hosts(self._plan).fault(HERE, {"gone": True})
        super().__init__(["--join", self._plan["lobby"], *joining(self._plan)])

    def mend(self):
        """Its supervisors see to its workers; there is no help where it was brought down."""
        if runtime.load(self._file):
            return None
        return Failure(PIPELINE, f"{self._file} was brought down")

    def faults(self):
        return Hosts(self._plan).faults()

    def shown(self, out):
        path = os.path.join(self._plan["root"], out)
        hosts = {self._plan["workers"][name]["host"] for name in workers_of(self._plan, "sink")}
        return path if hosts == {HERE} else f"{path} on {' or '.join(sorted(hosts))}"
