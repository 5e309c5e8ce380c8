#!/usr/bin/env python3
"""A tap over TCP with keys: who has a listed one hears everything, nobody else anything."""
import os
import shutil
import socket
import subprocess

import harness
from harness import DEMO, ROOT, TAPLINE
from listening import BIN, PYTHON, WithTap


class TapKeys(WithTap):
    """One tap with a key of its own, and a folder of the keys that may listen."""

    def setUp(self):
        super().setUp()
        self.allow = os.path.join(self.folder, "allowed")
        os.mkdir(self.allow)
        self.key("server", listed=False)
        self.key("guest")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.tap = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def path(self, name):
        """A file in the test's folder."""
        return os.path.join(self.folder, name)

    def key(self, name, listed=True):
        """Makes a pair of keys."""
        subprocess.run([os.path.join(BIN, "tapline-lobby"), "--new-key", self.path(name)],
                       check=True)
        if listed:
            shutil.copy(self.path(name + ".pub"), self.allow)

    def guarded(self, *words, **more):
        """Runs the demo with the guarded tap."""
        return self.tapped(DEMO, "--key", self.path("server"), "--allow", self.allow, *words,
                           **more)

    def keys(self, own="guest", tap="server.pub"):
        """Options of a listener."""
        return ["--key", self.path(own), "--tap-key", self.path(tap)]

    def test_a_listed_key_hears_everything(self):
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap, *self.keys())
        example = self.listen(PYTHON, os.path.join(ROOT, "deploy", "examples", "listen.py"),
                              self.tap, self.path("guest"), self.path("server.pub"))
        archive = self.listen(os.path.join(BIN, "tapline-archive"), "--connect", self.tap,
                              *self.keys(), self.path("records.sqlite"))
        self.guarded(wait=3)
        self.same_as_files(self.ended(example)[0])
        self.same_as_files(self.stopped(listener)[0])
        self.assertEqual(self.stopped(archive)[1], "")

    def test_nobody_else_gets_in(self):
        self.key("stranger", listed=False)
        strangers = ([], self.keys("stranger"), self.keys(tap="stranger.pub"))
        listeners = [self.listen(TAPLINE, "tap", "--connect", self.tap, *keys)
                     for keys in strangers]
        done = self.guarded("--tap-wait-limit", "4", status=5)
        self.assertIn("1 of the listeners", done.stderr)
        for listener in listeners:
            self.assertEqual(self.stopped(listener)[0], [])

    def test_keys_where_there_is_no_tcp_are_not_asked_for(self):
        self.tap = f"ipc://{self.folder}/tap"
        listener = self.listen(TAPLINE, "tap", "--connect", self.tap, *self.keys())
        self.guarded()
        self.same_as_files(self.stopped(listener)[0])

    def test_faults(self):
        os.chmod(self.path("server"), 0o640)
        far = "tcp://192.0.2.1:5601"
        for words, text in (
                (["--connect", far], "--insecure"),
                (["--connect", self.tap, "--key", self.path("guest")], "belong together"),
                (["--connect", self.tap, *self.keys("server")], "chmod 600"),
                (["--connect", self.tap, *self.keys(tap="none")], "none: No such file"),
                (["--connect", self.tap, *self.keys("guest.pub")], "guest.pub: "),
                (["--connect", self.tap, *self.keys(), "--tap-key", self.path("guest.pub")],
                 "once for each")):
            with self.subTest(text):
                self.assertIn(text, self.run_ok("tap", *words, status=2).stderr)


if __name__ == "__main__":
    harness.main()
