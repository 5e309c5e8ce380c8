#!/usr/bin/env python3
"""Standing pipelines: up, status, scale, down, and captures through them."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys

import harness
from harness import CAPTURES, DEMO, TAPLINE, results, tapline, wait_until

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation, topology  # noqa: E402  (the path must be known first)
from launcher.status import Failure  # noqa: E402

SMALL = os.path.join(CAPTURES, "crafted", "files-micro-little.pcap")
STUN = os.path.join(CAPTURES, "crafted", "signatures-stun.pcap")
NODE = "36.137.0.1"
ONE_OF_EACH = """
tracker     1  here
classifier  1  here
extractor   1  here
sink        1  here
"""


class Pipelines(harness.InFolder):
    """What the tests of standing pipelines share: a topology, and that nothing stays behind."""

    def setUp(self):
        super().setUp()
        self.run_folder = os.path.join(self.folder, "run")
        self.root = os.path.join(self.folder, "records")
        self.file = os.path.join(self.folder, "a.topology")
        os.mkdir(self.run_folder, 0o700)
        self.environment = {"XDG_RUNTIME_DIR": self.run_folder}
        self.addCleanup(self.command, "down", self.file)

    def topology(self, text):
        """Writes the topology's file."""
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(f"{text}\nroot {self.root}\n")

    def command(self, *words, **more):
        """Runs a tapline command that sees what runs for this test only."""
        return tapline(*words, env=self.environment, **more)

    def ok(self, *words, status=0, **more):
        """The same, where its exit status must be this."""
        done = self.command(*words, **more)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def begin(self, *words, **more):
        """Starts a command; its Popen."""
        process = subprocess.Popen([TAPLINE, *words], text=True, stderr=subprocess.PIPE, **more,
                                   env=dict(os.environ, TZ="UTC", **self.environment))
        self.addCleanup(process.wait)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def status(self):
        """The status table, by the workers' names."""
        rows = json.loads(self.ok("status", self.file, "--json").stdout)
        return {row["name"]: row for row in rows}

    def names(self, state="up"):
        """The workers in a state."""
        return sorted(name for name, row in self.status().items() if row["state"] == state)

    def via(self, capture, out):
        """Plays a capture through the pipeline; the results."""
        self.ok("run", "--via", self.file, "--quiet", capture, out)
        return results(os.path.join(self.root, out))

    def alone(self, capture):
        """The results of a private run, made once for a test."""
        out = os.path.join(self.folder, "alone-" + os.path.basename(capture))
        if not os.path.exists(out):
            self.run_ok("run", capture, out, "--quiet")
        return results(out)

    def processes(self):
        """All that were started by the commands of this test, and run."""
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    if self.run_folder.encode() in file.read():
                        found.append(int(path.split("/")[2]))
            except OSError:
                pass  # it has ended
        return found

    def pid_of(self, name):
        """The number of a worker's process; None: it has none now."""
        for process in self.processes():
            try:
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            named = words[words.index(b"--name") + 1] if b"--name" in words else None
            if named == name.encode() or words[0].endswith(b"tapline-" + name.encode()):
                return process
        return None

    def kill_supervisor(self, host):
        """Kills what looks after a host's workers."""
        (mark,) = glob.glob(os.path.join(self.run_folder, "tapline", "*", host, "mark"))
        with open(mark, encoding="ascii") as file:
            os.kill(json.load(file)["pid"], signal.SIGKILL)

    def down(self, status=0):
        """Ends the pipeline, which leaves nothing behind; the CompletedProcess."""
        done = self.ok("down", self.file, status=status)
        self.assert_nothing_is_left()
        return done

    def assert_nothing_is_left(self):
        self.assertEqual(self.processes(), [])
        self.assertEqual(os.listdir(self.run_folder), [])


