"""A capture under construction: the clock, the conversations in it, and the records it must give.

The figures in the expected records are counted here, packet by packet as each is laid down, by the
rules of the output's specification. No analyser has a say in them.
"""
import datetime
import ipaddress
import json

from . import packets as pk
from . import storage

UP, DOWN = 0, 1
DATA = pk.PSH | pk.ACK
MS = 1_000_000
START = 1_689_339_600 * storage.SECOND  # 2023-07-14 13:00:00 UTC
WORD = 1 << 32

TCP_PLAIN = {
    "protocol_type": "tcp", "http_req_time": None,
    "https_SNI": "", "https_SNI_ip": "", "https_SNI_time": None,
    "https_Cert_domain": "", "https_Cert_ip": "", "https_Cert_time": None,
    "bit_peer_ip_1": "", "bit_peer_id_1": "", "bit_peer_ip_2": "", "bit_peer_id_2": "",
    "xunlei_ip_1": "", "xunlei_id_1": "", "xunlei_ip_2": "", "xunlei_id_2": "",
}
UDP_PLAIN = {
    "protocol_type": "udp",
    "bit_peer_ip_1": "", "bit_peer_id_1": "", "bit_peer_ip_2": "", "bit_peer_id_2": "",
    "toutiao_ip": "", "toutiao_value": "", "toutiao_location": 0,
    "xunlei_ip_1": "", "xunlei_id_1": "", "xunlei_ip_2": "", "xunlei_id_2": "", "stun_values": [],
}
TOTALS = ("noip_packets", "packets_count", "tcp_packets", "tcp_packets_len", "tcp_payload_len",
          "udp_packets", "udp_packets_len", "udp_payload_len", "icmp_packets",
          "other_ip_protocol_packets")
COUNTED_AS = {"noip": "noip_packets", "tcp": "tcp_packets", "udp": "udp_packets",
              "icmp": "icmp_packets", "other": "other_ip_protocol_packets"}


