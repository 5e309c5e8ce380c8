"""The tap: what `tapline run` is asked to publish, and `tapline tap`, which listens."""
import os

from launcher import installation
from launcher.status import Failure, WRONG_USE
from launcher.tap_options import OF_LISTENER, OF_SINK

AUTO = "auto"
# Where listeners are waited for (--tap-policy block), the sink alone knows for how long: it sees
# whether they take anything. The limits of those who wait for the sink are out of its way then.
LISTENERS_SECONDS = 24 * 3600


def _given(arguments, options):
    """{name: value} of those options that were given."""
    values = {name: getattr(arguments, name[2:].replace("-", "_")) for name in options}
    return {name: value for name, value in values.items() if value not in (None, False)}


def _words(given):
    """The same as words for a program."""
    words = []
    for name, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            words += [name] if each is True else [name, each]
    return words


def asked(arguments):
    """Those of a tap's options that were given, with their values."""
    return _given(arguments, OF_SINK)


def sink_options(arguments, folder):
    """Options for a sink whose pipeline lies in `folder`, and the tap's endpoint (or None)."""
    given = asked(arguments)
    if not given:
        return [], None
    if "--tap" not in given:
        raise Failure(WRONG_USE, "--tap is missing: the endpoint to publish on, such as "
                                 "ipc:///tmp/records, or auto")
    if given["--tap"] == AUTO:
        given["--tap"] = f"ipc://{folder}/tap"
    return _words(given), given["--tap"]


def waits_for_listeners(arguments):
    """Whether this run is as slow as its listeners."""
    return arguments.tap_policy == "block"


def command(arguments):
    """Becomes the listener."""
    program = installation.program("tap")
    words = _words(_given(arguments, OF_LISTENER))
    os.execv(program, [program, *words, "--", *arguments.topics])