class OnOneMachine(Pipelines):
    """Without TCP."""

    def day(self):
        """The folder of a node's captures of one day, made."""
        path = os.path.join(self.folder, NODE, "tcpdump", "20230714")
        os.makedirs(path)
        return path

    def batch_words(self):
        """A command: every capture of the node, through the pipeline."""
        return ("batch", "--via", self.file, "-src_dir", self.folder, "-ip", NODE, "-sd",
                "20230714", "-ed", "20230714", "-dst_dir", "nodes", "--json")

    def batch(self):
        """Runs it; the closing table."""
        return json.loads(self.ok(*self.batch_words()).stdout)

    def test_many_captures_and_another_size(self):
        self.topology(ONE_OF_EACH)
        day = self.day()
        shutil.copy(SMALL, day)
        shutil.copy(STUN, day)
        self.assertIn("1 classifier,", self.ok("up", self.file).stdout)
        runs = [self.begin("run", "--via", self.file, "--quiet", DEMO, f"a/{n}") for n in range(3)]
        self.assertEqual([run.wait(harness.PATIENCE) for run in runs], [0, 0, 0],
                         [run.stderr.read() for run in runs])
        for number in range(3):
            self.assertEqual(results(os.path.join(self.root, "a", str(number))), self.alone(DEMO))
        self.assertEqual(self.batch()["done"], 2)
        self.assertEqual(results(os.path.join(self.root, "nodes", NODE, "20230714",
                                              "signatures-stun")), self.alone(STUN))
        self.assertEqual(self.batch()["passed_over"], 2)
        for outside in ("../nodes", os.path.join(self.folder, "nodes")):
            words = [outside if word == "nodes" else word for word in self.batch_words()]
            self.assertIn("below the pipeline's root", self.ok(*words, status=2).stderr)
        self.assertIn("is up already", self.ok("up", self.file, status=2).stderr)
        self.watched()
        self.scaled()
        self.down()
        self.assertIn("tapline up", self.ok("status", self.file, status=2).stderr)

    def watched(self):
        """The table comes again and again, until Ctrl-C."""
        watching = self.begin("status", self.file, "--watch", stdout=subprocess.PIPE)
        heads = 0
        while heads < 2:
            line = watching.stdout.readline()
            self.assertTrue(line)
            heads += line.startswith("worker ")
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=harness.PATIENCE)
        self.assertEqual(watching.returncode, 0)

    def scaled(self):
        """More and fewer of the stages, and the same results."""
        self.ok("scale", self.file, "classifier=3", "extractor=+1", "tracker=+1@here")
        self.assertEqual(self.names(), ["classifier-1", "classifier-2", "classifier-3",
                                        "extractor-1", "extractor-2", "lobby", "sink-1",
                                        "tracker-1", "tracker-2"])
        self.assertEqual(self.via(DEMO, "wide"), self.alone(DEMO))
        self.ok("scale", self.file, "classifier=-2")
        self.assertEqual(self.via(DEMO, "wide"), self.alone(DEMO))
        self.assertTrue(wait_until(lambda: "classifier-3" not in self.status()
                                   and "classifier-2" not in self.status(), seconds=60))
        self.ok("scale", self.file, "classifier=+1")
        self.assertIn("classifier-4", self.names())
        for change, why in (("classifier=0", "1 to 256"), ("sink=-1", "1 to 256"),
                            ("lobby=2", "a stage is one of"), ("classifier", "STAGE=N"),
                            ("sink=+1@there", "other hosts cannot reach this lobby")):
            self.assertIn(why, self.ok("scale", self.file, change, status=2).stderr)

    def test_who_dies_is_started_again(self):
        self.topology(ONE_OF_EACH + "option lobby --patience 60\n")
        self.ok("up", self.file)
        for name in ("classifier-1", "lobby"):
            before = self.pid_of(name)
            os.kill(before, signal.SIGKILL)
            self.assertTrue(wait_until(lambda n=name, b=before: self.pid_of(n) not in (None, b),
                                       seconds=60))
        self.assertTrue(wait_until(lambda: len(self.names()) == 5, seconds=60))
        self.assertEqual(self.via(SMALL, "after"), self.alone(SMALL))
        self.kill_supervisor("here")
        # Its workers hang on its lifeline, and nobody else is taken for it.
        self.assertTrue(wait_until(lambda: not self.processes(), seconds=60))
        for words in (("status", self.file), ("run", "--via", self.file, SMALL, "late")):
            self.assertIn(f"supervisor is gone; `tapline up {self.file}`",
                          self.ok(*words, status=5).stderr)
        self.ok("up", self.file)  # what was written down runs no more
        self.down()

    def test_a_root_that_cannot_be_made_fails_the_whole(self):
        self.root = "/proc/records"
        self.topology(ONE_OF_EACH)
        said = self.ok("up", self.file, status=5).stderr
        self.assertIn("`root /proc/records` cannot be made", said)
        self.assert_nothing_is_left()

    def test_a_worker_that_cannot_run_fails_the_whole(self):
        self.topology(ONE_OF_EACH + "option classifier --no-such-option 1\n")
        said = self.ok("up", self.file, status=2).stderr
        self.assertIn("classifier-1 on here cannot work like this: ", said)
        self.assertIn("no-such-option", said)
        self.assert_nothing_is_left()

    def test_down_waits_for_captures_and_has_a_limit(self):
        self.topology(ONE_OF_EACH + "drain 5\n")
        self.ok("up", self.file)
        run = self.begin("run", "--via", self.file, "--quiet", "-", "slow", stdin=subprocess.PIPE)
        with open(DEMO, "rb") as capture:
            run.stdin.buffer.write(capture.read()[:-9])
        run.stdin.flush()
        self.assertTrue(wait_until(lambda: self.status()["sink-1"].get("sessions") == 1, 60))
        captures = self.many_captures()
        batch = self.begin(*self.batch_words(), stdout=subprocess.PIPE)
        self.assertTrue(wait_until(lambda: glob.glob(f"{self.root}/nodes/*/*/*/ledger.json"), 60))
        done = self.ok("down", self.file)
        self.assertIn("not finished after 5 seconds", done.stderr)
        _, said = run.communicate(timeout=harness.PATIENCE)
        self.assertEqual(run.returncode, 5, said)
        self.assertFalse(os.path.exists(os.path.join(self.root, "slow")))
        self.broken_off(batch, captures)
        self.assert_nothing_is_left()

    def many_captures(self):
        """Puts more than are done in a moment into the node's folder; how many."""
        day, count = self.day(), 300
        for number in range(count):
            os.symlink(DEMO, os.path.join(day, f"{number}.pcap.gz"))
        return count

    def broken_off(self, batch, captures):
        """The pipeline went down below it: what was not done is listed, and done the next time."""
        table, said = batch.communicate(timeout=harness.PATIENCE)
        self.assertEqual(batch.returncode, 5, said)
        table = json.loads(table)
        self.assertEqual(table["done"] + table["failed"], captures)
        with open(os.path.join(self.root, "nodes", NODE, "failed.json"), encoding="utf-8") as file:
            failed = [json.loads(line) for line in file]
        self.assertEqual(len(failed), table["failed"])
        self.assertEqual({outcome["status"] for outcome in failed}, {5})
        self.assertIn("was brought down", failed[-1]["reason"])
        for folder in glob.glob(os.path.join(self.root, "nodes", NODE, "20230714", "*")):
            self.assertEqual(results(folder), self.alone(DEMO))


