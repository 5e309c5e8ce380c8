#!/usr/bin/env python3
"""Inboxes that others reach elsewhere than where they are bound: on all addresses, or behind a
translation of addresses."""
import os
import shutil
import socket
import subprocess
import threading

import harness
from crew import PATIENCE, WORKERS, WithCrew
from harness import DEMO, results
from launcher import installation

ALL = ("--inbox", "tcp://0.0.0.0:*")
LOOPBACK = ("--advertise", "tcp://127.0.0.1")


def free_ports():
    """Two TCP ports, one behind the other, that nobody has just now."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                pass  # another pair


def pump(source, sink):
    """Hands bytes on until one side closes."""
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    except OSError:
        pass  # it has closed
    for side in (source, sink):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other pump has done so


def relay(near, far):
    """Hands on both ways until one side closes."""
    with near, far:
        back = threading.Thread(target=pump, args=(far, near), daemon=True)
        back.start()
        pump(near, far)
        back.join()


class Relay:
    """What comes to one port of loopback goes to another, as a translation of addresses does."""

    def __init__(self, port, to):
        self.connections = 0
        self._to = to
        self._socket = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return  # closed
            self.connections += 1
            threading.Thread(target=relay, args=(near, far), daemon=True).start()

    def close(self):
        """Takes no more."""
        self._socket.close()


class Advertise(WithCrew):
    """Pipelines over TCP on all addresses of this machine."""

    def setUp(self):
        super().setUp()
        self.port = free_ports()
        self.crew.lobby = f"tcp://127.0.0.1:{self.port}"

    def play(self, *options):
        """Plays the demo, the reader's inboxes being on all addresses as well."""
        plain = os.path.join(self.folder, "plain")
        self.run_ok("run", DEMO, plain, "--quiet")
        self.played(DEMO, self.out, *ALL, *LOOPBACK, *options)
        self.assertEqual(results(self.out), results(plain))

    def start_all(self, guard, lobby_key=(), classifier=(*ALL, *LOOPBACK)):
        """A lobby and workers, which know its key; the lobby is bound on all addresses, too."""
        options = (*guard, *lobby_key)
        self.crew.lobby = f"tcp://0.0.0.0:{self.port}"
        self.crew.start("lobby", "lobby", *guard)
        self.crew.lobby = f"tcp://127.0.0.1:{self.port}"
        for role in WORKERS:
            where = classifier if role == "classifier" else (*ALL, *LOOPBACK)
            self.crew.start(role, role, *where, *options)
        self.assertTrue(self.crew.gathered(*WORKERS, options=options))

    def test_all_addresses_with_keys(self):
        key, allow = os.path.join(self.folder, "key"), os.path.join(self.folder, "allowed")
        subprocess.run([installation.program("lobby"), "--new-key", key], check=True)
        os.mkdir(allow)
        shutil.copy(key + ".pub", allow)
        guard, lobby_key = ("--key", key, "--allow", allow), ("--lobby-key", key + ".pub")
        options = (*guard, *lobby_key)
        self.start_all(guard, lobby_key)
        for row in self.crew.there(*ALL, *LOOPBACK, *options).values():
            self.assertRegex(row["data"] + row["control"], r"(tcp://127\.0\.0\.1:\d+){2}")
        self.play(*options)

    def test_all_addresses_insecure(self):
        self.start_all(("--insecure",))
        self.play("--insecure")

    def test_behind_a_translation(self):
        inside, outside = free_ports(), free_ports()
        relays = [Relay(outside + i, inside + i) for i in (0, 1)]
        for relay in relays:
            self.addCleanup(relay.close)
        self.start_all(("--insecure",), classifier=("--inbox", f"tcp://127.0.0.1:{inside}",
                                                    "--advertise", f"tcp://127.0.0.1:{outside}"))
        self.play("--insecure")
        for relay in relays:
            self.assertGreater(relay.connections, 0)

    def test_what_nobody_could_connect_to_is_refused(self):
        for options, said in ((ALL, "--advertise tcp://HOST"),
                              ((*ALL, "--advertise", "tcp://0.0.0.0"), "nobody could connect"),
                              (("--advertise", "ipc:///tmp/x"), "what is advertised")):
            for role in (*WORKERS, "reader"):
                more = ["--out", self.out, "--profile", self.crew.profile, DEMO]
                done = subprocess.run(
                    [installation.program(role), "--join", self.crew.lobby, "--insecure", *options,
                     *(more if role == "reader" else ())],
                    capture_output=True, text=True, check=False, timeout=PATIENCE)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)

    def test_all_addresses_need_keys(self):
        done = subprocess.run(
            [installation.program("sink"), "--join", self.crew.lobby, *ALL, *LOOPBACK],
            capture_output=True, text=True, check=False, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--insecure", done.stderr)


if __name__ == "__main__":
    harness.main()
