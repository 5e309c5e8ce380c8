#!/usr/bin/env python3
"""Listeners at the tap: they see exactly the records of the files, and slow nobody."""
import collections
import json
import os
import re
import signal
import socket
import subprocess
import time

import harness
from harness import DEMO, ROOT, TAPLINE, records
from listening import FILES, PATIENCE, PATIENT, PYTHON, WithTap


class Exactly(WithTap):
    """Whoever listens sees exactly the records of the files, of every kind."""

    # The demo has no HTTP that is cut short; the other has.
    ALL_KINDS = (DEMO, os.path.join(harness.CAPTURES, "crafted", "http-ends.pcap"))

    def tapped(self, *captures, **more):
        super().tapped(*captures, **more)
        for name in FILES:
            self.assertTrue(records(self.out, name), name)

    def test_tapline_tap(self):
        process = self.listen(TAPLINE, "tap", "--connect", self.tap)
        self.tapped(*self.ALL_KINDS)
        lines, said = self.stopped(process)
        self.same_as_files(lines)
        self.assertEqual(said, "")
        events = [r["event"] for r in map(json.loads, lines) if r["topic"] == "capture"]
        self.assertEqual(events, ["begun", "published"])

    def test_the_python_example(self):
        process = self.listen(PYTHON, os.path.join(ROOT, "deploy", "examples", "listen.py"),
                              self.tap)
        self.tapped(*self.ALL_KINDS, "-j", "2")
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
                self.tapped(*self.ALL_KINDS)
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


class Beginnings(WithTap):
    """Flows that are told of when they begin (--tap-opens)."""

    def test_every_flow_begins_once(self):
        process = self.listen(TAPLINE, "tap", "--connect", self.tap)
        self.tapped(DEMO, "--tap-opens", "-j", "2")
        lines = self.stopped(process)[0]
        self.same_as_files(lines)
        begun = collections.Counter((r["ip_port"], r["start_timestamp"])
                                    for r in map(json.loads, lines) if r["topic"] == "flow.open")
        ended = collections.Counter((r["ip_port"], r["start_timestamp"])
                                    for name in FILES if "_con" in name
                                    for r in records(self.out, name))
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            ledger = json.load(file)
        self.assertEqual(ended - begun, {})
        self.assertEqual(begun.total(), ledger["stages"]["sink"]["closes_received"])

    def test_they_change_nothing_and_are_not_sent_unasked(self):
        process = self.listen(TAPLINE, "tap", "flow", "--connect", self.tap)
        self.tapped(DEMO)
        topics = {json.loads(line)["topic"] for line in self.stopped(process)[0]}
        self.assertEqual(topics, {"flow.tcp", "flow.udp"})
        with_opens = os.path.join(self.folder, "with-opens")
        self.run_ok("run", DEMO, with_opens, "--quiet", "--tap", self.tap, "--tap-opens")
        self.assertEqual(harness.results(with_opens), harness.results(self.out))


