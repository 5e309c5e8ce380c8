"""`tapline plan`: how many of each stage a sensor needs, by what a capture costs here."""
import json
import math
import os
import resource
import sys
import tempfile

from launcher.pipeline import Pipeline
from launcher.profile import Profile
from launcher.status import CUT, DONE, Failure, WRONG_USE

STAGES = ("reader", "tracker", "classifier", "extractor", "sink")
# The kernel counts processor time in hundredths of a second: so much of it, over all stages, makes
# that coarseness small. A tiny capture is played again and again, up to so many times.
ENOUGH_SECONDS = 4.0
MOST_PLAYS = 200


def _processor_seconds(process):
    """What a running process has used, all its threads together (proc(5): utime and stime)."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ended_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Costs:
    """Plays a capture through a pipeline, and takes what each stage used for it."""

    def __init__(self, captures, profile):
        self._captures, self._profile = captures, profile
        self.packets = self.bytes = self.plays = 0
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def _play(self, pipeline, folder):
        status, text = pipeline.watch(pipeline.read(
            self._captures, os.path.join(folder, "out"), self._profile, "{}", ["--quiet"]))
        if status not in (DONE, CUT):
            raise Failure(status, "the capture was not read to its end (see above)")
        told = json.loads(text)
        self.packets += told["packets"]
        self.bytes += told["bytes"]

    def _so_far(self, pipeline):
        used = {"reader": _ended_children()}
        for name, process in pipeline.workers():
            role = name.partition("-")[0]
            used[role] = used.get(role, 0.0) + _processor_seconds(process)
        return used

    def measure(self):
        """The first play warms up and is not counted."""
        with tempfile.TemporaryDirectory(prefix="tapline-plan-") as folder, Pipeline() as pipeline:
            self._play(pipeline, folder)
            if not self.packets:
                raise Failure(WRONG_USE, "the capture has no packets: nothing can be measured")
            self.packets = self.bytes = 0
            before = self._so_far(pipeline)
            while sum(self.seconds.values()) < ENOUGH_SECONDS and self.plays < MOST_PLAYS:
                self._play(pipeline, folder)
                self.plays += 1
                now = self._so_far(pipeline)
                self.seconds = {s: now[s] - before[s] for s in STAGES}


def _plan(costs, rates, load):
    """The findings as one object: costs of the stages, and how many of each a rate needs."""
    mean = costs.bytes / costs.packets
    stages = {}
    for stage in STAGES:
        seconds = costs.seconds[stage]
        per_gigabit = seconds / (costs.bytes * 8 / 1e9)
        stages[stage] = {
            "ns_per_packet": round(seconds / costs.packets * 1e9, 1),
            "seconds_per_gigabit": per_gigabit,
            "needed": {f"{rate:g}": max(1, math.ceil(per_gigabit * rate / load)) for rate in rates}}
    return {"packets": costs.packets, "bytes_per_packet": round(mean, 1), "plays": costs.plays,
            "load": load, "stages": stages,
            "packets_per_second": {f"{rate:g}": round(rate * 1e9 / 8 / mean) for rate in rates}}


def _show(plan, rates):
    print(f"measured on this machine: {plan['packets']:,} packets of "
          f"{plan['bytes_per_packet']:.0f} bytes ({plan['plays']} plays)")
    heads = [f"{rate:g} Gbit/s" for rate in rates]
    print(f"\n  {'stage':<12}{'ns a packet':>12}{'s a Gbit':>10}  "
          + "".join(f"{head:>12}" for head in heads))
    for stage, found in plan["stages"].items():
        needed = "".join(f"{found['needed'][f'{rate:g}']:>12}" for rate in rates)
        print(f"  {stage:<12}{found['ns_per_packet']:>12.0f}{found['seconds_per_gigabit']:>10.3f}  "
              f"{needed}")
    million = "".join(f"{plan['packets_per_second'][f'{rate:g}'] / 1e6:>12.1f}" for rate in rates)
    print(f"  {'million packets a second':<36}{million}")
    print(f"\nProcesses, each with a processor of its own that is busy for {plan['load']:.0%} of "
          "the time. A link whose\nrate needs several readers has to be split between them by "
          "address pair.")


def _rates(text):
    try:
        rates = [float(word) for word in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate <= 10000 for rate in rates):
        raise Failure(WRONG_USE, f"--gbit {text}: rates in Gbit/s with commas between: 10,40,100")
    return rates


def command(arguments):
    """Measures, and prints the table; the exit status."""
    rates = _rates(arguments.gbit)
    if not 0 < arguments.load <= 1:
        raise Failure(WRONG_USE, f"--load {arguments.load:g}: more than 0, and at most 1")
    costs = Costs(arguments.captures, Profile(arguments.cp).document())
    costs.measure()
    plan = _plan(costs, rates, arguments.load)
    if arguments.json:
        json.dump(plan, sys.stdout)
        print()
    else:
        _show(plan, rates)
    return DONE
