#!/usr/bin/env python3
"""Listeners at the tap: they see exactly the records of the files, and slow nobody."""
import collections
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import harness
from harness import CAPTURES, DEMO, ROOT, TAPLINE, records

# The packages python3-zmq and python3-msgpack are the system's interpreter's.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
HEAD = ("topic", "tap", "capture", "attempt", "sink", "seq", "file", "flow")
FILES = [name + ".json" for name in harness.RECORD_FILES if name != "file_data"]
LATER = ("end_timestamp", "src_dst_packet_count", "dst_src_packet_count", "src_dst_byte_count",
         "dst_src_byte_count")  # of an http record: known when its connection has ended
PATIENCE = 60  # seconds
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

    def ended(self, process):
        """Waits for a listener; the lines that it printed, and what it said on stderr."""
        process.wait(PATIENCE)
        texts = []
        for file in self.said[process]:
            file.seek(0)
            texts.append(file.read())
        self.assertEqual(process.returncode, 0, texts[1])
        return texts[0].split("\n")[:-1], texts[1]

    def tapped(self, capture, *words, out=None, wait=1, **more):
        """Runs a capture with a tap that waits for listeners."""
        return self.run_ok("run", capture, out or self.out, "--tap", self.tap, "--tap-wait", wait,
                           "--quiet", *words, **more)

    def stopped(self, process):
        """Tells a listener to end; the same."""
        time.sleep(0.3)
        process.terminate()
        return self.ended(process)

    def same_as_files(self, lines):
        """A listener's lines hold exactly the records of the files."""
        want, got = in_files(self.out), heard(lines)
        for name in FILES:
            self.assertEqual(want[name], got[name], name)


