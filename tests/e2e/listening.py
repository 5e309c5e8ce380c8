"""What the tests of listeners share: how one is started, and what it must have heard."""
import collections
import json
import os
import subprocess
import tempfile

import harness
from harness import ROOT, records

# The packages python3-zmq and python3-msgpack are the system's interpreter's.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
HEAD = ("topic", "tap", "capture", "attempt", "sink", "seq", "file", "flow")
FILES = [name + ".json" for name in harness.RECORD_FILES if name != "file_data"]
LATER = ("end_timestamp", "src_dst_packet_count", "dst_src_packet_count", "src_dst_byte_count",
         "dst_src_byte_count")  # of an http record: known when its connection has ended
PATIENCE = 60  # seconds
# Limits for machines that have much else to do.
PATIENT = ("--gather", str(PATIENCE), "--tap-wait-limit", "50", "--tap-patience", str(PATIENCE))
BIN = os.environ.get("TAPLINE_BIN", os.path.join(ROOT, "build", "gcc", "bin"))


def canonical(record):
    """A record as text, keys in their order."""
    return json.dumps(record, ensure_ascii=False)


def in_files(out):
    """What the files hold, as listeners see it: file -> Counter of records."""
    found = {}
    for name in FILES:
        lines = records(out, name)
        if "http" in name:
            lines = [{k: None if k in LATER else v for k, v in r.items()} for r in lines]
        if name.startswith("xycdn"):
            lines = [{"key": r["key"], "num": 1} for r in lines for _ in range(r["num"])]
        found[name] = collections.Counter(map(canonical, lines))
    return found


def heard(lines):
    """The same of what a listener printed as JSON."""
    found = {name: collections.Counter() for name in FILES}
    for record in map(json.loads, lines):
        if "file" in record:
            own = {k: v for k, v in record.items() if k not in HEAD}
            found[record["file"]][canonical(own)] += 1
    return found


class WithTap(harness.InFolder):
    """Tests with a tap in their folder."""

    def setUp(self):
        super().setUp()
        self.tap = f"ipc://{self.folder}/tap"
        self.said = {}
        self.environment = dict(os.environ, TZ="UTC")

    def listen(self, *words):
        """Starts a listener, which prints into files: a pipe that nobody reads would stop it."""
        said = [tempfile.TemporaryFile("w+", encoding="utf-8", dir=self.folder) for _ in range(2)]
        process = subprocess.Popen(list(map(str, words)), stdout=said[0], stderr=said[1],
                                   env=self.environment)
        self.said[process] = said
        for clean in (said[0].close, said[1].close, process.wait, process.kill):
            self.addCleanup(clean)
        return process

    def so_far(self, process):
        """The lines that a listener has printed until now, as records."""
        text = os.pread(self.said[process][0].fileno(), 1 << 26, 0).decode()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def has_told(self, process, true):
        """Waits for a line of the listener's that is as wanted; its record."""
        found = []
        self.assertTrue(harness.wait_until(
            lambda: found.extend(filter(true, self.so_far(process))) or found, PATIENCE))
        return found[-1]

    def ended(self, process):
        """Waits for a listener; the lines that it printed, and what it said on stderr."""
        process.wait(PATIENCE)
        texts = []
        for file in self.said[process]:
            file.seek(0)
            texts.append(file.read())
        self.assertEqual(process.returncode, 0, texts[1])
        return texts[0].split("\n")[:-1], texts[1]

    def tapped(self, *words, out=None, wait=1, **more):
        """Runs captures (and options behind them) with a tap that waits for listeners, and loses
        nothing."""
        count = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
        return self.run_ok("run", *words[:count], out or self.out, "--tap", self.tap, "--tap-wait",
                           wait, "--tap-policy", "block", *PATIENT, "--quiet", *words[count:],
                           **more)

    def stopped(self, process):
        """Tells a listener to end, which takes what has come; the same."""
        process.terminate()
        return self.ended(process)

    def same_as_files(self, lines):
        """A listener's lines hold exactly the records of the files."""
        want, got = in_files(self.out), heard(lines)
        for name in FILES:
            self.assertEqual(want[name], got[name], name)
