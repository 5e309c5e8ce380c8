"""What tshark and the hosts know about a recorded capture, put as the records it must give.

Everything here is derived from tshark's fields: packets, the bytes of a direction in stream
order, and when each byte came. Nothing of tapline's is used. Records are in the form that
the specification gives them; a field that cannot be said with certainty is left out.
"""
import copy
import datetime
import json
import os
import re
import struct
import subprocess

FIELDS = """frame.time_epoch frame.protocols ip.src ip.dst ipv6.src ipv6.dst
tcp.srcport tcp.dstport tcp.flags tcp.seq_raw tcp.len tcp.payload
udp.srcport udp.dstport udp.length udp.payload""".split()
KEPT_BODY = 5120
FIN, SYN, RST = 1, 2, 4


class Packet:
    def __init__(self, row):
        seconds, _, fraction = row["frame.time_epoch"].partition(".")
        self.ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
        self.tcp = bool(row["tcp.srcport"])
        kind = "tcp" if self.tcp else "udp"
        self.src = (row["ip.src"] or row["ipv6.src"], row[kind + ".srcport"])
        self.dst = (row["ip.dst"] or row["ipv6.dst"], row[kind + ".dstport"])
        self.payload = bytes.fromhex(row[kind + ".payload"])
        if self.tcp:
            self.flags, self.seq = int(row["tcp.flags"], 16), int(row["tcp.seq_raw"])
            self.size = int(row["tcp.len"])
        else:
            self.size = int(row["udp.length"]) - 8


def dissect(capture, fields, every=False):
    """tshark's fields of each frame: the first of each where a frame has several, or every one."""
    which, whole = ("a", "TRUE") if every else ("f", "FALSE")
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "separator=|",
               "-E", "occurrence=" + which, "-o", "ip.defragment:TRUE",
               "-o", "tcp.desegment_tcp_streams:" + whole]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, check=True, text=True,
                         env=dict(os.environ, TZ="UTC")).stdout
    return [dict(zip(fields, line.split("|"))) for line in out.splitlines()]


def packets(capture):
    """The TCP segments and UDP datagrams; fragments as what they make, ICMP's quotes left out."""
    return [Packet(row) for row in dissect(capture, FIELDS)
            if (row["tcp.srcport"] or row["udp.srcport"])
            and not {"icmp", "icmpv6"} & set(row["frame.protocols"].split(":"))]


