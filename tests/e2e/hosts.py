"""Hosts on one machine: network namespaces, joined by a bridge in one more of them."""
import os
import shutil
import subprocess

import crew

NETWORK = "10.213.57."  # nothing of it is seen outside of the namespaces


def ip(*words):
    """Runs ip(8); whether it could do that."""
    return subprocess.run(["ip", *words], check=False, capture_output=True).returncode == 0


class Hosts:
    """Named hosts, each with an address of its own; the context's end removes all of them."""

    def __init__(self, *names):
        self._prefix = f"tapline-{os.getpid()}-"
        self.names = names
        self._switch = self._prefix + "switch"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for namespace in (*map(self._namespace, self.names), self._switch):
            ip("netns", "delete", namespace)

    def _namespace(self, name):
        return self._prefix + name

    def address(self, name):
        """The address of a host."""
        return NETWORK + str(1 + self.names.index(name))

    def make(self):
        """Makes them; whether this user on this machine may."""
        if not shutil.which("ip"):
            return False
        switch = ["-netns", self._switch]
        return (ip("netns", "add", self._switch)
                and ip(*switch, "link", "add", "bridge", "type", "bridge")
                and ip(*switch, "link", "set", "bridge", "up")
                and all(self._join(name, switch) for name in self.names))

    def _join(self, name, switch):
        host = ["-netns", self._namespace(name)]
        return (ip("netns", "add", self._namespace(name))
                and ip(*switch, "link", "add", name, "type", "veth", "peer", "name", "wire",
                       "netns", self._namespace(name))
                and ip(*switch, "link", "set", name, "master", "bridge", "up")
                and ip(*host, "link", "set", "lo", "up")
                and ip(*host, "address", "add", self.address(name) + "/24", "dev", "wire")
                and ip(*host, "link", "set", "wire", "up"))

    def host(self, name, *options):
        """Where programs run that belong to this host."""
        return crew.Host(("ip", "netns", "exec", self._namespace(name)), options)

    def cut(self, name):
        """Pulls the host's cable."""
        assert ip("-netns", self._switch, "link", "set", name, "down")

    def heal(self, name):
        """Plugs it in again."""
        assert ip("-netns", self._switch, "link", "set", name, "up")
