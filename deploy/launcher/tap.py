"""The tap: what `tapline run` is asked to publish, and `tapline tap`, which listens."""
import os

from launcher import installation
from launcher.status import Failure, WRONG_USE

OPTIONS = ("tap", "tap_wait", "tap_policy", "tap_patience", "tap_queue",
           "tap_wait_limit")
AUTO = "auto"
# Where listeners are waited for (--tap-policy block), the sink alone knows for how long: it sees
# whether they take anything. The limits of those who wait for the sink are out of its way then.
LISTENERS_SECONDS = 24 * 3600


def asked(arguments):
    """Those of a tap's options that were given, with their values."""
    given = {name: getattr(arguments, name) for name in OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def sink_options(arguments, folder):
    """Options for a sink whose pipeline lies in `folder`, and the tap's endpoint (or None)."""
    given = asked(arguments)
    if not given:
        return [], None
    if "tap" not in given:
        raise Failure(WRONG_USE, "--tap is missing: the endpoint to publish on, such as "
                                 "ipc:///tmp/records, or auto")
    if given["tap"] == AUTO:
        given["tap"] = f"ipc://{folder}/tap"
    options = [word for name, value in given.items()
               for word in ("--" + name.replace("_", "-"), value)]
    return options, given["tap"]


def waits_for_listeners(arguments):
    """Whether this run is as slow as its listeners."""
    return arguments.tap_policy == "block"


def command(arguments):
    """Becomes the listener."""
    words = ["--connect", arguments.connect]
    for name in ("count", "capture"):
        value = getattr(arguments, name)
        if value is not None:
            words += ["--" + name, value]
    program = installation.program("tap")
    os.execv(program, [program, *words, "--", *arguments.topics])