def stamp(when):
    """Nanoseconds as the records print them, in UTC."""
    if when is None:
        return None
    moment = datetime.datetime.fromtimestamp(when // storage.SECOND, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + ".%06d" % (when % storage.SECOND // 1000)


class Expectation:
    """What one run over a capture must give: NAME.expect.json, or NAME.VARIANT.expect.json.

    A field whose value is `...` is one that the specification leaves open, and is not written.
    """

    def __init__(self, capture, profile, **settings):
        self.head = {"capture": capture, "profile": profile, "tz": "UTC", **settings}
        self.entries, self.missing = [], []

    def record(self, file, match, fields=None, **more):
        fields = {k: v for k, v in (fields or {}).items() if v is not ...}
        self.entries.append({"file": file, "match": match, "fields": fields, **more})

    def directory(self, name, names):
        """The directory holds files of these names and no others."""
        self.entries.append({"directory": name, "names": sorted(names)})

    def only(self, *files):
        """These files hold the listed records and no others."""
        for file in files:
            self.entries.append({"file": file, "exact": True})

    def absent(self, file, match):
        self.missing.append({"file": file, "match": match})

    def text(self):
        def rows(values):
            return ",\n".join(" " + json.dumps(v, ensure_ascii=False) for v in values)
        head = "".join(" %s: %s,\n" % (json.dumps(k), json.dumps(v)) for k, v in self.head.items())
        return '{\n%s "expect": [\n%s\n ],\n "absent": [\n%s\n ]\n}\n' % (
            head, rows(self.entries), rows(self.missing))


class Capture:
    """Frames in the order of the file, each 10 ms after the one before unless told otherwise."""

    def __init__(self, name, *, link=storage.ETHERNET, snap=262144, step=10 * MS, start=START,
                 kind="pcap"):
        self.name, self.link, self.snap, self.step, self.kind = name, link, snap, step, kind
        self.now, self.frames, self.ident, self.ports = start, [], 0, 40000
        self.frame_of = pk.ip_frame
        self.runs, self.content = {}, None
        self.totals = dict.fromkeys(TOTALS, 0)

    @property
    def file(self):
        return "%s.%s" % (self.name, self.kind)

    def run(self, profile="any", variant="", capture=None, **settings):
        """A new expectation for this capture, or for the files `capture` taken as one."""
        self.runs[variant] = Expectation(capture or self.file, profile, **settings)
        return self.runs[variant]

    def wait(self, seconds):
        """The next frame comes `seconds` later than it would."""
        self.now += int(seconds * storage.SECOND)

    def frame(self, data, kind="noip", payload=0):
        """Lay a frame down that counts as `kind` with so many payload bytes; gives its time."""
        when, kept = self.now, data[: self.snap]
        self.frames.append((when, kept, len(data)))
        self.now += self.step
        self.totals["packets_count"] += 1
        self.totals[COUNTED_AS[kind]] += 1
        if kind in ("tcp", "udp"):
            self.totals[kind + "_packets_len"] += len(kept)
            self.totals[kind + "_payload_len"] += payload
        return when

    def packet(self, packet, kind="noip", payload=0):
        return self.frame(self.frame_of(packet), kind, payload)

    def ip(self, src, dst, proto, payload):
        """A whole IP packet, counted by its protocol."""
        self.ident = self.ident % 65535 + 1
        kind, header = "other", 0
        if proto == pk.TCP:
            kind, header = "tcp", payload[12] // 16 * 4
        elif proto == pk.UDP:
            kind, header = "udp", 8
        elif proto in (pk.ICMP, pk.ICMP6):
            kind = "icmp"
        return self.packet(pk.ip(src, dst, proto, payload, self.ident), kind, len(payload) - header)

    def expect_totals(self, run):
        run.record("file_data.json", {}, dict(self.totals))

    def port(self):
        self.ports += 1
        return self.ports

    def data(self):
        if self.content is not None:
            return self.content
        return storage.pcap(self.frames, self.link, snap=self.snap)

    def files(self):
        """Name and bytes of everything that this recipe makes."""
        yield self.file, self.data()
        for variant, expectation in self.runs.items():
            tail = ".%s" % variant if variant else ""
            yield "%s%s.expect.json" % (self.name, tail), expectation.text().encode()


class Flow:
    """Two endpoints, the initiator first, and what a capture of them must count."""

    def __init__(self, capture, up=None, down=None, dport=80):
        self.capture = capture
        ends = (up or ("192.0.2.10", capture.port()), down or ("198.51.100.20", dport))
        # RFC 5952 text
        self.ends = tuple((str(ipaddress.ip_address(ip)), port) for ip, port in ends)
        self.first = self.last = None
        self.packets, self.bytes = [0, 0], [0, 0]

    @property
    def ip_port(self):
        return "%s-%d-%s-%d" % (self.ends[UP] + self.ends[DOWN])

    def ip_of(self, way):
        return self.ends[way][0]

    def count(self, way, when, length):
        self.first = when if self.first is None else self.first
        self.last = when if self.last is None else max(self.last, when)
        self.packets[way] += 1
        self.bytes[way] += length
        return when

    def match(self):
        return {"ip_port": self.ip_port, "start_timestamp": stamp(self.first)}

    def figures(self, requester=UP):
        """Counts and end, as seen by the side that asks."""
        one, other = requester, 1 - requester
        return {"end_timestamp": stamp(self.last),
                "src_dst_packet_count": self.packets[one],
                "dst_src_packet_count": self.packets[other],
                "src_dst_byte_count": self.bytes[one],
                "dst_src_byte_count": self.bytes[other]}

    def sums(self):
        return {"packet_count": sum(self.packets), "byte_count": sum(self.bytes)}


class Udp(Flow):
    def send(self, way, payload):
        (src, sport), (dst, dport) = self.ends[way], self.ends[1 - way]
        segment = pk.udp(src, sport, dst, dport, payload)
        return self.count(way, self.capture.ip(src, dst, pk.UDP, segment), len(payload))

    def expect(self, run, **special):
        run.record("udp_con.json", self.match(),
                   {**self.figures(), **self.sums(), **UDP_PLAIN, **special})


class Tcp(Flow):
    """A connection: `segment` lays one down as told, the others keep the sequence numbers."""

    def __init__(self, capture, up=None, down=None, dport=80, isn=(1000, 5000)):
        super().__init__(capture, up, down, dport)
        self.seq = list(isn)
        self.flags = {pk.SYN: 0, pk.FIN: 0, pk.RST: 0}
        self.rtt = 0

    def segment(self, way, flags, payload=b"", *, seq=None, ack=None, **header):
        """One segment; by default at the side's next sequence number, acknowledging all so far."""
        (src, sport), (dst, dport) = self.ends[way], self.ends[1 - way]
        seq = self.seq[way] if seq is None else seq
        ack = (self.seq[1 - way] if flags & pk.ACK else 0) if ack is None else ack
        data = pk.tcp(src, sport, dst, dport, seq, ack, flags, payload, **header)
        for flag in self.flags:
            self.flags[flag] += bool(flags & flag)
        return self.count(way, self.capture.ip(src, dst, pk.TCP, data), len(payload))

    def advance(self, way, length):
        self.seq[way] = (self.seq[way] + length) % WORD

    def syn(self, way=UP):
        when = self.segment(way, pk.SYN)
        self.advance(way, 1)
        return when

    def open(self):
        asked = self.syn()
        answered = self.segment(DOWN, pk.SYN | pk.ACK)
        self.advance(DOWN, 1)
        self.rtt = max(answered - asked, self.segment(UP, pk.ACK) - answered) / MS
        return self

    def send(self, way, data, size=1400):
        """The bytes in segments of `size`; gives the first one's time."""
        times = []
        for i in range(0, len(data), size):
            piece = data[i: i + size]
            times.append(self.segment(way, DATA, piece))
            self.advance(way, len(piece))
        return times[0]

    def up(self, data, size=1400):
        return self.send(UP, data, size)

    def down(self, data, size=1400):
        return self.send(DOWN, data, size)

    def lose(self, way, length):
        """Bytes that were sent and that the capture does not have."""
        self.advance(way, length)

    def ack(self, way):
        return self.segment(way, pk.ACK)

    def fin(self, way):
        when = self.segment(way, pk.FIN | pk.ACK)
        self.advance(way, 1)
        return when

    def close(self, way=UP):
        self.fin(way)
        self.fin(1 - way)
        self.ack(way)

    def reset(self, way):
        return self.segment(way, pk.RST | pk.ACK)

    def record(self, **special):
        """The file that the connection belongs to, and its whole record."""
        flags = {"syn_flag": self.flags[pk.SYN], "fin_flag": self.flags[pk.FIN],
                 "rst_flag": self.flags[pk.RST]}
        done = flags["syn_flag"] and (flags["fin_flag"] or flags["rst_flag"])
        fields = {**self.figures(), **self.sums(), **TCP_PLAIN, **flags, "rtt/ms": self.rtt,
                  **special}
        return "save_con.json" if done else "tmp_con.json", fields

    def expect(self, run, **special):
        file, fields = self.record(**special)
        run.record(file, self.match(), fields)

    def expect_http(self, run, file, *, requester=UP, **fields):
        """One transaction; `fields` are the record's own, the connection's figures are added."""
        src, dst = self.ends[requester], self.ends[1 - requester]
        match = {"ip_port": "%s-%d-%s-%d" % (src + dst)}
        for key in ("req_uri", "req_time", "res_time"):
            if key in fields:
                match[key] = fields.pop(key)
        figures = {"start_timestamp": stamp(self.first), **self.figures(requester)}
        run.record(file, match, {**figures, **fields})