class Slow(WithTap):
    """A listener that is slow, stopped or killed."""

    EARLY = ("http", "dns", "tls", "xycdn")  # topics whose records do not wait for a flow's end

    def feed(self, listener, *words):
        """Starts a run of DEMO whose listener is stopped before the first record; everything is
        read, but not ended. The run's process."""
        run = subprocess.Popen([TAPLINE, "run", "-", self.out, "--quiet", "--tap", self.tap,
                                "--tap-wait", "1", "--tap-queue", "4k", *PATIENT, *words],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
                               env=self.environment)
        for clean in (run.wait, run.stdin.close, run.stderr.close):
            self.addCleanup(clean)
        with open(DEMO, "rb") as capture:
            data = capture.read()
        run.stdin.write(data[:50])
        run.stdin.flush()
        self.has_told(listener, self.is_stats)
        listener.send_signal(signal.SIGSTOP)
        run.stdin.write(data[50:])
        run.stdin.flush()
        return run

    @staticmethod
    def is_stats(record):
        """Does it say how far each topic is?"""
        return record["topic"] == "stats"

    def made(self, stats):
        """How many messages of early topics there were by then."""
        return sum(count for topic, count in stats["heads"].items() if topic.startswith(self.EARLY))

    def finish(self, run):
        """Ends the capture; the run's status must be good. What it said on stderr."""
        run.stdin.close()
        said = run.stderr.read().decode()
        self.assertEqual(run.wait(PATIENCE), 0, said)
        return said

    def test_a_stopped_listener_learns_how_much_it_missed(self):
        listener, witness = (self.listen(TAPLINE, "tap", *topics, "stats", "--connect", self.tap)
                             for topics in (self.EARLY, ()))
        run = self.feed(listener, "--tap-wait", "2")
        made = self.made(self.has_told(witness, lambda r: self.made(r) and not any(
            r["rates"].values())))
        listener.send_signal(signal.SIGCONT)
        self.has_told(listener, lambda r: self.is_stats(r) and self.made(r) >= made)
        lines, said = self.stopped(listener)
        self.finish(run)
        stats = [r for r in map(json.loads, lines) if self.is_stats(r)]
        missed = int(re.search(r"(\d+) records were missed", said)[1])
        self.assertGreater(missed, len(stats))
        self.assertEqual(missed + len(lines),
                         self.made(stats[-1]) + stats[-1]["seq"] - stats[0]["seq"] + 1)

    def test_a_stopped_listener_slows_nobody(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
        run = self.feed(listener)
        started = time.monotonic()
        self.finish(run)
        self.assertLess(time.monotonic() - started, 30)
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
        time.sleep(1)
        listener.send_signal(signal.SIGCONT)
        self.finish(run)
        lines, said = self.stopped(listener)
        self.same_as_files(lines)
        self.assertEqual(said, "")

    def test_patience_has_an_end(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap)
        run = self.feed(listener, "--tap-policy", "block", "--tap-patience", "0.3")
        self.assertIn("count as gone", self.finish(run))


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

    def test_two_taps(self):
        taps = [self.tap + ".1", self.tap + ".2"]
        outs = [self.out + ".1", self.out + ".2"]
        process = self.listen(TAPLINE, "tap", "flow", "capture", "--connect", taps[0], "--connect",
                              taps[1])
        for self.tap, out in zip(taps, outs):
            self.tapped(DEMO, out=out)
        lines, said = self.stopped(process)
        self.assertEqual(said, "")
        flows = collections.Counter(r["sink"] for r in map(json.loads, lines) if "file" in r)
        self.assertEqual(len(flows), 2)
        self.assertEqual(len(set(flows.values())), 1)
        published = [r["out"] for r in map(json.loads, lines) if r.get("event") == "published"]
        self.assertEqual(published, outs)

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
        self.run_ok("tap", "--connect", "nowhere", status=2)

    def taken(self, *words):
        """A run whose tap's port another program has, once it has said so; that one's socket."""
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(other.close)
        tap = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        run = subprocess.Popen([TAPLINE, "run", DEMO, self.out, "--quiet", "--tap", tap, *words],
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.wait)
        self.assertIn(f"--tap {tap}: another program has this port; ", run.stderr.readline())
        return run, other

    def test_a_port_that_is_taken_is_told_once(self):
        run, _ = self.taken("--gather", "3")
        said = run.stderr.read()
        self.assertEqual(run.wait(harness.PATIENCE), 5)
        self.assertRegex(said, r"^tapline-reader: the pipeline is not complete: [^\n]*\n$")
        self.assertFalse(os.path.exists(self.out))

    def test_a_port_that_becomes_free_is_taken(self):
        run, other = self.taken()
        other.close()
        self.assertEqual((run.stderr.read(), run.wait(harness.PATIENCE)), ("", 0))

    def test_who_waits_for_a_port_can_be_interrupted(self):
        run, _ = self.taken()
        run.send_signal(signal.SIGINT)
        self.assertEqual((run.stderr.read(), run.wait(harness.PATIENCE)), ("", 130))

    def test_a_file_in_the_taps_place_is_left_alone(self):
        with open(os.path.join(self.folder, "tap"), "w", encoding="utf-8") as file:
            file.write("years of work")
        self.assertNotEqual(harness.tapline("run", DEMO, self.out, "--tap", self.tap).returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "tap")))


if __name__ == "__main__":
    harness.main()
