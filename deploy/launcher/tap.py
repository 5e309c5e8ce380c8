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


def sink_options(arguments, folder):
    """Options for a sink whose pipeline lies in `folder`, and the tap's endpoint (or None)."""
    asked = {name: getattr(arguments, name) for name in OPTIONS}
    asked = {name: value for name, value in asked.items() if value is not None}
    if not asked:
        return [], None
    if "tap" not in asked:
        raise Failure(WRONG_USE, "--tap is missing: the endpoint to publish on, such as "
                                 "ipc:///tmp/records, or auto")
    if asked["tap"] == AUTO:
        asked["tap"] = f"ipc://{folder}/tap"
    options = [word for name, value in asked.items()
               for word in ("--" + name.replace("_", "-"), value)]
    return options, asked["tap"]


def waits_for_listeners(arguments):
    """Whether this run is as slow as its listeners."""
    return arguments.tap_policy == "block"


def command(arguments, limits):
    """Becomes the listener."""
    if limits:
        raise Failure(WRONG_USE, f"{limits[0]}: no such option (see tapline tap --help)")
    words = ["--connect", arguments.connect]
    for name in ("count", "capture"):
        value = getattr(arguments, name)
        if value is not None:
            words += ["--" + name, value]
    program = installation.program("tap")
    os.execv(program, [program, *words, "--", *arguments.topics])
