#!/usr/bin/env python3
"""A wire between two hosts that can lose and delay frames, and be watched.

usage: wire.py [options] CLIENT_DEVICE SERVER_DEVICE

Makes two TAP devices (TUN with --tun), to be moved into the hosts' namespaces, and carries
every frame from one to the other. Frames with TCP payload from the server are counted from
one; --drop and --hold name some of them. A mirror port (--mirror) gets a copy of each frame
as the switch of an operator would give it: with VLAN tags, and not always complete.
The kernel's own netem does the first half of this, where it is built in; it draws its losses
by chance, and a capture that tests a promise needs them where it wants them.
"""
import argparse
import fcntl
import os
import select
import struct

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x0001, 0x0002, 0x1000
FRAME_MAX = 65536
TCP = 6


def open_device(name, mode):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), mode | IFF_NO_PI))
    return fd


def numbers(text):
    return {int(n) for n in text.split(",")} if text else set()


def has_tcp_payload(packet):
    """IPv4 or IPv6 without options: what the recipes send."""
    if len(packet) < 40 or packet[9 if packet[0] >> 4 == 4 else 6] != TCP:
        return False
    if packet[0] >> 4 == 4:
        start, end = (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0]
    else:
        start, end = 40, 40 + struct.unpack("!H", packet[4:6])[0]
    return end > start + (packet[start + 12] >> 4) * 4


def tagged(frame, tags):
    """802.1Q, or 802.1ad outside 802.1Q: the first tag is the outer one."""
    out = frame[:12]
    for i, vlan in enumerate(tags):
        out += struct.pack("!HH", 0x88A8 if i + 1 < len(tags) else 0x8100, vlan)
    return out + frame[12:]


class Wire:
    def __init__(self, options):
        mode = IFF_TUN if options.tun else IFF_TAP
        self.header = 0 if options.tun else 14
        self.drop, self.hold = numbers(options.drop), numbers(options.hold)
        self.unseen = numbers(options.unseen)
        self.tags = [int(tag) for tag in options.vlan.split(",") if tag]
        self.client = open_device(options.client, mode)
        self.mirror = open_device("mirror0", IFF_TAP) if options.mirror else None
        self.server = open_device(options.server, mode)
        self.count = 0
        self.held = []

    def from_server(self, frame):
        counted = has_tcp_payload(frame[self.header:])
        self.count += counted
        if counted and self.count in self.drop:
            return
        if counted and self.count in self.hold:
            self.held.append(frame)
            return
        self.deliver(self.client, frame, counted and self.count in self.unseen)
        if counted and len(self.held) and self.count not in self.hold:
            self.deliver(self.client, self.held.pop(0), False)

    def deliver(self, device, frame, unseen):
        try:
            os.write(device, frame)
            if self.mirror is not None and not unseen:
                os.write(self.mirror, tagged(frame, self.tags))
        except OSError:
            pass  # a device that is not up loses what is sent to it, as a port without a cable does

    def carry(self):
        while True:
            for fd in select.select([self.client, self.server], [], [])[0]:
                try:
                    frame = os.read(fd, FRAME_MAX)
                except OSError:
                    continue
                if fd == self.server:
                    self.from_server(frame)
                else:
                    self.deliver(self.server, frame, False)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--tun", action="store_true", help="IP packets without a link header")
    ap.add_argument("--drop", default="", metavar="N,N", help="lose these frames")
    ap.add_argument("--hold", default="", metavar="N,N",
                    help="deliver these after the following one")
    ap.add_argument("--mirror", action="store_true", help="copy the frames to the device mirror0")
    ap.add_argument("--unseen", default="", metavar="N,N", help="leave these out of the mirror")
    ap.add_argument("--vlan", default="", metavar="ID,ID", help="tag the frames of the mirror")
    ap.add_argument("client")
    ap.add_argument("server")
    Wire(ap.parse_args()).carry()


main()
