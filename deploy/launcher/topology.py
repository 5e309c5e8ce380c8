"""Topologies: plain tables that say what runs where (deploy/topologies/README.md tells how)."""
import dataclasses
import ipaddress
import os
import re

from launcher.pipeline import WORKERS
from launcher.status import Failure, WRONG_USE

HERE = "here"
MOST = 256  # workers in a line
LONGEST = 40  # characters of a host's name, which its workers' names hold
HOST = re.compile(r"(?:(?P<user>[A-Za-z0-9_][\w.-]*)@)?(?P<name>[A-Za-z0-9][\w.-]*)", re.ASCII)
WORD = re.compile(r"[\w./+@:~-]+", re.ASCII)  # no shell on the way sees more in it


@dataclasses.dataclass
class Host:
    """A machine of the table."""
    target: str  # what the remote shell is told; "": this machine
    address: str = ""  # its inboxes' address; "": the one under which it reaches the lobby
    key: str = ""  # the name of its secret key


@dataclasses.dataclass
class Topology:
    """A table as it was read."""
    path: str
    hosts: dict = dataclasses.field(default_factory=dict)  # name -> Host
    counts: dict = dataclasses.field(default_factory=dict)  # (stage, host's name) -> count
    lobby: str = ""  # HOST:PORT; "": a file on this machine
    lobby_host: str = HERE
    root: str = ""
    keys: str = ""  # "": the default folder of each host
    options: dict = dataclasses.field(default_factory=dict)  # stage -> words
    tapline: str = "tapline"
    drain: int = 60
    insecure: bool = False

    def needs_keys(self):
        """Do its sockets lie open to a network?"""
        return bool(self.lobby) and not self.insecure


class Fault(Exception):
    """What is wrong in a line, and what to do."""


def _expect(true, text):
    if not true:
        raise Fault(text)


def host_of(word):
    """(name, target for the remote shell) of a word [USER@]NAME; Fault."""
    match = HOST.fullmatch(word)
    _expect(match and len(match["name"]) <= LONGEST,
            f"{word}: a host is `here`, NAME or USER@NAME, of at most {LONGEST} characters")
    return match["name"], "" if word == HERE else word


def _whole(text, what, least, most):
    _expect(text.isdecimal() and least <= int(text) <= most,
            f"{text}: {what} is a whole number from {least} to {most}")
    return int(text)


def _address(text):
    """Checks an address: a socket is bound to a number, not to a name."""
    version = 6 if text.startswith("[") and text.endswith("]") else 4
    try:
        address = ipaddress.ip_address(text[1:-1] if version == 6 else text)
    except ValueError:
        address = None
    _expect(address and address.version == version and not address.is_unspecified,
            f"{text}: an address is one that others reach, such as 192.0.2.7 or [2001:db8::7]")


def _host(topology, word):
    name, target = host_of(word)
    host = topology.hosts.setdefault(name, Host(target))
    _expect(host.target == target, f"{word} is {host.target} in a line above: a host has one name")
    return name, host


def _lobby(topology, words):
    _expect(len(words) in (2, 3), "a lobby's line is `lobby 1 HOST ADDRESS:PORT`")
    _expect(words[0] == "1", "a pipeline has one lobby: its count is 1")
    _expect(("lobby", topology.lobby_host) not in topology.counts, "there is a lobby above")
    name, _ = _host(topology, words[1])
    _expect(len(words) == 3 or name == HERE,
            f"a lobby on another host needs its address: `lobby 1 {words[1]} ADDRESS:PORT`")
    if len(words) == 3:
        address, _, port = words[2].rpartition(":")
        _expect(address, f"{words[2]}: the lobby's address is ADDRESS:PORT, as in 192.0.2.1:5600")
        _address(address)
        _whole(port, "a port", 1, 65535)
        topology.lobby = words[2]
    topology.lobby_host = name
    topology.counts["lobby", name] = 1