class Exactly(WithTap):
    """Whoever listens sees exactly the records of the files."""

    def test_tapline_tap(self):
        process = self.listen(TAPLINE, "tap", "--connect", self.tap)
        self.tapped(DEMO)
        lines, said = self.stopped(process)
        self.same_as_files(lines)
        self.assertEqual(said, "")
        events = [r["event"] for r in map(json.loads, lines) if r["topic"] == "capture"]
        self.assertEqual(events, ["begun", "published"])

    def test_the_python_example(self):
        process = self.listen(PYTHON, os.path.join(ROOT, "deploy", "examples", "listen.py"),
                              self.tap)
        self.tapped(DEMO, "-j", "2")
        self.same_as_files(self.ended(process)[0])

    def test_the_c_example_and_the_installed_library(self):
        subprocess.run(["make", "-s", "install", "PREFIX=" + self.folder], cwd=ROOT, check=True,
                       capture_output=True)
        library = os.path.join(self.folder, "lib")
        self.environment.update(PKG_CONFIG_PATH=os.path.join(library, "pkgconfig"),
                                LD_LIBRARY_PATH=library)
        for libraries in (["-ltapline"], ["-l:libtapline.a", "-lzmq"]):
            with self.subTest(libraries=libraries):
                process = self.listen(self.example(libraries), self.tap)
                self.tapped(DEMO)
                lines = [tuple(line.split("\t")) for line in self.ended(process)[0]]
                self.assertEqual(lines[-1], ("missed", "0"))
                self.same_identities([line for line in lines if line[0] in FILES])

    def example(self, libraries):
        """Compiles the C example against the installed library; the program's path."""
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "tapline"], text=True,
                               capture_output=True, check=True, env=self.environment).stdout
        flags = flags.replace("-ltapline", " ".join(libraries)).split()
        program = os.path.join(self.folder, "listen")
        source = os.path.join(self.folder, "share", "tapline", "examples", "listen.c")
        subprocess.run(["gcc", "-Wall", "-Werror", "-o", program, source, *flags], check=True)
        return program

    def same_identities(self, lines):
        """File, connection and time of every record, as far as the files say them."""
        want = collections.Counter()
        for name in FILES:
            for record in records(self.out, name):
                moment = record.get("start_timestamp") or record.get("timestamp")
                want[name, record.get("ip_port"), moment] += record.get("num", 1)
        got = collections.Counter()
        for name, flow, time_ns in lines:
            micros = int(time_ns) // 1000
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(micros // 1000000))
            named = "_con" in name or "http" in name
            got[name, flow if named else None,
                f"{moment}.{micros % 1000000:06d}" if micros else None] += 1
        self.assertEqual(want, got)


class Slow(WithTap):
    """A listener that is slow, stopped or killed."""

    EARLY = ("http", "dns", "tls", "xycdn")  # topics whose records do not wait for a flow's end

    def feed(self, listener, *words):
        """Starts a run of DEMO whose listener is stopped before the first record; everything is
        read, but not ended. The run's process."""
        run = subprocess.Popen([TAPLINE, "run", "-", self.out, "--quiet", "--tap", self.tap,
                                "--tap-wait", "1", "--tap-queue", "16k", *words],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
                               env=self.environment)
        for clean in (run.wait, run.stdin.close, run.stderr.close):
            self.addCleanup(clean)
        with open(DEMO, "rb") as capture:
            data = capture.read()
        run.stdin.write(data[:50])
        run.stdin.flush()
        time.sleep(1.3)  # the listener is there, and has had `stats` once
        listener.send_signal(signal.SIGSTOP)
        run.stdin.write(data[50:])
        run.stdin.flush()
        return run

    def finish(self, run):
        """Ends the capture; the run's status must be good. What it said on stderr."""
        run.stdin.close()
        said = run.stderr.read().decode()
        self.assertEqual(run.wait(PATIENCE), 0, said)
        return said

    def test_a_stopped_listener_learns_how_much_it_missed(self):
        listener = self.listen(TAPLINE, "tap", *self.EARLY, "--connect", self.tap)
        run = self.feed(listener)
        time.sleep(1)
        listener.send_signal(signal.SIGCONT)
        time.sleep(2.5)  # the next `stats`
        self.finish(run)
        lines, said = self.stopped(listener)
        missed = int(re.search(r"(\d+) records were missed", said)[1])
        made = sum(sum(found.values()) for name, found in in_files(self.out).items()
                   if "_con" not in name)
        self.assertGreater(missed, 0)
        self.assertEqual(missed + len(lines), made)

    def test_a_stopped_listener_slows_nobody(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
        run = self.feed(listener)
        started = time.monotonic()
        self.finish(run)
        self.assertLess(time.monotonic() - started, 5)
        other = os.path.join(self.folder, "other")
        self.run_ok("run", DEMO, other, "--quiet")
        self.assertEqual(harness.results(self.out), harness.results(other))

    def test_a_killed_listener_is_forgotten(self):
        for policy in ("drop", "block"):
            with self.subTest(policy):
                listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
                run = self.feed(listener, "--tap-policy", policy)
                listener.kill()
                self.assertEqual(self.finish(run), "")

    def test_block_loses_nothing(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
        run = self.feed(listener, "--tap-policy", "block")
        time.sleep(1.5)
        listener.send_signal(signal.SIGCONT)
        self.finish(run)
        lines, said = self.stopped(listener)
        self.same_as_files(lines)
        self.assertEqual(said, "")

    def test_patience_has_an_end(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
        run = self.feed(listener, "--tap-policy", "block", "--tap-patience", "0.3")
        self.assertIn("counts as gone", self.finish(run))


class Archive(WithTap):
    """Into SQLite: a sixth stage that no other knows of."""

    TABLES = {"save_con.json": "flow_tcp", "tmp_con.json": "flow_tcp", "udp_con.json": "flow_udp",
              "save_http.json": "http", "tmp_http.json": "http", "sni.json": "tls_sni",
              "cert_domain_time.json": "tls_cert", "ts_domain_ip.json": "dns",
              "xycdn_stun_ip_port.json": "xycdn"}
    OURS = ("attempt_id", "seq", "file", "src", "dst", "further")
    LISTS = ("stun_values", "req_headers", "res_headers", "domains", "dns_domain", "dns_ip")

    def keep(self, capture, out):
        """Runs a capture with an archive that ends behind it."""
        archive = self.listen(os.path.join(BIN, "tapline-archive"), "--connect", self.tap,
                              os.path.join(self.folder, "records.sqlite"))
        self.tapped(capture, out=out)
        self.assertEqual(self.stopped(archive)[1], "")

    def rows(self, out):
        """What the archive holds of the capture whose results are in `out`: file -> Counter."""
        found = {name: collections.Counter() for name in FILES}
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            db.row_factory = sqlite3.Row
            for name, table in self.TABLES.items():
                for row in db.execute(f"SELECT t.* FROM {table} t JOIN attempts a ON a.id = "
                                      "t.attempt_id WHERE a.out = ? AND file = ?", (out, name)):
                    record = {key: json.loads(row[key]) if key in self.LISTS and row[key]
                              else row[key] for key in row.keys() if key not in self.OURS}
                    record.update(json.loads(row["further"] or "{}"))
                    found[name][canonical(record)] += 1
        return found

    def test_two_captures_and_a_resume(self):
        self.file = os.path.join(self.folder, "records.sqlite")
        lossy = os.path.join(CAPTURES, "recorded", "http-lossy.pcap")
        outs = {os.path.join(self.folder, "a"): DEMO, os.path.join(self.folder, "b"): lossy}
        for out, capture in outs.items():
            self.keep(capture, out)
        for out in outs:
            want, got = in_files(out), self.rows(out)
            for name in FILES:
                self.assertEqual(want[name], got[name], name)
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            states = db.execute("SELECT state, missed FROM attempts").fetchall()
            self.assertEqual(states, [("published", 0)] * 2)
            plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM flow_tcp WHERE dst = 'x'").fetchall()
            self.assertIn("flow_tcp_by_dst", plan[0][3])

    def test_another_programs_file_is_left_alone(self):
        path = os.path.join(self.folder, "other.sqlite")
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE thesis(text)")
        done = subprocess.run([os.path.join(BIN, "tapline-archive"), "--connect", self.tap, path],
                              capture_output=True, text=True, check=False, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("other.sqlite", done.stderr)


class Asking(WithTap):
    """What a listener may ask for."""

    def test_topics_and_count(self):
        process = self.listen(TAPLINE, "tap", "dns", "tls", "--count", 20, "--connect", self.tap)
        self.tapped(DEMO)
        lines = [json.loads(line) for line in self.ended(process)[0]]
        self.assertEqual(len(lines), 20)
        self.assertLessEqual({r["topic"] for r in lines}, {"dns", "tls.sni", "tls.cert"})

    def test_another_capture(self):
        process = self.listen(TAPLINE, "tap", "--capture", "0" * 16, "--connect", self.tap)
        self.tapped(DEMO)
        self.assertEqual(self.stopped(process)[0], [])

    def test_two_listeners(self):
        several = [self.listen(TAPLINE, "tap", "flow", "--connect", self.tap) for _ in range(2)]
        self.tapped(DEMO, wait=2)
        first, second = (self.stopped(process)[0] for process in several)
        self.assertEqual(first, second)
        self.assertTrue(first)

    def test_nobody_comes(self):
        done = self.tapped(DEMO, "--tap-wait-limit", "0.2", status=5)
        self.assertIn("1 of the listeners", done.stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_a_tap_in_the_pipelines_own_folder(self):
        done = self.run_ok("run", DEMO, self.out, "--tap", "auto", "--quiet")
        self.assertRegex(done.stderr, r"^tap: ipc://.*/tap\n$")
        self.assertFalse(os.path.exists(re.search("ipc://(.*)/tap", done.stderr)[1]))

    def test_wrong_words(self):
        for words in (["--tap-wait", "1"], ["--tap", self.tap, "--tap-policy", "maybe"],
                      ["--tap", "tcp://0.0.0.0:5599"]):
            with self.subTest(words):
                self.assertNotEqual(harness.tapline("run", DEMO, self.out, *words).returncode, 0)
        self.run_ok("tap", "--connect", "nowhere", status=5)

    def test_a_file_in_the_taps_place_is_left_alone(self):
        with open(os.path.join(self.folder, "tap"), "w", encoding="utf-8") as file:
            file.write("years of work")
        self.assertNotEqual(harness.tapline("run", DEMO, self.out, "--tap", self.tap).returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "tap")))


if __name__ == "__main__":
    harness.main()
