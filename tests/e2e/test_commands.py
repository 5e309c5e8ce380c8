#!/usr/bin/env python3
"""The commands as people use them: exit statuses, what is refused, what is left behind."""
import glob
import gzip
import importlib.util
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

import harness
from harness import (CAPTURES, DEMO, TAPLINE, processes_of, records, results, tapline,
                     wait_until)

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation  # noqa: E402  (the path must be known first)

SMALL = os.path.join(CAPTURES, "crafted", "files-micro-little.pcap")
CUT = os.path.join(CAPTURES, "crafted", "files-cut.pcap")
EMPTY = os.path.join(CAPTURES, "crafted", "files-empty.pcap")
STUN = os.path.join(CAPTURES, "crafted", "signatures-stun.pcap")


class Results(harness.InFolder):
    """What a run publishes, and where."""

    def test_an_empty_capture_is_done(self):
        self.run_ok("run", EMPTY, self.out)
        self.assertEqual(records(self.out, "file_data.json")[0]["packets_count"], 0)
        for name in harness.RECORD_FILES:
            self.assertTrue(os.path.exists(os.path.join(self.out, name + ".json")), name)
        self.assertTrue(os.path.isdir(os.path.join(self.out, "cert_file")))
        self.assertTrue(os.path.isdir(os.path.join(self.out, "save_file")))

    def test_a_second_run_replaces_the_results(self):
        self.run_ok("run", DEMO, self.out, "--quiet")
        self.run_ok("run", SMALL, self.out, "--quiet")
        other = os.path.join(self.folder, "other")
        self.run_ok("run", SMALL, other, "--quiet")
        self.assertEqual(results(self.out), results(other))
        self.assertEqual(sorted(os.listdir(self.folder)), ["other", "out"])

    def test_a_directory_with_something_else_is_refused(self):
        os.mkdir(self.out)
        with open(os.path.join(self.out, "thesis.tex"), "w", encoding="utf-8") as file:
            file.write("years of work")
        done = self.run_ok("run", SMALL, self.out, status=2)
        self.assertIn("thesis.tex", done.stderr)
        self.assertEqual(os.listdir(self.out), ["thesis.tex"])

    def test_results_beside_something_else_are_refused(self):
        self.run_ok("run", SMALL, self.out, "--quiet")
        with open(os.path.join(self.out, "notes"), "w", encoding="utf-8"):
            pass
        done = self.run_ok("run", SMALL, self.out, status=2)
        self.assertIn("notes", done.stderr)

    def test_a_file_in_the_way_is_refused(self):
        with open(self.out, "w", encoding="utf-8"):
            pass
        done = self.run_ok("run", SMALL, self.out, status=2)
        self.assertIn("comes last: tapline run CAPTURE... OUT", done.stderr)
        self.assertTrue(os.path.isfile(self.out))

    def test_missing_parents_are_made(self):
        deep = os.path.join(self.folder, "a", "b", "out")
        self.run_ok("run", SMALL, deep, "--quiet")
        self.assertTrue(os.path.exists(os.path.join(deep, "ledger.json")))

    def test_the_zone_of_the_command_is_that_of_the_times(self):
        self.run_ok("run", SMALL, self.out, "--quiet", tz="Asia/Shanghai")
        other = os.path.join(self.folder, "utc")
        self.run_ok("run", SMALL, other, "--quiet", tz="UTC")
        east, utc = (records(o, "udp_con.json")[0]["start_timestamp"] for o in (self.out, other))
        self.assertEqual(utc[:13], "2023-07-14 13")
        self.assertEqual(east[:13], "2023-07-14 21")
        self.assertEqual(utc[13:], east[13:])

    def test_standard_input_is_a_capture(self):
        other = os.path.join(self.folder, "other")
        self.run_ok("run", DEMO, other, "--quiet")
        with open(DEMO, "rb") as capture:
            self.run_ok("run", "-", self.out, "--quiet", stdin=capture)
        self.assertEqual(results(self.out), results(other))

    def test_the_ledger_closes(self):
        self.run_ok("run", DEMO, self.out, "--quiet")
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            ledger = json.load(file)
        self.assertEqual(ledger["sources"][0]["size"], os.path.getsize(DEMO))
        self.assertIsNone(ledger["cut"])


