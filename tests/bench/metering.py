"""What the measurements share: the workloads, and runs whose processor time and memory are taken
from outside by tests/bench/meter."""
import glob
import os
import shutil
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAPLINE = os.path.join(ROOT, "deploy", "tapline")
STAGES = ("reader", "tracker", "classifier", "extractor", "sink", "lobby")


def own_captures():
    """Every capture of the project but those that are about broken files."""
    found = glob.glob(os.path.join(ROOT, "tests/captures/*/*.pcap*"))
    return sorted(f for f in found if not os.path.basename(f).startswith("files-")
                  and f.endswith((".pcap", ".pcapng", ".pcap.gz")))


class Programs:
    """The built programs, and a folder in which the meter stands in for them."""

    def __init__(self, build, folder):
        self.bin = os.path.join(build, "bin")
        self.meter = os.path.join(folder, "metered")
        self.log = os.path.join(folder, "meter.log")
        os.makedirs(self.meter)
        for stage in STAGES:
            os.symlink(os.path.join(build, "tests/bench/meter"),
                       os.path.join(self.meter, "tapline-" + stage))

    def environment(self):
        return {**os.environ, "TAPLINE_BIN": self.meter, "METERED_BIN": self.bin,
                "METER_LOG": self.log}

    def usage(self):
        """What the stages of the last run used: {stage: (seconds, megabytes)}."""
        used = {}
        with open(self.log, encoding="ascii") as log:
            for line in log:
                name, user, system, kilobytes = line.split()
                stage = name.removeprefix("tapline-")
                seconds, megabytes = used.get(stage, (0.0, 0.0))
                used[stage] = (seconds + float(user) + float(system),
                               max(megabytes, int(kilobytes) / 1024))
        os.unlink(self.log)
        return used


def timed(command, environment=None):
    """Wall seconds of one run."""
    begun = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=environment, check=True)
    return time.monotonic() - begun


def run_tapline(programs, capture, folder):
    out = os.path.join(folder, "out")
    shutil.rmtree(out, ignore_errors=True)
    return timed([TAPLINE, "run", "--quiet", capture, out], programs.environment())


def workload(build, name, path, scale):
    """Makes one of the workloads that tests/bench/workloads knows; how many frames it has."""
    done = subprocess.run([os.path.join(build, "tests/bench/workloads"), name, path, str(scale),
                           *own_captures()], check=True, stdout=subprocess.PIPE, text=True)
    with open(path, "rb") as file:
        os.fsync(file)  # or the disk would write it while others are measured
    return int(done.stdout.rpartition(": ")[2].split()[0])