def _stage(topology, stage, words):
    _expect(len(words) in (2, 3), f"a stage's line is `{stage} COUNT HOST`, and perhaps an address")
    count = _whole(words[0], "a count", 1, MOST)
    name, host = _host(topology, words[1])
    _expect((stage, name) not in topology.counts,
            f"{stage} on {name} has a line above: give one count there")
    if len(words) == 3:
        _address(words[2])
        _expect(host.address in ("", words[2]), f"{name} has the address {host.address} above")
        host.address = words[2]
    topology.counts[stage, name] = count


def _folder(words, setting):
    _expect(len(words) == 1 and words[0].startswith(("/", "~/")),
            f"`{setting} DIR` takes one folder's whole path (/srv/tapline, ~/tapline)")
    return words[0]


def _setting(topology, name, words):
    if name in ("root", "keys"):
        setattr(topology, name, _folder(words, name))
    elif name == "key":
        _expect(len(words) == 2, "`key HOST NAME` says which key a host has")
        _expect(HOST.fullmatch(words[1]), f"{words[1]}: no name of a key")
        _host(topology, words[0])[1].key = words[1]
    elif name == "option":
        _expect(len(words) > 1 and words[0] in ("lobby", *WORKERS),
                f"`option STAGE --NAME VALUE...`: STAGE is one of lobby, {', '.join(WORKERS)}")
        topology.options.setdefault(words[0], []).extend(words[1:])
    elif name == "tapline":
        _expect(len(words) == 1 and WORD.fullmatch(words[0]),
                "`tapline COMMAND`: one word, without characters that a shell knows")
        topology.tapline = words[0]
    elif name == "drain":
        _expect(len(words) == 1, "`drain SECONDS`")
        # Who leaves stays for three seconds in any case, until everybody knows.
        topology.drain = _whole(words[0], "drain", 5, 86400)
    else:
        _expect(words == ["yes"], "`insecure yes` sends all in plain text, and lets anybody in")
        topology.insecure = True


SETTINGS = ("root", "keys", "key", "option", "tapline", "drain", "insecure")


def _line(topology, words):
    if words[0] == "lobby":
        _lobby(topology, words[1:])
    elif words[0] in WORKERS:
        _stage(topology, words[0], words[1:])
    elif words[0] in SETTINGS:
        _setting(topology, words[0], words[1:])
    else:
        raise Fault(f"{words[0]}: neither a stage (lobby, {', '.join(WORKERS)}) nor a setting "
                    f"({', '.join(SETTINGS)})")


def _whole_table(topology):
    """What no single line tells."""
    for stage in WORKERS:
        _expect(any(s == stage for s, _ in topology.counts),
                f"there is no {stage}: a pipeline needs one at least, as in `{stage} 1 here`")
    _expect(topology.root, "`root DIR` is missing: the folder that the sinks publish results below")
    working = {name for _, name in topology.counts}
    for name in topology.hosts:
        _expect(name in working or name == HERE, f"`key {name}`: nothing runs on that host")
        _expect(topology.lobby or name == HERE,
                f"{name} is another machine, so the lobby needs an address that is reached from "
                "there: `lobby 1 here ADDRESS:PORT`")
    _expect(topology.lobby or not any(h.address for h in topology.hosts.values()),
            "addresses are for TCP: give the lobby one, too (`lobby 1 here ADDRESS:PORT`)")
    topology.hosts.setdefault(HERE, Host(""))
    topology.counts.setdefault(("lobby", topology.lobby_host), 1)


def read(path):
    """The topology of a file; a Failure that names file, line, what is wrong and what to do."""
    topology = Topology(os.path.realpath(path))
    number = 0
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words = line.partition("#")[0].split()
                if words:
                    _line(topology, words)
        number = 0
        _whole_table(topology)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text"
        raise Failure(WRONG_USE, f"{path}: {reason}; a topology is a file such as "
                                 "deploy/topologies/one-machine.topology") from None
    except Fault as fault:
        where = f"{path}, line {number}" if number else path
        raise Failure(WRONG_USE, f"{where}: {fault}") from None
    return topology
