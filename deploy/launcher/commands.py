"""The command line: which words mean what. The old tool's spelling is understood too."""
import argparse
import importlib
import os
import signal
import sys

from launcher import tap_options
from launcher.status import DONE, Failure, INTERRUPTED, WRONG_USE

LIMITS_NOTE = """Limits that can change a record (--tcp-idle, --udp-idle, --probe-segments and
others: see tapline-reader --help) may follow in any place; each takes one value."""


def _of(module, name="command"):
    """A command whose module is loaded when it is called: all of them together take longer to load
    than a small capture to read."""
    def command(*arguments):
        return getattr(importlib.import_module("launcher." + module), name)(*arguments)
    return command


class Version(argparse.Action):
    """Asks the programs for their version, and only where it is wanted."""

    def __call__(self, parser, *_):
        print("tapline", _of("run", "version")())
        parser.exit()


def _profile(parser):
    parser.add_argument("-cp", metavar="PROFILE", default="any",
                        help="tt (Tiptime), wxy (OneThing Cloud), any (the default), or a "
                             "platform file of your own")


def _filter(parser):
    parser.add_argument("--filter", metavar="EXPRESSION",
                        help="take only the packets that match it, as tcpdump does (see "
                             "pcap-filter(7)); one with a VLAN tag matches \"vlan and ...\" only")


def _width(text):
    """-j: a count, or one for every two processors."""
    if text == "auto":
        return max(1, (os.cpu_count() or 1) // 2)
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 to 256, or auto")
    return int(text)


def _workers(parser):
    parser.add_argument("--via", metavar="FILE",
                        help="use the standing pipeline that `tapline up FILE` started; OUT lies "
                             "below its root")
    parser.add_argument("-j", metavar="N", dest="width", type=_width,
                        help="how many trackers, classifiers and extractors each share the work "
                             "(1); auto: by this machine's processors")
    parser.add_argument("--batch", metavar="BYTES", help="size of the batches on the bus")
    parser.add_argument("--queue", metavar="BYTES", help="what may wait on one link")


def _run_parser(commands):
    parser = commands.add_parser(
        "run", help="one capture (or several as one) to a directory of records",
        usage="tapline run CAPTURE... OUT [options]",
        description="Runs a private pipeline on CAPTURE... and publishes the records in OUT.",
        epilog=LIMITS_NOTE)
    parser.add_argument("captures", nargs="+", metavar="CAPTURE",
                        help="pcap or pcapng, also gzip or zstd; - is standard input; several "
                             "are merged by time")
    parser.add_argument("out", metavar="OUT", help="the results: absent, empty, or earlier results")
    _profile(parser)
    _filter(parser)
    _workers(parser)
    tap_options.add_to(parser)
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--quiet", action="store_true", help="no progress, no summary")
    said.add_argument("--json", action="store_true", help="the summary as one JSON object")
    parser.set_defaults(command=_of("run"))


def _batch_parser(commands):
    parser = commands.add_parser(
        "batch", help="every capture of a node between two dates",
        usage="tapline batch -src_dir DIR -ip IP -sd DATE -ed DATE -dst_dir OUT [options]",
        description="Runs every capture below DIR/IP/tcpdump/<date>/, sd <= date <= ed; its "
                    "records go to OUT/IP/<date>/<capture's name>/. What is done is passed over.",
        epilog=LIMITS_NOTE)
    parser.add_argument("-src_dir", metavar="DIR", required=True)
    parser.add_argument("-ip", metavar="IP", required=True, help="the node: a folder below DIR")
    parser.add_argument("-sd", metavar="YYYYMMDD", required=True, help="first date")
    parser.add_argument("-ed", metavar="YYYYMMDD", required=True, help="last date")
    parser.add_argument("-dst_dir", metavar="OUT", required=True)
    parser.add_argument("--jobs", metavar="N", type=int,
                        help="captures under way at once (2 large ones, up to 16 small ones)")
    _profile(parser)
    _filter(parser)
    _workers(parser)
    said = parser.add_mutually_exclusive_group()
    said.add_argument("--quiet", action="store_true", help="no progress, no table")
    said.add_argument("--json", action="store_true", help="the closing table as one JSON object")
    parser.set_defaults(command=_of("batch"))


def _plan_parser(commands):
    parser = commands.add_parser(
        "plan", help="how many of each stage a sensor of some rate needs",
        description="Plays CAPTURE... through a private pipeline until the costs are known, and "
                    "says how many processes of each stage carry 10, 40 and 100 Gbit/s of such "
                    "traffic on this machine. A capture of a million packets or more says most.")
    parser.add_argument("captures", nargs="+", metavar="CAPTURE")
    parser.add_argument("--gbit", metavar="RATES", default="10,40,100",
                        help="the rates, in Gbit/s, with commas between (10,40,100)")
    parser.add_argument("--load", metavar="SHARE", type=float, default=0.7,
                        help="how busy a processor may be (0.7)")
    parser.add_argument("--json", action="store_true", help="the findings as one JSON object")
    _profile(parser)
    parser.set_defaults(command=_of("plan"))


def _file(parser):
    parser.add_argument("file", metavar="FILE", help="the topology (deploy/topologies/README.md)")


def _up_parser(commands):
    parser = commands.add_parser(
        "up", help="start a standing pipeline, here and on other hosts",
        description="Starts what a topology says, on this machine and by ssh on others "
                    "(TAPLINE_RSH names another remote shell), and leaves it running when all have "
                    "joined. Of a pipeline that is up it starts again the hosts that were lost.")
    _file(parser)
    parser.set_defaults(command=_of("up"))


def _down_parser(commands):
    parser = commands.add_parser(
        "down", help="let a standing pipeline finish what it has, and end it",
        description="Captures under way are finished, new ones are not taken; then everything "
                    "ends, on every host, and leaves nothing behind.")
    _file(parser)
    parser.add_argument("--forget", action="store_true",
                        help="also where a host cannot be reached and told")
    parser.set_defaults(command=_of("down"))


def _status_parser(commands):
    parser = commands.add_parser(
        "status", help="who works in a standing pipeline, and how much",
        description="Each worker with host, state, bytes in and out a second, queue, memory, lag, "
                    "captures and open flows.")
    _file(parser)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    shown.add_argument("--json", action="store_true", help="all that is known, as JSON")
    parser.set_defaults(command=_of("table"))


def _scale_parser(commands):
    parser = commands.add_parser(
        "scale", help="change how many there are of a stage, while captures pass",
        description="classifier=4: so many in all; classifier=+2@edge2: two more on a host; "
                    "classifier=-1: one less. Who leaves finishes what it has.")
    _file(parser)
    parser.add_argument("changes", nargs="+", metavar="STAGE=N[@HOST]")
    parser.set_defaults(command=_of("scale"))


def _keys_parser(commands):
    parser = commands.add_parser(
        "keys", help="make keys for pipelines over several machines, and say whose may connect",
        description="TCP beyond this machine needs keys: who connects must have one that is "
                    "allowed. What is allowed or revoked holds at once, for new connections, in "
                    "whatever `tapline up` has running with these keys, on all its hosts.")
    parser.add_argument("--keys", metavar="DIR",
                        help="the keys' folder (~/.config/tapline/keys)")
    deeds = parser.add_subparsers(metavar="new|allow|revoke|list", required=True)
    deed = deeds.add_parser("new", help="make a key; prints the file of its public half")
    deed.add_argument("name", metavar="NAME")
    deed.set_defaults(command=_of("key_commands", "new"))
    deed = deeds.add_parser("allow", help="let in whoever has the secret half of this")
    deed.add_argument("file", metavar="PUBLIC-KEY-FILE")
    deed.set_defaults(command=_of("key_commands", "allow"))
    deed = deeds.add_parser("revoke", help="let it in no more")
    deed.add_argument("key", metavar="NAME-or-FILE")
    deed.set_defaults(command=_of("key_commands", "revoke"))
    deeds.add_parser("list", help="every key here").set_defaults(
        command=_of("key_commands", "show"))


def _tap_parser(commands):
    tap_options.add_command(commands, _of("tap"))


COMMANDS = {"run": _run_parser, "batch": _batch_parser, "tap": _tap_parser, "plan": _plan_parser,
            "up": _up_parser, "down": _down_parser, "status": _status_parser,
            "scale": _scale_parser, "keys": _keys_parser}


def _parser(words):
    """What understands these words: of a command that they name it knows that one only, as all of
    them take a while to describe."""
    parser = argparse.ArgumentParser(
        prog="tapline", description="Says what the traffic in a capture was.",
        epilog="The old tool's words work as well: tapline -sp CAPTURE -dp OUT -cp tt|wxy|any")
    parser.add_argument("--version", action=Version, nargs=0, help="the version")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, prog=parser.prog)
    for name in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        COMMANDS[name](commands)
    return parser


