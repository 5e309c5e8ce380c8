"""`tapline run`: one capture, one private pipeline; or one that stands."""
import importlib
import os
import subprocess
import sys
import time

from launcher import installation, tap
from launcher.pipeline import Pipeline
from launcher.profile import Profile
from launcher.readers import STOP_SECONDS
from launcher.status import CUT, DONE, Failure, PIPELINE, WRONG_USE


def version():
    """The version of the programs, as they say it themselves."""
    said = subprocess.run([installation.program("reader"), "--version"], capture_output=True,
                          text=True, check=False)
    return said.stdout.strip().removeprefix("tapline ")


def worker_options(arguments):
    """Options for every program of the pipeline. A wrong one is told here, not by all of them."""
    options = []
    for name in ("batch", "queue"):
        value = getattr(arguments, name)
        if value is not None:
            options += ["--" + name, value]
    if options:
        tried = subprocess.run([installation.program("tracker"), *options, "--version"],
                               capture_output=True, text=True, check=False)
        if tried.returncode:
            raise Failure(WRONG_USE, tried.stderr.strip().removeprefix("tapline-tracker: "))
    return options


def _late(name):
    """A module of the launcher that few runs need, or none before its workers come up: all would
    wait until it is loaded."""
    return importlib.import_module("launcher." + name)


def root_of(arguments):
    """What results lie below, as seen from here; "": they lie where they say."""
    if not arguments.via:
        return ""
    return os.path.expanduser(_late("standing").running(arguments.via)["root"])


def pipeline_of(arguments, shared, of_role=None, stop_seconds=STOP_SECONDS):
    """What captures go through: a private pipeline, or the standing one that --via names."""
    if not arguments.via:
        return Pipeline(shared, arguments.width or 1, of_role, stop_seconds)
    if arguments.width:
        raise Failure(WRONG_USE, "-j is for a pipeline of one's own; `tapline scale` changes one "
                                 "that stands")
    return _late("standing").Standing(arguments.via)


def command(arguments, limits):
    """Runs it; the exit status."""
    if arguments.captures.count("-") > 1:
        raise Failure(WRONG_USE, "standard input (-) can be read once only")
    if not arguments.via and os.path.isfile(arguments.out):
        raise Failure(WRONG_USE, f"{arguments.out} is a file; the directory for the results comes "
                                 "last: tapline run CAPTURE... OUT")
    if arguments.via and tap.asked(arguments):
        raise Failure(WRONG_USE, "--tap and its kin are for a pipeline of one's own; a standing "
                                 "one has them in its topology (`option sink --tap ENDPOINT`)")
    shared, options, stop_seconds = worker_options(arguments), [*limits], STOP_SECONDS
    if arguments.quiet or arguments.json:
        options.append("--quiet")
    if tap.waits_for_listeners(arguments):
        shared += ["--stall", str(tap.LISTENERS_SECONDS)]
        options += ["--publish", str(tap.LISTENERS_SECONDS)]
        stop_seconds = tap.LISTENERS_SECONDS
    started = time.monotonic()
    checked = Profile(arguments.cp)  # while the workers come up

    def sink_options(folder):
        words, endpoint = tap.sink_options(arguments, folder)
        if arguments.tap == tap.AUTO:
            print(f"tap: {endpoint}", file=sys.stderr, flush=True)
        return words

    with pipeline_of(arguments, shared, {"sink": sink_options}, stop_seconds) as pipeline:
        request_text = _late("request").request_text
        profile = checked.document()
        request = request_text(arguments.cp, profile, limits)
        status, text = pipeline.watch(
            pipeline.read(arguments.captures, arguments.out, profile, request, [*shared, *options]))
        for fault in pipeline.faults() if status == PIPELINE else []:
            print(f"tapline: {fault}", file=sys.stderr)
    seconds = time.monotonic() - started
    if status < 0:
        raise Failure(PIPELINE, f"the reader was killed (signal {-status}); nothing was published")
    if status in (DONE, CUT) and not arguments.quiet:
        if arguments.json:
            print(text.strip())
        else:
            _late("summary").show(text, pipeline.shown(arguments.out), sys.stdout, seconds)
    return status