FAULTS = (
    ("tracker 1\n", 1, "tracker COUNT HOST"),
    ("\ntracker one here\n", 2, "a count is a whole number"),
    ("tracker 1 -oProxyCommand=x\n", 1, "a host is"),
    ("tracker 1 here\ntracker 2 here\n", 2, "has a line above"),
    ("lobby 2 here 127.0.0.1:1\n", 1, "one lobby"),
    ("lobby 1 here 127.0.0.1\n", 1, "ADDRESS:PORT"),
    ("lobby 1 here head:5600\n", 1, "head: an address is"),
    ("lobby 1 here 0.0.0.0:5600\n", 1, "one that others reach"),
    ("lobby 1 here [2001:db8::1]:x\n", 1, "a port is a whole number"),
    ("lobby 1 edge1\n", 1, "needs its address"),
    ("sink 1 edge1 192.0.2.7:1\n", 1, "an address is"),
    ("sink 1 edge1 192.0.2.7\ntracker 1 edge1 192.0.2.8\n", 2, "edge1 has the address"),
    ("sink 1 edge1\ntracker 1 me@edge1\n", 2, "a host has one name"),
    ("classifer 1 here\n", 1, "neither a stage"),
    ("root records\n", 1, "whole path"),
    ("insecure\n", 1, "insecure yes"),
    ("option reader --verbose\n", 1, "STAGE is one of"),
    (ONE_OF_EACH, None, "`root DIR` is missing"),
    ("root /tmp\n", None, "there is no tracker"),
    (ONE_OF_EACH + "root /tmp\nsink 1 edge1\n", None, "edge1 is another machine"),
)


