#!/usr/bin/env python3
"""A pipeline over TCP with keys: it works, and who has no listed key gets in nowhere."""
import json
import os
import shutil
import socket
import subprocess
import sys
import unittest

DEBIANS = "/usr/bin/python3"  # has Debian's packages, which another that comes first has not
try:
    import msgpack
    import zmq
    from zmq.utils.monitor import recv_monitor_message
except ImportError:
    zmq = None
    if os.path.exists(DEBIANS) and sys.executable != DEBIANS:
        os.execv(DEBIANS, [DEBIANS, *sys.argv])

import harness
from crew import PATIENT

sys.path.append(os.path.join(harness.ROOT, "deploy"))
from launcher import installation  # noqa: E402  (the path must be known first)
from launcher.profile import Profile  # noqa: E402

WORKERS = ("tracker", "classifier", "extractor", "sink")


class Keys(harness.InFolder):
    """Key files, and a standing pipeline that uses them."""

    def setUp(self):
        super().setUp()
        self.allow = os.path.join(self.folder, "allowed")
        os.mkdir(self.allow)
        self.lobby = f"tcp://127.0.0.1:{harness.free_port()}"
        self.processes = []
        self.addCleanup(self.down)

    def down(self):
        """Ends what was started."""
        for process in self.processes:
            process.kill()
            process.wait()

    def key(self, name, listed=True):
        """A new key's file."""
        path = os.path.join(self.folder, name)
        done = subprocess.run([installation.program("lobby"), "--new-key", path], check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        if listed:
            shutil.copy(path + ".pub", self.allow)
        return path

    def with_key(self, path):
        """Options for a program that has this key."""
        return ["--key", path, "--allow", self.allow, "--lobby-key",
                os.path.join(self.folder, "head.pub")]

    def start(self, role, *options, **more):
        """One program of the pipeline."""
        self.processes.append(subprocess.Popen(
            [installation.program(role), "--join", self.lobby, *options], **more))

    def up(self, *of_sink):
        """A whole pipeline; the lobby's key is the workers' as well, as on one host."""
        head = self.key("head")
        self.start("lobby", "--key", head, "--allow", self.allow, *PATIENT)
        for role in WORKERS:
            self.start(role, "--name", role + "-1", *self.with_key(head),
                       *(of_sink if role == "sink" else ()))
        self.assertTrue(harness.wait_until(lambda: len(self.listed(head)) == len(WORKERS)))
        return head

    def query(self, *options):
        """Asks the lobby who is there; the CompletedProcess."""
        return subprocess.run([installation.program("lobby"), "--query", self.lobby, *options],
                              capture_output=True, text=True, check=False,
                              timeout=harness.PATIENCE)

    def listed(self, key):
        """The workers that the lobby knows."""
        return json.loads(self.query(*self.with_key(key)).stdout or "[]")

    def reader(self, key, capture):
        """The command that plays a capture through the pipeline."""
        profile = os.path.join(self.folder, "profile.json")
        with open(profile, "w", encoding="utf-8") as file:
            file.write(Profile("any").document())
        return [installation.program("reader"), "--join", self.lobby, "--out", self.out,
                "--profile", profile, "--quiet", *self.with_key(key), capture]

    def read(self, key):
        """Plays the demo through the pipeline; the exit status."""
        return subprocess.run(self.reader(key, harness.DEMO), env=dict(os.environ, TZ="UTC"),
                              check=False, timeout=harness.PATIENCE).returncode

    def public(self, path):
        """The words of a key file, by their names."""
        with open(path, encoding="ascii") as file:
            return dict(line.split() for line in file)

    def test_a_key_is_its_owners(self):
        key = self.key("head")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        self.assertEqual(list(self.public(key + ".pub")), ["public-key"])
        os.chmod(key, 0o640)
        done = subprocess.run([installation.program("lobby"), "--join", self.lobby, "--key", key],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("chmod 600", done.stderr)

    def test_a_key_is_not_overwritten(self):
        key = self.key("head")
        before = self.public(key)
        done = subprocess.run([installation.program("lobby"), "--new-key", key], check=False,
                              capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.public(key), before)

    def test_beyond_this_machine_keys_are_needed(self):
        """By every program, to join, to bind and to ask."""
        far = "tcp://192.0.2.1:5600"
        reader = ("--out", self.out, "--profile", "any", harness.DEMO)
        for role, *words in (("lobby", "--join", far), ("lobby", "--query", far),
                             *((role, "--join", far) for role in WORKERS),
                             ("reader", "--join", far, *reader),
                             ("classifier", "--join", self.lobby, "--inbox", "tcp://192.0.2.1:*"),
                             ("sink", "--join", self.lobby, "--tap", far)):
            done = subprocess.run([installation.program(role), *words], capture_output=True,
                                  text=True, check=False, timeout=harness.PATIENCE)
            self.assertEqual(done.returncode, 2, (role, words, done.stderr))
            has_lobby = (role, words[0]) != ("lobby", "--join") and "--tap" not in words
            options = "--key, --allow, --lobby-key" if has_lobby else "--key, --allow"
            self.assertIn(f"give keys ({options}), or say --insecure", done.stderr)

    def test_a_pipeline_with_keys_finds_the_same(self):
        head = self.up()
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", harness.DEMO, plain, "--quiet")
        self.assertEqual(self.read(self.key("guest")), 0)
        self.assertEqual(harness.results(self.out), harness.results(plain))
        self.assertEqual({w["key"] for w in self.listed(head) if w["role"] != "reader"},
                         {self.public(head)["public-key"]})

    def test_ipv6_is_tcp_too(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("there is no IPv6 here")
        self.lobby = f"tcp://[::1]:{harness.free_port()}"
        head = self.up()
        self.assertEqual(self.read(head), 0)
        self.assertTrue(os.path.exists(os.path.join(self.out, "ledger.json")))

    def state(self, key, name):
        """What the lobby says of a worker; None: it does not know it."""
        return {worker["name"]: worker["state"] for worker in self.listed(key)}.get(name)

    def test_who_is_allowed_late_comes_in_then(self):
        """And is told meanwhile why it does not."""
        head, late = self.up(), self.key("late", listed=False)
        with open(os.path.join(self.folder, "late.log"), "w+", encoding="utf-8") as log:
            self.start("classifier", "--name", "late", *self.with_key(late), stderr=log)
            said = harness.wait_until(lambda: "keys allow" in self.text_of(log), 60)
            self.assertTrue(said, self.text_of(log))
        self.assertIsNone(self.state(head, "late"))
        shutil.copy(late + ".pub", self.allow)
        self.assertTrue(harness.wait_until(lambda: self.state(head, "late") == "up", 60))

    @staticmethod
    def text_of(file):
        """All that stands in a file."""
        file.seek(0)
        return file.read()

    def test_who_cannot_be_reached_gets_no_work(self):
        """A worker that finds the lobby, but lets nobody in."""
        head, deaf = self.up(), self.key("deaf")
        alone = os.path.join(self.folder, "alone")
        os.mkdir(alone)
        self.start("classifier", "--name", "deaf", "--key", deaf, "--allow", alone, "--lobby-key",
                   os.path.join(self.folder, "head.pub"))
        self.assertTrue(harness.wait_until(lambda: self.state(head, "deaf") == "coming", 60))
        self.assertEqual(self.read(head), 0)
        with open(os.path.join(self.out, "ledger.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["attempt"], 1)
        shutil.copy(head + ".pub", alone)
        self.assertTrue(harness.wait_until(lambda: self.state(head, "deaf") == "up", 60))

    @unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not here")
    def test_strangers_are_refused_at_every_socket(self):
        tap = f"tcp://127.0.0.1:{harness.free_port()}"
        head = self.up("--tap", tap)
        stranger = self.key("stranger", listed=False)
        reader = subprocess.Popen(self.reader(head, "-"), stdin=subprocess.PIPE)
        self.processes.append(reader)
        self.addCleanup(reader.stdin.close)
        self.assertTrue(harness.wait_until(lambda: len(self.listed(head)) > len(WORKERS), 60))
        sockets = [w[which] for w in self.listed(head) for which in ("data", "control") if w[which]]
        self.assertGreater(len(sockets), 2 * len(WORKERS))
        for endpoint in (self.lobby, tap, *sockets):
            kind = zmq.SUB if endpoint == tap else zmq.PUSH
            server = self.public(head)["public-key"]
            self.assertTrue(self.gets_in(kind, endpoint, head, server), endpoint)
            self.assertFalse(self.gets_in(kind, endpoint, stranger, server), endpoint)
            self.assertFalse(self.gets_in(kind, endpoint, None, server), endpoint)
        self.assertEqual(self.query(*self.with_key(stranger)).returncode, 5)
        self.assertEqual(self.query().returncode, 5)

    def gets_in(self, kind, endpoint, key, server):
        """Whether a connection with this key comes about: what becomes of the handshake."""
        refused = (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                   zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED)
        context = zmq.Context()
        client = context.socket(kind)
        if key:
            words = self.public(key)
            client.curve_publickey = words["public-key"].encode()
            client.curve_secretkey = words["secret-key"].encode()
            client.curve_serverkey = server.encode()
        events = client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | sum(refused))
        client.connect(endpoint)
        try:
            self.assertTrue(events.poll(1000 * harness.PATIENCE), endpoint)
            return recv_monitor_message(events)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
        finally:
            client.disable_monitor()
            context.destroy(linger=0)

    @unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not here")
    def test_a_revoked_key_gets_in_no_more(self):
        head = self.up()
        guest = self.key("guest")
        self.assertEqual(self.query(*self.with_key(guest)).returncode, 0)
        os.unlink(os.path.join(self.allow, "guest.pub"))
        self.assertEqual(self.query(*self.with_key(guest)).returncode, 5)
        self.assertTrue(self.listed(head))

    @unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not here")
    def test_an_announced_key_must_be_proved(self):
        head = self.up()
        guest = self.key("guest")
        keys = {name: self.public(path)["public-key"]
                for name, path in (("impostor", head), ("guest", guest))}
        self.announce(guest, keys["impostor"], keys)
        self.assertTrue(harness.wait_until(lambda: self.state(head, "guest"), 60))
        self.assertIsNone(self.state(head, "impostor"))  # who spoke before the guest

    def announce(self, key, server, claimed):
        """Announces classifiers, one after the other, that claim to have these keys."""
        words = self.public(key)
        context = zmq.Context()
        push = context.socket(zmq.PUSH)
        push.curve_publickey = words["public-key"].encode()
        push.curve_secretkey = words["secret-key"].encode()
        push.curve_serverkey = server.encode()
        push.connect(self.lobby)
        for number, (name, own) in enumerate(claimed.items(), 1):
            body = [3, name, "tcp://127.0.0.1:1", "tcp://127.0.0.1:1", 0, own, {}]
            push.send(msgpack.packb(["tapline", harness.wire_version(), 16, 0, 0, number, 1, 1,
                                     body]))
        context.destroy(linger=60000)


if __name__ == "__main__":
    harness.main()