def _from_old_words(words):
    """`-sp CAPTURE -dp OUT ...` is `run CAPTURE OUT ...`."""
    old = argparse.ArgumentParser(prog="tapline", add_help=False, allow_abbrev=False)
    old.add_argument("-sp", metavar="CAPTURE", required=True)
    old.add_argument("-dp", metavar="OUT", required=True)
    known, rest = old.parse_known_args(words[1:] if words[0] == "run" else words)
    return ["run", known.sp, known.dp, *rest]


OURS = {"--help", "--version", "--quiet", "--json", "--batch", "--queue", "--jobs", "--filter",
        *tap_options.OF_SINK, "--via"}
LIMITED = ("run", "batch")  # the commands that take limits


def _split_limits(words):
    """Takes out the limits, which the reader knows and checks: `--name VALUE` each."""
    ours, limits, at = [], [], 0
    while at < len(words):
        word = words[at]
        name = word.partition("=")[0]
        if word == "--":
            return ours + words[at:], limits
        if not name.startswith("--") or name in OURS:
            ours.append(word)
        else:
            limits.append(word)
            if "=" not in word:
                at += 1
                if at == len(words):
                    raise Failure(WRONG_USE, f"{word} takes a value, if it is a limit (see "
                                             "tapline-reader --help); the other options are in "
                                             f"tapline {words[0]} --help")
                limits.append(words[at])
        at += 1
    return ours, limits


def _open_missing_streams():
    """Standard streams that were closed lead nowhere: a pipe of ours must not take their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")


def _command(words):
    if words == ["tend"]:  # what the others run on each host; no command for people
        return _of("tend")()
    if not words:
        _parser(words).print_help(sys.stderr)
        return WRONG_USE
    if words and words[0] in LIMITED:
        words, limits = _split_limits(words)
        arguments = _parser(words).parse_args(words)
        if arguments.filter is not None:
            limits = ["--filter", arguments.filter, *limits]
        return arguments.command(arguments, limits)
    arguments = _parser(words).parse_args(words)
    return arguments.command(arguments)


def main(words):
    """Runs one command; its exit status."""
    _open_missing_streams()
    try:
        # A plain kill ends the command as Ctrl-C does: through the contexts that clean up.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if any(word in ("-sp", "-dp") for word in words):
            words = _from_old_words(words)
        try:
            return _command(words)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DONE
    except Failure as failure:
        print(f"tapline: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return INTERRUPTED