class Topologies(Pipelines):
    """What is wrong in a file is told with the line, and what to do."""

    def test_faults(self):
        for text, line, why in FAULTS:
            with self.subTest(text):
                with open(self.file, "w", encoding="utf-8") as file:
                    file.write(text)
                with self.assertRaises(Failure) as raised:
                    topology.read(self.file)
                self.assertEqual(raised.exception.status, 2)
                where = f"{self.file}, line {line}: " if line else f"{self.file}: "
                self.assertTrue(str(raised.exception).startswith(where), raised.exception)
                self.assertIn(why, str(raised.exception))

    def test_a_fault_starts_nothing(self):
        self.topology(ONE_OF_EACH + "classifer 1 here")
        self.assertIn("line 6: classifer", self.ok("up", self.file, status=2).stderr)
        self.assertIn("No such file", self.ok("up", self.file + ".no", status=2).stderr)
        self.topology(ONE_OF_EACH.replace("sink        1", "sink 2")
                      + "option sink --tap ipc:///tmp/records")
        self.assertIn("cannot share a tap", self.ok("up", self.file, status=2).stderr)
        self.assert_nothing_is_left()

    def test_the_examples_are_well_formed(self):
        examples = glob.glob(os.path.join(harness.ROOT, "deploy", "topologies", "*.topology"))
        read = {os.path.basename(path): topology.read(path) for path in examples}
        self.assertFalse(read["one-machine.topology"].lobby)
        self.assertEqual(sorted(read["three-hosts.topology"].hosts), ["edge1", "edge2", "here"])