def stamp(ns):
    if ns is None:
        return None
    whole = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc)
    return whole.strftime("%Y-%m-%d %H:%M:%S.") + "%06d" % (ns % 10**9 // 1000)


def text(data):
    return data.decode("utf-8", "ignore")


def numbered(count):
    """The recipes' bodies: what `seq -f 'line %06.0f' 1 COUNT` writes."""
    return b"".join(b"line %06d\n" % n for n in range(1, count + 1))


class Stream:
    """One direction of a connection: its bytes in order up to the first hole, and their times."""

    def __init__(self, segments):
        self.data, self.arrivals, self.rest = b"", [], []
        base = next((p.seq + 1 for p in segments if p.flags & SYN), None)
        waiting = [p for p in segments if p.payload]
        if base is None and waiting:
            base = min(p.seq for p in waiting)
        placed = sorted((((p.seq - base) & 0xFFFFFFFF, i, p) for i, p in enumerate(waiting)),
                        key=lambda x: (x[0], x[1]))
        for offset, _, p in placed:
            if offset > len(self.data):
                self.rest.append((offset, p))
            elif offset + len(p.payload) > len(self.data):
                self.arrivals.append((len(self.data), p.ns))
                self.data += p.payload[len(self.data) - offset:]

    def time(self, offset):
        return max((a for a in self.arrivals if a[0] <= offset), key=lambda a: a[0])[1]


class Flow:
    def __init__(self, members):
        self.packets = members
        first = members[0]
        answer = first.tcp and first.flags & SYN and first.flags & 0x10
        self.src, self.dst = (first.dst, first.src) if answer else (first.src, first.dst)
        self.key = "-".join(self.src + self.dst)
        self.out = [p for p in members if p.src == self.src]
        self.back = [p for p in members if p.src == self.dst]
        if first.tcp:
            self.sent, self.received = Stream(self.out), Stream(self.back)

    def turned(self):
        """The same flow as seen from the other end: a requester that did not open it."""
        other = copy.copy(self)
        other.src, other.dst, other.out, other.back = self.dst, self.src, self.back, self.out
        other.sent, other.received = self.received, self.sent
        other.key = "-".join(other.src + other.dst)
        return other

    def count(self, flag):
        return sum(bool(p.flags & flag) for p in self.packets)

    def rtt(self):
        """In milliseconds: the larger of SYN to SYN+ACK and SYN+ACK to ACK."""
        syn = [p for p in self.out if p.flags & SYN]
        ack = [p for p in self.back if p.flags & SYN]
        if not syn or not ack:
            return 0
        there = ack[0].ns - max(p.ns for p in syn if p.ns <= ack[0].ns)
        final = next((p for p in self.out if p.ns >= ack[-1].ns and not p.flags & SYN), None)
        back = final.ns - ack[-1].ns if final else 0
        return max(there, back) / 1e6

    def counts(self):
        return {
            "start_timestamp": stamp(self.packets[0].ns),
            "end_timestamp": stamp(max(p.ns for p in self.packets)),
            "src_dst_packet_count": len(self.out), "dst_src_packet_count": len(self.back),
            "src_dst_byte_count": sum(p.size for p in self.out),
            "dst_src_byte_count": sum(p.size for p in self.back)}


class Capture:
    """One capture, and the records that it must give as they are added."""

    def __init__(self, directory, name, profile="any", times=True):
        self.times = times
        self.path = os.path.join(directory, name)
        self.profile = profile
        self.records, self.absent, self.certificates = [], [], set()
        flows = {}
        for p in packets(self.path + ".pcap"):
            flows.setdefault((p.tcp,) + tuple(sorted((p.src, p.dst))), []).append(p)
        self.flows = [Flow(members) for members in flows.values()]

    def flow(self, port, nth=0, tcp=True):
        """The nth flow that has this port at either end."""
        return [f for f in self.flows if f.packets[0].tcp == tcp
                and str(port) in (f.src[1], f.dst[1])][nth]

    def must(self, file, match, **fields):
        if not self.times:
            fields = {k: v for k, v in fields.items() if "time" not in k}
        self.records.append({"file": file, "match": match, "fields": fields})

    def must_not(self, file, **match):
        self.absent.append({"file": file, "match": match})

    def connection(self, flow, protocol, **more):
        counts = flow.counts()
        complete = flow.count(SYN) and flow.count(FIN) + flow.count(RST)
        fields = dict(counts, packet_count=len(flow.packets),
                      byte_count=counts["src_dst_byte_count"] + counts["dst_src_byte_count"],
                      protocol_type=protocol, syn_flag=flow.count(SYN), fin_flag=flow.count(FIN),
                      rst_flag=flow.count(RST))
        fields["rtt/ms"] = flow.rtt()
        fields.update(more)
        self.must("save_con.json" if complete else "tmp_con.json", {"ip_port": flow.key}, **fields)

    def conversation(self, flow, protocol="udp", **more):
        counts = flow.counts()
        self.must("udp_con.json", {"ip_port": flow.key}, **dict(
            counts, packet_count=len(flow.packets), protocol_type=protocol,
            byte_count=counts["src_dst_byte_count"] + counts["dst_src_byte_count"], **more))

    def totals(self):
        """file_data.json; for captures without fragments, ICMP's quotes and IP options."""
        fields = ("frame.cap_len", "tcp.len", "udp.length", "icmp.type", "icmpv6.type",
                  "frame.protocols")
        sums = dict.fromkeys(("noip_packets", "packets_count", "tcp_packets", "tcp_packets_len",
                              "tcp_payload_len", "udp_packets", "udp_packets_len",
                              "udp_payload_len", "icmp_packets", "other_ip_protocol_packets"), 0)
        for row in dissect(self.path + ".pcap", fields):
            sums["packets_count"] += 1
            kind = "tcp" if row["tcp.len"] else "udp" if row["udp.length"] else None
            if kind:
                sums[kind + "_packets"] += 1
                sums[kind + "_packets_len"] += int(row["frame.cap_len"])
                size = int(row["tcp.len"]) if kind == "tcp" else int(row["udp.length"]) - 8
                sums[kind + "_payload_len"] += size
            elif row["icmp.type"] or row["icmpv6.type"]:
                sums["icmp_packets"] += 1
            elif not {"ip", "ipv6"} & set(row["frame.protocols"].split(":")):
                sums["noip_packets"] += 1
            else:
                sums["other_ip_protocol_packets"] += 1
        self.must("file_data.json", {}, **sums)

    def certificate_file(self, fingerprint):
        self.certificates.add(fingerprint + ".crt")

    def only(self, *files):
        """These files hold the records stated so far and no others."""
        for file in files:
            next(r for r in self.records if r["file"] == file)["exact"] = True

    def write(self):
        self.records[-1].update(directory="cert_file", names=sorted(self.certificates))
        with open(self.path + ".expect.json", "w", encoding="utf-8") as out:
            json.dump({"profile": self.profile, "expect": self.records, "absent": self.absent},
                      out, indent=1, ensure_ascii=False)
            out.write("\n")


def headers(block):
    """[name, value] pairs; a repeated name stands once, with a list of its values."""
    pairs = {}
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        pairs.setdefault(text(name).lower(), []).append(text(value.strip()))
    return [[name, values[0] if len(values) == 1 else values] for name, values in pairs.items()]


class Transcript:
    """Walks the requests and answers of one connection in the order they stand in."""

    def __init__(self, capture, flow):
        self.capture, self.flow, self.asked, self.answered = capture, flow, 0, 0
        self.last_request = None

    def head(self, stream, pattern, start):
        found = re.compile(pattern + rb"([^\r]*)\r\n(.*?)\r\n\r\n", re.S).search(stream.data, start)
        if found is None:
            raise ValueError("%s: no %r after byte %d" % (self.flow.key, pattern, start))
        return found

    def exchange(self, method, uri, status, reason, done=True, req_body=b"", res_body=None, **more):
        """One record; what is named is stated as given, the rest is read off the wire."""
        start = re.escape(("%s %s HTTP/1." % (method, uri)).encode())
        ask = self.head(self.flow.sent, start, self.asked)
        start = rb"HTTP/1\.[01] %d %s" % (status, reason.encode())
        reply = self.head(self.flow.received, start, self.answered)
        self.asked, self.answered = ask.end(), reply.end()
        if res_body is None:
            declared = int(dict(headers(reply.group(2)))["content-length"])
            res_body = self.flow.received.data[reply.end():reply.end() + declared]
        self.last_request = stamp(self.flow.sent.time(ask.start()))
        fields = dict(self.flow.counts(), req_time=self.last_request, req_need_length=0,
                      req_headers=headers(ask.group(2)), req_body=text(req_body[:KEPT_BODY]),
                      req_data="", res_time=stamp(self.flow.received.time(reply.start())),
                      res_status=str(status), res_reason=reason, res_need_length=0,
                      res_headers=headers(reply.group(2)), res_data="",
                      res_body=text(res_body[:KEPT_BODY]))
        fields.update(more)
        self.capture.must("save_http.json" if done else "tmp_http.json",
                          {"ip_port": self.flow.key, "req_method": method, "req_uri": uri},
                          **fields)


def handshakes(stream, start=0):
    """(type, time of the first byte, body) of the plain TLS handshake messages (RFC 8446, 5.1)."""
    body, places, at = b"", [], start
    while at + 5 <= len(stream.data) and stream.data[at] == 22:
        size = struct.unpack("!H", stream.data[at + 3:at + 5])[0]
        places.append((len(body), at + 5))
        body += stream.data[at + 5:at + 5 + size]
        at += 5 + size
    at = 0
    while at + 4 <= len(body):
        size = int.from_bytes(body[at + 1:at + 4], "big")
        record = max(p for p in places if p[0] <= at)
        yield body[at], stamp(stream.time(record[1] + at - record[0])), body[at + 4:at + 4 + size]
        at += 4 + size


def handshake_time(stream, kind, start=0):
    return next(time for type_, time, _ in handshakes(stream, start) if type_ == kind)