class Summary(harness.InFolder):
    """What a run says at its end."""

    def test_people_get_a_sheet(self):
        done = self.run_ok("run", DEMO, self.out)
        for text in ("TCP connections", "BitTorrent", "packets a second", self.out):
            self.assertIn(text, done.stdout)
        self.assertEqual(done.stderr, "")

    def test_json_is_one_object(self):
        done = self.run_ok("run", DEMO, self.out, "--json")
        told = json.loads(done.stdout)
        self.assertEqual(told["packets"], records(self.out, "file_data.json")[0]["packets_count"])
        self.assertEqual(told["tcp"]["complete"], len(records(self.out, "save_con.json")))

    def test_quiet_is_quiet(self):
        done = self.run_ok("run", DEMO, self.out, "--quiet")
        self.assertEqual(done.stdout + done.stderr, "")


class Statuses(harness.InFolder):
    """Exit statuses, and that a failed run changes nothing."""

    def failed_run(self, status, *words, **more):
        """A run over earlier results that fails and leaves them as they were."""
        self.run_ok("run", SMALL, self.out, "--quiet")
        before = results(self.out)
        done = self.run_ok("run", *words, self.out, status=status, **more)
        self.assertEqual(results(self.out), before)
        self.assertEqual(os.listdir(self.folder), ["out"])
        self.assertTrue(done.stderr)
        return done

    def test_a_missing_capture(self):
        done = self.failed_run(3, "nowhere.pcap")
        self.assertIn("nowhere.pcap", done.stderr)

    def test_a_file_that_is_no_capture(self):
        self.failed_run(3, harness.__file__)

    def test_a_cut_capture_is_published_with_a_warning(self):
        done = self.run_ok("run", CUT, self.out, status=4)
        self.assertIn("files-cut.pcap", done.stderr)
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            self.assertIn("files-cut.pcap", json.load(file)["cut"])
        self.assertTrue(records(self.out, "udp_con.json"))

    def test_frames_that_nobody_reads_are_counted_with_a_word(self):
        paths = []
        for link in (105, 127):
            paths.append(os.path.join(self.folder, f"{link}.pcap"))
            with open(paths[-1], "wb") as file:
                file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link))
                for second in range(1689339600, 1689339602):
                    file.write(struct.pack("<IIII", second, 0, 20, 20) + bytes(20))
        done = self.run_ok("run", *paths, self.out, "--quiet")
        for link in (105, 127):
            self.assertEqual(done.stderr.count(f"link type {link} "), 1, done.stderr)
        self.assertEqual(records(self.out, "file_data.json")[0]["noip_packets"], 4)

    def test_an_unknown_option(self):
        self.failed_run(2, SMALL, "--no-such-limit", "1")

    def test_a_worker_that_refuses_its_options_is_not_started_again(self):
        done = self.run_ok("run", DEMO, self.out, "--quiet", "--tap", "tcp://0.0.0.0:5699",
                           status=2)
        self.assertEqual(done.stderr.count("--insecure"), 1)
        self.assertNotIn("started again", done.stderr)
        done = self.run_ok("run", DEMO, self.out, "--quiet", "--tap", f"ipc://{self.out}/no/tap",
                           status=2)
        self.assertEqual(done.stderr.count("No such file"), 1)

    def test_what_all_workers_would_refuse_is_told_once(self):
        for option in ("--batch", "--queue"):
            done = self.run_ok("run", DEMO, self.out, option, "3", status=2)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(f"{option} 3: it takes BYTES from 1024", done.stderr)

    def test_a_worker_that_fails_in_the_middle_is_heard(self):
        """What the tracker was sent before it failed stays in use, and there is more to read than
        the memory for that: the reader hears of the failure before it has waited for long."""
        long = os.path.join(self.folder, "long.pcap")
        with open(os.path.join(CAPTURES, "recorded", "http-large.pcap"), "rb") as file:
            head, one_flow = file.read(24), file.read()
        with gzip.open(DEMO) as file:
            file.read(24)
            many_flows = file.read()
        with open(long, "wb") as file:
            file.write(head + one_flow * 100 + many_flows + one_flow * 200)
        done = self.run_ok("run", long, self.out, "--quiet", "--flows", "5", "--stall", "30",
                           status=2)
        self.assertIn("--flows", done.stderr)

    def test_more_flows_than_allowed_are_no_results(self):
        done = self.run_ok("run", DEMO, self.out, "--quiet", "--flows", "5", status=2)
        self.assertIn("--flows", done.stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_an_option_without_its_value(self):
        done = self.run_ok("run", SMALL, self.out, "--udp-idle", status=2)
        self.assertIn("--udp-idle takes a value", done.stderr)

    def test_closed_standard_streams(self):
        for words, status in ((["-"], 3), ([SMALL], 0)):
            shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", TAPLINE, "run", *words, self.out]
            done = subprocess.run(shell, check=False, timeout=harness.PATIENCE)
            self.assertEqual(done.returncode, status)

    def test_a_value_out_of_range(self):
        done = self.failed_run(2, SMALL, "--probe-segments", "none")
        self.assertIn("--probe-segments", done.stderr)

    def test_an_unknown_profile(self):
        done = self.failed_run(2, SMALL, "-cp", "nobody")
        self.assertIn("tt", done.stderr)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_no_right_to_write(self):
        os.chmod(self.folder, 0o500)
        self.addCleanup(os.chmod, self.folder, 0o700)
        done = self.run_ok("run", SMALL, self.out, status=6)
        self.assertIn(self.folder, done.stderr)

    def test_a_full_disk(self):
        """A file size limit stands for the full disk: both are a write that the system refuses."""
        small = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        go = small + "os.execv(sys.argv[1], sys.argv[1:])"
        done = subprocess.run(["python3", "-c", go, TAPLINE, "run", DEMO, self.out],
                              capture_output=True, text=True, check=False,
                              timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertFalse(os.path.exists(self.out))
        self.assertEqual(os.listdir(self.folder), [])

    def test_no_command(self):
        done = tapline()
        self.assertEqual(done.returncode, 2)
        self.assertIn("one capture (or several as one)", done.stderr)

    def test_no_such_command(self):
        done = tapline("rum", SMALL, self.out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'run'", done.stderr)
        self.assertNotIn("tend", done.stderr)


class Programs(harness.InFolder):
    """The programs by themselves."""

    def program(self, role, *words, **more):
        """Runs one; its CompletedProcess."""
        return subprocess.run([installation.program(role), *words], capture_output=True, text=True,
                              check=False, timeout=harness.PATIENCE, **more)

    def test_the_lobby_takes_what_it_has_a_use_for(self):
        told = self.program("lobby", "--help").stdout
        self.assertIn("--patience SECONDS", told)
        for option in ("--batch", "--queue", "--stall", "--inbox", "--name"):
            self.assertNotIn(option, told)
            self.assertIn(option, self.program("tracker", "--help").stdout)
            self.assertEqual(self.program("lobby", option, "1").returncode, 2)

    def test_who_comes_up_when_all_is_over_says_nothing(self):
        lifeline, hold = os.pipe()
        self.addCleanup(os.close, lifeline)
        os.close(hold)
        done = self.program("tracker", "--join", f"ipc://{self.folder}/gone/lobby", "--lifeline",
                            str(lifeline), pass_fds=[lifeline])
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_reader_says_that_there_is_no_lobby(self):
        profile = os.path.join(self.folder, "profile")
        with open(profile, "w", encoding="utf-8") as file:
            file.write("{}")
        done = self.program("reader", "--join", f"ipc://{self.folder}/lobby", "--out", self.out,
                            "--profile", profile, "--gather", "0.1", SMALL)
        self.assertEqual(done.returncode, 5)
        self.assertIn("nothing was heard of the pipeline's lobby", done.stderr)

    def test_a_port_that_there_cannot_be_is_wrong_use(self):
        lobby, wrong = f"ipc://{self.folder}/lobby", "tcp://127.0.0.1:99999"
        profile = os.path.join(self.folder, "profile")
        with open(profile, "w", encoding="utf-8") as file:
            file.write("{}")
        reader = ("--out", self.out, "--profile", profile, SMALL)
        for role, *words in (("lobby", "--join", wrong), ("lobby", "--query", wrong),
                             ("lobby", "--query", lobby, "--inbox", wrong),
                             ("tracker", "--join", wrong), ("reader", "--join", wrong, *reader),
                             ("tracker", "--join", lobby, "--inbox", wrong),
                             ("tracker", "--join", lobby, "--inbox", "tcp://127.0.0.1:*",
                              "--advertise", wrong),
                             ("sink", "--join", lobby, "--tap", wrong),
                             ("tap", "--connect", wrong),
                             ("archive", "--connect", wrong, os.path.join(self.folder, "a"))):
            with self.subTest(role=role, words=words):
                done = self.program(role, *words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, f"^tapline-{role}: {wrong}: its port is [^\n]*\n$")
        for words in (("run", SMALL, self.out, "--tap", wrong), ("tap", "--connect", wrong)):
            self.assertIn(f"{wrong}: its port is ", self.run_ok(*words, status=2).stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_bounds_are_told_in_the_unit_that_values_have(self):
        refused = self.program("sink", "--tap-patience", "0")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("from 0.001 to 3600", refused.stderr)


class Platforms(harness.InFolder):
    """Platforms are data."""

    MADE_UP = {"platform": "acme", "title": "A made-up platform", "signatures": [
        {"name": "beacon", "transport": "udp", "label": "acme", "priority": 5,
         "match": [{"where": [{"at": 0, "hex": "2112a442"}], "value": {"at": 4, "length": 12}}]}]}

    def write(self, text):
        """A platform file."""
        path = os.path.join(self.folder, "acme.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def capture(self, payload):
        """A capture of one UDP datagram."""
        udp = struct.pack(">HHHH", 40001, 9000, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                         bytes([192, 0, 2, 10]), bytes([198, 51, 100, 20])) + udp
        path = os.path.join(self.folder, "one.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
            file.write(struct.pack("<IIII", 1689339600, 0, len(ip), len(ip)) + ip)
        return path

    def test_a_new_platform_is_a_new_file(self):
        capture = self.capture(bytes.fromhex("2112a442") + b"device-00017-and more")
        self.run_ok("run", capture, self.out, "-cp", self.write(json.dumps(self.MADE_UP)))
        (record,) = records(self.out, "udp_con.json")
        self.assertEqual(record["protocol_type"], "acme")
        self.assertEqual(record["identifiers"], [{"signature": "beacon", "ip": "192.0.2.10",
                                                  "value": "device-00017", "location": 4}])

    def test_a_broken_file_is_refused_with_its_fault(self):
        broken = json.loads(json.dumps(self.MADE_UP))
        broken["signatures"][0]["transport"] = "carrier pigeon"
        done = self.run_ok("run", SMALL, self.out, "-cp", self.write(json.dumps(broken)), status=2)
        for text in ("acme.json", "beacon", "transport"):
            self.assertIn(text, done.stderr)

    def test_a_file_that_is_no_json_is_refused(self):
        done = self.run_ok("run", SMALL, self.out, "-cp", self.write("{"), status=2)
        self.assertIn("acme.json", done.stderr)


class Leftovers(harness.InFolder):
    """Whatever happens to a run, no process and no folder stays behind."""

    def start(self):
        """A run that waits for its standard input; its process."""
        held = subprocess.Popen([TAPLINE, "run", "-", self.out], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=dict(os.environ, TMPDIR=self.folder))
        self.addCleanup(held.wait)
        self.addCleanup(held.stdin.close)
        with open(SMALL, "rb") as capture:
            held.stdin.write(capture.read(200))
            held.stdin.flush()
        self.assertTrue(wait_until(lambda: len(processes_of(self.folder)) >= 7))
        (sockets,) = glob.glob(os.path.join(self.folder, "tapline-*"))
        self.assertEqual(os.stat(sockets).st_mode & 0o777, 0o700)
        return held

    def all_gone(self):
        """Neither processes nor anything in the folder."""
        self.assertTrue(wait_until(lambda: not processes_of(self.folder)))
        self.assertTrue(wait_until(lambda: os.listdir(self.folder) == []),
                        os.listdir(self.folder))

    def test_an_interrupt(self):
        held = self.start()
        held.send_signal(signal.SIGINT)
        self.assertEqual(held.wait(harness.PATIENCE), 130)
        self.all_gone()

    def test_an_interrupt_before_anything_began(self):
        """The command under another interpreter, which is interrupted before it is one."""
        early = os.path.join(self.folder, "python3")
        with open(early, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nkill -INT $$\nexec /usr/bin/python3 \"$@\"\n")
        os.chmod(early, 0o700)
        with open(TAPLINE, encoding="utf-8") as file:
            first = file.readline()
        self.assertIn("/usr/bin/python3", first)
        words = first.removeprefix("#!").replace("/usr/bin/python3", early).split()
        done = subprocess.run([*words, TAPLINE, "run", SMALL, self.out], capture_output=True,
                              text=True, timeout=harness.PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (130, "", ""))
        self.assertFalse(os.path.exists(self.out))

    def test_a_kill(self):
        held = self.start()
        held.kill()
        held.wait(harness.PATIENCE)
        held.stdin.close()
        self.all_gone()


class OldWords(harness.InFolder):
    """The old tool's command line."""

    def test_a_single_file(self):
        self.run_ok("-sp", STUN, "-dp", self.out, "-cp", "tt")
        other = os.path.join(self.folder, "other")
        self.run_ok("run", STUN, other, "-cp", "tt", "--quiet")
        self.assertEqual(results(self.out), results(other))

    def test_both_spellings_at_once(self):
        self.run_ok("run", "-sp", STUN, "-dp", self.out, "--quiet")
        self.assertEqual(os.listdir(self.folder), ["out"])

    def test_the_captures_name_may_hold_spaces_and_colons(self):
        odd = os.path.join(self.folder, "2023-07-14 15:00:00 - x.pcap")
        shutil.copy(SMALL, odd)
        self.run_ok("-sp", odd, "-dp", self.out + " 15:00", "-cp", "wxy")
        self.assertTrue(os.path.exists(self.out + " 15:00/ledger.json"))


class Start(harness.InFolder):
    """A run begins at once."""

    def test_it_loads_what_it_needs_and_compiles_nothing(self):
        done = subprocess.run([sys.executable, "-ISv", TAPLINE, "run", EMPTY, self.out, "--quiet"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        ours = re.findall(r"^import 'launcher\.(\w+)' # ", done.stderr, re.MULTILINE)
        self.assertEqual(set(ours), {"commands", "tap_options", "status", "run", "installation",
                                     "tap", "pipeline", "readers", "worker", "profile", "request"})
        self.assertNotIn("import 'site' ", done.stderr)
        self.assertNotRegex(done.stderr, r"# code object from \S+\.py\n")


class Installed(harness.InFolder):
    """`make install` gives a tree that works by itself."""

    def test_nothing_is_left_to_compile(self):
        subprocess.run(["make", "-s", "install", "PREFIX=/usr", "DESTDIR=" + self.folder],
                       cwd=harness.ROOT, check=True, capture_output=True)
        share = os.path.join(self.folder, "usr", "share", "tapline", "launcher")
        modules = glob.glob(os.path.join(share, "*.py"))
        self.assertTrue(modules)
        for module in modules:
            self.assertTrue(os.path.exists(importlib.util.cache_from_source(module)), module)

    def test_from_another_place(self):
        subprocess.run(["make", "-s", "install", "PREFIX=/usr", "DESTDIR=" + self.folder],
                       cwd=harness.ROOT, check=True, capture_output=True)
        program = os.path.join(self.folder, "usr", "bin", "tapline")
        environment = {k: v for k, v in os.environ.items() if k != "TAPLINE_BIN"}
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run([program, "run", SMALL, "out", "--quiet"], cwd=elsewhere,
                                  env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(os.path.exists(os.path.join(elsewhere, "out", "ledger.json")))


class Plans(harness.InFolder):
    """`plan` measures on a capture, and multiplies."""

    def test_a_higher_rate_needs_no_less(self):
        done = self.run_ok("plan", DEMO, "--gbit", "1,1000", "--load", "0.5", "--json")
        plan = json.loads(done.stdout)
        self.assertEqual(sorted(plan["stages"]),
                         ["classifier", "extractor", "reader", "sink", "tracker"])
        for stage in plan["stages"].values():
            self.assertGreater(stage["ns_per_packet"], 0)
            # A thousand times the rate; what one gigabit needs is rounded up to whole processes.
            one, many = stage["needed"]["1"], stage["needed"]["1000"]
            self.assertGreaterEqual(many, one)
            self.assertLessEqual(many, 1000 * one)
            self.assertGreaterEqual(many, stage["seconds_per_gigabit"] * 1000 / 0.5)

    def test_what_cannot_be_planned_is_refused(self):
        self.assertIn("no packets", self.run_ok("plan", EMPTY, status=2).stderr)
        self.assertIn("--gbit", self.run_ok("plan", DEMO, "--gbit", "fast", status=2).stderr)
        self.assertIn("--load", self.run_ok("plan", DEMO, "--load", "2", status=2).stderr)
        self.run_ok("plan", os.path.join(self.folder, "missing.pcap"), status=3)


if __name__ == "__main__":
    harness.main()
