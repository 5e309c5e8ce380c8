"""The words of the tap: what its sink is told, and its listeners."""

# Options of `run` that are the sink's own, each with what argparse is told of it.
OF_SINK = {
    "--tap": {"metavar": "ENDPOINT",
              "help": "publish every record here as it is finished; auto: a socket in the "
                      "pipeline's own folder, which is said on stderr"},
    "--tap-opens": {"action": "store_true",
                    "help": "publish the beginnings of flows, too (flow.open)"},
    "--tap-wait": {"metavar": "N", "help": "start reading when N listeners are there"},
    "--tap-wait-limit": {"metavar": "SECONDS",
                         "help": "how long to wait for them before the run fails (30)"},
    "--tap-policy": {"choices": ("drop", "block"),
                     "help": "a slow listener misses records (drop), or is waited for (block)"},
    "--tap-patience": {"metavar": "SECONDS",
                       "help": "block: a listener that takes nothing for so long is disconnected "
                               "(10)"},
    "--tap-queue": {"metavar": "BYTES", "help": "what may wait for one listener"},
    "--key": {"metavar": "FILE", "help": "the tap's secret key; TCP beyond this machine needs one"},
    "--allow": {"metavar": "DIR", "help": "the public keys (NAME.pub) of who may listen"},
    "--insecure": {"action": "store_true", "help": "let anybody listen who can reach a plain tap"},
}
OF_LISTENER = {
    "--connect": {"metavar": "ENDPOINT", "required": True, "action": "append",
                  "help": "the tap that `run --tap ENDPOINT` opened, or will open; again for each "
                          "sink of a pipeline that has several"},
    "--count": {"metavar": "N", "help": "end after N records"},
    "--capture": {"metavar": "ID", "help": "of this capture only"},
    "--key": {"metavar": "FILE", "help": "your secret key, whose public one the tap's side allows"},
    "--tap-key": {"metavar": "FILE", "action": "append",
                  "help": "the tap's public key; once for all, or once for each --connect"},
    "--insecure": {"action": "store_true", "help": "listen over plain TCP beyond this machine"},
}


def add_to(parser):
    """The options of a command that has a sink of its own."""
    group = parser.add_argument_group("the tap (listen with `tapline tap`)")
    for name, meaning in OF_SINK.items():
        group.add_argument(name, **meaning)


def add_command(commands, command):
    """`tapline tap`, which calls `command`."""
    parser = commands.add_parser(
        "tap", help="print a pipeline's records as they happen",
        description="Prints JSON lines: one for every record, with its topic. Topics: flow.open, "
                    "flow.tcp, flow.udp, http, tls.sni, tls.cert, dns, xycdn, capture, stats; "
                    "their beginnings will do (flow, tls). All by default.")
    parser.add_argument("topics", nargs="*", metavar="TOPIC")
    for name, meaning in OF_LISTENER.items():
        parser.add_argument(name, **meaning)
    parser.set_defaults(command=command)
