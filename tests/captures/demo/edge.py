"""Where the demo plays: a node behind NAT, its house, and the clock of each thing that happens."""
import ipaddress
import random

from craft import packets as pk
from craft.builder import START, Capture, Expectation


NODE, NODE6, GATEWAY, PHONE = "192.168.1.23", "2001:db8:17::23", "192.168.1.1", "192.168.1.57"
MAC_OF = {NODE: bytes.fromhex("02a0b1000023"), NODE6: bytes.fromhex("02a0b1000023"),
          PHONE: bytes.fromhex("02a0b1000057")}
MAC_GATEWAY, BROADCAST = bytes.fromhex("02a0b1000001"), b"\xff" * 6
HOUR = 3600
USEC = 1000
# Moments of the hour at which much begins at once: seconds, and how long each burst lasts.
BURSTS = ((312, 40), (1205, 25), (1260, 60), (2040, 30), (2815, 90))


def address_text(packed):
    return str(ipaddress.ip_address(packed))


def house_frame(packet):
    """An Ethernet frame whose addresses say who in the house sends and who receives."""
    v6 = packet[0] >> 4 == 6
    src, dst = (packet[8:24], packet[24:40]) if v6 else (packet[12:16], packet[16:20])
    to = MAC_OF.get(address_text(dst), MAC_GATEWAY)
    if dst[0] in (0xE0, 0xEF) and not v6:
        to = b"\x01\x00\x5e" + dst[1:]
    elif dst[-1] == 255 and not v6:
        to = BROADCAST
    sender = MAC_OF.get(address_text(src), MAC_GATEWAY)
    return pk.ethernet(packet, pk.IPV6 if v6 else pk.IPV4, sender, to)


class Strand(Capture):
    """The frames of one thing that happens. A change of speaker takes a journey, others little."""

    def __init__(self, rng, start, journey_ms):
        super().__init__("strand", start=start, step=0)
        self.rng, self.journey, self.speaker = rng, journey_ms, None
        self.frame_of = house_frame

    def frame(self, data, kind="noip", payload=0):
        speaker = data[6:12]
        if self.speaker is not None:
            gap = self.journey * self.rng.uniform(0.8, 1.5) * 1000 if speaker != self.speaker \
                else self.rng.randrange(15, 350)
            self.now += int(gap) * USEC
        self.speaker = speaker
        return super().frame(data, kind, payload)


class Edge:
    """One hour: everything that happens takes its time, peers and ports from one seeded source."""

    def __init__(self, seed):
        self.rng, self.strands, self.taken = random.Random(seed), [], set()
        self.run, self.shown = Expectation("edge-node.pcap.gz", "any"), {}

    def moment(self):
        """A second of the hour: three in ten lie in a burst."""
        if self.rng.random() < 0.3:
            begin, length = self.rng.choice(BURSTS)
            return begin + self.rng.random() * length
        return self.rng.random() * (HOUR - 40)

    def strand(self, at=None, journey_ms=None):
        at = self.moment() if at is None else at
        journey = journey_ms or self.rng.choice((4, 9, 14, 23, 31, 48, 85))
        made = Strand(self.rng, START + int(at * 1_000_000) * USEC, journey)
        self.strands.append(made)
        return made

    def peer(self):
        """An address of the documentation's three networks."""
        network = self.rng.choice(("192.0.2", "198.51.100", "203.0.113"))
        return "%s.%d" % (network, self.rng.randrange(1, 255))

    def peer6(self):
        return "2001:db8:%x::%x" % (self.rng.randrange(0x100, 0x140), self.rng.randrange(1, 0xFFFF))

    def port(self):
        """A high port that nothing else in the hour uses."""
        while True:
            port = self.rng.randrange(20000, 65000)
            if port not in self.taken:
                self.taken.add(port)
                return port

    def notable(self, kind, limit=3):
        """The demo's expectation for the first few of a kind; for the rest one that is dropped."""
        self.shown[kind] = self.shown.get(kind, 0) + 1
        return self.run if self.shown[kind] <= limit else Expectation("-", "any")

    def filler(self, size):
        """Bytes that look like any, and that compress: a slice of one block, over and over."""
        block = self.rng.randbytes(64)
        start = self.rng.randrange(len(NOISE) // 2)
        return (block + NOISE[start:] * (size // 1000 + 1))[:size]

    def frames(self):
        return sorted((f for strand in self.strands for f in strand.frames), key=lambda f: f[0])

    def totals(self):
        names = self.strands[0].totals
        return {name: sum(s.totals[name] for s in self.strands) for name in names}


NOISE = random.Random(2023).randbytes(4096)