class OnThreeHosts(Pipelines):
    """Three hosts that are this one, reached by a remote shell of the test's, with keys."""

    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.folder, "keys")
        shell = os.path.join(self.folder, "rsh")
        with open(shell, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\ncase $1 in unknown) echo "no such host" >&2; exit 255;; esac\n'
                       'shift\nexec "$@"\n')
        os.chmod(shell, 0o755)
        self.environment["TAPLINE_RSH"] = shell
        self.port = harness.free_port()
        self.topology("\n".join([
            f"lobby 1 here 127.0.0.1:{self.port}", "tracker 1 here", "classifier 1 edge1",
            "classifier 1 edge2 127.0.0.2", "extractor 1 me@edge1", "sink 1 here",
            f"keys {self.keys}", "key here head", f"tapline {TAPLINE}",
            f"option sink --tap=ipc://{self.folder}/tap"]).replace(
                "1 edge1", "1 me@edge1"))

    def key(self, deed, *words, status=0):
        """A deed of `tapline keys`."""
        return self.ok("keys", "--keys", self.keys, deed, *words, status=status)

    def new_key(self, name):
        """Makes a key and allows it."""
        path = self.key("new", name).stdout.strip()
        self.key("allow", path)
        return path

    def query(self, name):
        """Asks the lobby with a key; the Popen. A refusal takes five seconds."""
        public = os.path.join(self.keys, "head.pub")
        process = subprocess.Popen(
            [installation.program("lobby"), "--query", f"tcp://127.0.0.1:{self.port}", "--key",
             os.path.join(self.keys, name), "--allow", os.path.join(self.keys, "allowed"),
             "--lobby-key", public], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_from_keys_to_results(self):
        self.assertIn("keys new head", self.ok("up", self.file, status=2).stderr)
        for name in ("head", "edge1"):
            self.new_key(name)
        path = self.key("new", "edge2").stdout.strip()
        self.key("revoke", "edge1")
        said = self.ok("up", self.file, status=2).stderr
        for host in ("edge1", "edge2"):  # all that is to be done, not a host at a time
            self.assertIn(f"{host}: its key {host} is not allowed", said)
        self.assert_nothing_is_left()
        self.key("allow", os.path.join(self.keys, "edge1.pub"))
        self.key("allow", path)
        self.ok("up", self.file)
        self.assertEqual({row["host"] for row in self.status().values()},
                         {"here", "edge1", "edge2"})
        self.assertEqual(self.via(DEMO, "three"), self.alone(DEMO))
        said = self.ok("scale", self.file, "sink=+1@unknown", status=5).stderr
        self.assertEqual(said.count("no such host"), 1, said)
        self.ok("scale", self.file, "extractor=+1@edge3", status=5)
        self.assertIn("{name}", self.ok("scale", self.file, "sink=+1", status=2).stderr)
        self.leaves_the_host_that_it_was_on()
        refused = self.revoked()
        self.key("revoke", "edge2")
        os.kill(self.pid_of("classifier-edge2-1"), signal.SIGKILL)
        self.kill_supervisor("edge1")
        missing = {"classifier-edge1-1", "extractor-edge1-1", "classifier-edge2-1"}
        self.assertTrue(wait_until(lambda: missing <= set(self.names("missing")), 60))
        self.assertEqual(refused.wait(harness.PATIENCE), 5)
        said = self.ok("status", self.file).stderr
        self.assertIn("edge1: its supervisor is gone", said)
        self.assertIn("edge2: its key edge2 is not allowed", said)
        self.key("allow", path)
        self.assertIn("edge1: up again", self.ok("up", self.file).stdout)
        self.assertEqual(self.via(SMALL, "small"), self.alone(SMALL))
        self.down()

    def test_status_says_that_a_silent_workers_key_was_revoked(self):
        """Whose connection is lost gets no other one then."""
        paths = {name: self.new_key(name) for name in ("head", "edge1", "edge2")}
        with open(self.file, "a", encoding="utf-8") as file:
            file.write("\noption lobby --patience 300\n")
        self.ok("up", self.file)
        worker = self.pid_of("classifier-edge2-1")
        os.kill(worker, signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: self.names("silent") == ["classifier-edge2-1"], 60))
        self.assertEqual(self.ok("status", self.file).stderr, "")
        self.key("revoke", "edge2")
        self.assertEqual(self.ok("status", self.file).stderr,
                         "tapline: classifier-edge2-1: its key is not allowed any more; "
                         "`tapline keys allow` lets it in\n")
        self.key("allow", paths["edge2"])
        self.assertEqual(self.ok("status", self.file).stderr, "")
        os.kill(worker, signal.SIGCONT)
        self.assertTrue(wait_until(lambda: not self.names("silent")))
        self.down()

    def leaves_the_host_that_it_was_on(self):
        """Who is told to go is shown where the topology has it, until it is gone."""
        self.ok("scale", self.file, "classifier=+1@edge1")
        self.ok("scale", self.file, "classifier=-1@edge1")
        there = self.status()
        if "classifier-edge1-2" in there:
            self.assertEqual(there["classifier-edge1-2"]["host"], "edge1")

    def revoked(self):
        """A key that is allowed while the pipeline runs gets in, and when it is revoked no more:
        the query that is to be refused."""
        guest = self.key("new", "guest").stdout.strip()
        self.key("allow", guest)
        self.assertEqual(self.query("guest").wait(harness.PATIENCE), 0)
        lists = glob.glob(os.path.join(self.run_folder, "tapline", "*", "edge?", "allowed"))
        self.assertEqual(len(lists), 2)
        for folder in lists:
            self.assertIn("guest.pub", os.listdir(folder))
        self.key("revoke", guest)
        refused = self.query("guest")
        for folder in lists:
            self.assertNotIn("guest.pub", os.listdir(folder))
        self.assertRegex(self.key("list").stdout, r"(?m)^guest +own +\S+$")
        return refused

    def test_keys_are_checked(self):
        path = self.key("new", "head").stdout.strip()
        self.assertEqual(os.stat(path.removesuffix(".pub")).st_mode & 0o777, 0o600)
        for words in (("new", "head"), ("new", "../head"), ("new", "a.pub"),
                      ("allow", path.removesuffix(".pub")), ("allow", self.file),
                      ("revoke", "nobody")):
            self.key(*words, status=2)
        self.key("allow", path)
        self.key("revoke", "head")
        self.key("revoke", "head", status=2)


if __name__ == "__main__":
    harness.main()
