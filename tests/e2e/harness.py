"""What the end-to-end tests share: how tapline is run, and which captures there are."""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TAPLINE = os.path.join(ROOT, "deploy", "tapline")
CHECKS = os.path.join(ROOT, "tests", "check")
CAPTURES = os.path.join(ROOT, "tests", "captures")
DEMO = os.path.join(CAPTURES, "demo", "edge-node.pcap.gz")
# Captures that others recorded and whose licences keep them out of this project.
CORPUS = os.path.normpath(os.path.join(ROOT, "..", "shared", "corpus"))
RECORD_FILES = ("save_con", "tmp_con", "udp_con", "save_http", "tmp_http", "sni",
                "cert_domain_time", "ts_domain_ip", "xycdn_stun_ip_port", "file_data")
PATIENCE = 300  # seconds after which a command counts as hanging


def tapline(*words, tz="UTC", **more):
    """Runs a command; its CompletedProcess, with text."""
    environment = dict(os.environ, TZ=tz, **more.pop("env", {}))
    return subprocess.run([TAPLINE, *map(str, words)], capture_output=True, text=True,
                          env=environment, timeout=PATIENCE, check=False, **more)


def check(program, *words):
    """Runs one of the project's checks."""
    return subprocess.run([os.path.join(CHECKS, program), *map(str, words)], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)


def wire_version():
    """The version of the wire contract, as its header says it."""
    with open(os.path.join(ROOT, "include", "tapline", "wire.h"), encoding="utf-8") as header:
        return int(re.search(r"#define TAPLINE_WIRE_VERSION (\d+)", header.read()).group(1))


def records(out, name):
    """The records of one file of an output directory."""
    with open(os.path.join(out, name), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def results(out):
    """Every file that must be the same in every run, with its bytes."""
    found = {}
    for base, _, names in os.walk(out):
        for name in names:
            path = os.path.join(base, name)
            shown = os.path.relpath(path, out)
            if shown not in ("logs", "ledger.json"):
                with open(path, "rb") as file:
                    found[shown] = file.read()
    return found


def expectations():
    """(name, captures, head of the expectation, path of it) of every one, the corpus included."""
    patterns = [os.path.join(CAPTURES, "*", "*.expect.json"),
                os.path.join(CORPUS, "platform", "*.expect.json")]
    for path in sorted(p for pattern in patterns for p in glob.glob(pattern)):
        with open(path, encoding="utf-8") as file:
            head = json.load(file)
        folder, name = os.path.dirname(path), os.path.basename(path)[:-len(".expect.json")]
        named = head.get("capture")
        named = [named] if isinstance(named, str) else named
        if not named:
            named = [os.path.basename(c) for c in glob.glob(os.path.join(folder, name + ".pcap*"))]
        yield (os.path.basename(folder) + "/" + name,
               [os.path.join(folder, c) for c in named], head, path)


def captures():
    """Every single capture file, the corpus included."""
    folders = [os.path.join(CAPTURES, "*"), os.path.join(CORPUS, "real"),
               os.path.join(CORPUS, "platform")]
    return sorted(path for folder in folders for path in glob.glob(os.path.join(folder, "*.pcap*")))


class InFolder(unittest.TestCase):
    """A test with a folder of its own, `self.folder`, and a place for results in it, `self.out`."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tapline-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.out = os.path.join(self.folder, "out")

    def run_ok(self, *words, status=0, **more):
        """Runs a command that must end with `status`."""
        done = tapline(*words, **more)
        self.assertEqual(done.returncode, status, done.stderr)
        return done


def processes_of(folder):
    """Ids of the processes whose sockets lie in a pipeline folder below `folder`."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if folder.encode() in file.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass  # it has ended
    return found


def workers_of(folder, program):
    """Ids of those that run this program: "classifier"."""
    found = []
    for process in processes_of(folder):
        try:
            if os.readlink(f"/proc/{process}/exe").endswith("tapline-" + program):
                found.append(process)
        except OSError:
            pass  # it has ended
    return found


def free_port():
    """A TCP port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, seconds=30):
    """Waits until a condition holds; whether it came to."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def main():
    """Runs the calling module's tests, and says where captures are missing."""
    if not os.path.isdir(CORPUS):
        print("note: ../shared/corpus is not here; tested with the project's own captures only")
    unittest.main()
