"""What tshark saw in a capture, frame by frame, and the connections that these frames make.

tshark dissects with its own code; which packets form one connection is decided here by the rules of
the records' specification, since tshark's own streams follow other ones.
"""
import os
import subprocess

FIN, SYN, RST, ACK = 1, 2, 4, 16
SECOND = 1_000_000
LINGER, OPEN_IDLE, TCP_IDLE, UDP_IDLE = 120 * SECOND, 120 * SECOND, 3600 * SECOND, 300 * SECOND

FIELDS = """frame.number frame.time_epoch frame.protocols frame.cap_len frame.len
ip.src ip.dst ip.proto ip.flags.mf ip.frag_offset
ipv6.src ipv6.dst ipv6.nxt ipv6.hopopts.nxt ipv6.routing.nxt
ipv6.fraghdr.nxt ipv6.dstopts.nxt ipv6.fraghdr.offset
tcp.srcport tcp.dstport tcp.flags tcp.len tcp.seq_raw tcp.ack_raw tcp.window_size_value
tcp.analysis.lost_segment tcp.analysis.ack_lost_segment tcp.analysis.out_of_order
udp.srcport udp.dstport udp.length udp.checksum
dns.flags.response dns.count.answers dns.count.auth_rr dns.count.add_rr
dns.a dns.aaaa dns.resp.name dns.cname
tls.handshake.extensions_server_name tls.handshake.certificate
http.request.method http.request.uri http.response.code _ws.malformed""".split()
CELL, VALUE = "\x1f", "\x1e"
PREFERENCES = ("tcp.desegment_tcp_streams:TRUE", "tcp.reassemble_out_of_order:TRUE",
               "ip.defragment:TRUE",
               "ipv6.defragment:TRUE", "tcp.check_checksum:FALSE", "tls.desegment_ssl_records:TRUE",
               "tls.desegment_ssl_application_data:TRUE", "http.desegment_headers:TRUE",
               "http.desegment_body:TRUE")
# The outer packet counts, so what these carry stays closed.
TUNNELS = ("gre", "vxlan", "teredo", "gtp", "geneve", "l2tp", "capwap.data")
IPV6_EXTENSIONS = {"0", "43", "44", "60"}


class Unreadable(Exception):
    """tshark does not read the capture."""


class Frame:
    """One frame's fields: `one` gives the first value, `all` every value."""

    def __init__(self, cells):
        self.cells = dict(zip(FIELDS, cells))
        layers = self.one("frame.protocols").split(":")
        self.layers = set(layers)
        if self.layers & {"icmp", "icmpv6"}:
            self._forget_quotation()
        epoch = self.one("frame.time_epoch")
        self.time = micros(epoch) if epoch else None
        self.captured, self.length = int(self.one("frame.cap_len")), int(self.one("frame.len"))

    def one(self, field):
        return self.cells[field].split(VALUE, 1)[0]

    def all(self, field):
        return self.cells[field].split(VALUE) if self.cells[field] else []

    def _forget_quotation(self):
        """An ICMP error quotes a packet: the headers in it are not the frame's own."""
        for field in FIELDS:
            layer = field.split(".")[0]
            if layer in ("tcp", "udp", "dns", "tls", "http"):
                self.cells[field] = ""
            elif layer in ("ip", "ipv6"):
                self.cells[field] = self.one(field)

    @property
    def protocol(self):
        """The IP protocol number behind IPv6's extension headers; None where there is no IP."""
        if self.one("ip.proto") and not (self.one("ipv6.src") and self.layers_begin_with_v6()):
            return self.one("ip.proto")
        chain = [n for f in ("ipv6.nxt", "ipv6.hopopts.nxt", "ipv6.routing.nxt", "ipv6.fraghdr.nxt",
                             "ipv6.dstopts.nxt") for n in self.all(f)[:1]]
        final = [n for n in chain if n not in IPV6_EXTENSIONS]
        return (final or chain or [None])[-1]

    def layers_begin_with_v6(self):
        order = self.one("frame.protocols").split(":")
        return "ipv6" in order and ("ip" not in order or order.index("ipv6") < order.index("ip"))

    @property
    def fragment(self):
        return (self.one("ip.flags.mf") in ("1", "True")
                or self.one("ip.frag_offset") not in ("", "0")
                or self.one("ipv6.fraghdr.offset") != "")

    @property
    def tunnel(self):
        """Packets within packets that tshark opened all the same."""
        return len(self.all("ip.src")) + len(self.all("ipv6.src")) > 1

    def has(self, transport):
        return self.one("tcp.window_size_value" if transport == "tcp" else "udp.checksum") != "" \
            and self.one(transport + ".srcport") != ""

    def ends(self, transport):
        """((source, port), (destination, port))"""
        v6 = self.one("ipv6.src")
        src, dst = (v6, self.one("ipv6.dst")) if v6 else (self.one("ip.src"), self.one("ip.dst"))
        return (src, self.one(transport + ".srcport")), (dst, self.one(transport + ".dstport"))

    @property
    def flags(self):
        return int(self.one("tcp.flags"), 16)

    @property
    def payload(self):
        return int(self.one("tcp.len") or 0)


def micros(epoch):
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * SECOND + int((fraction + "000000")[:6])


def dissect(capture):
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "separator=" + CELL,
               "-E", "aggregator=" + VALUE, "-E", "occurrence=a"]
    for preference in PREFERENCES:
        command += ["-o", preference]
    for protocol in TUNNELS:
        command += ["--disable-protocol", protocol]
    for field in FIELDS:
        command += ["-e", field]
    run = subprocess.run(command, capture_output=True, check=False,
                         env=dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8"))
    rows = (line.split(CELL) for line in run.stdout.decode("utf-8", "replace").split("\n"))
    frames = [Frame(cells) for cells in rows if len(cells) == len(FIELDS)]
    if run.returncode and not frames:
        raise Unreadable(run.stderr.decode("utf-8", "replace").strip().split("\n")[-1])
    return frames


class Connection:
    """A TCP connection as the specification delimits it."""

    def __init__(self, frame):
        self.frames, self.syn_of, self.first_of, self.first_ack_of = [], {}, {}, {}
        self.fins, self.reset, self.last = set(), False, frame.time

    def takes(self, frame):
        """Whether the frame belongs here, too: no idle limit passed, and no SYN of a new number."""
        sender, peer = frame.ends("tcp")
        silence = frame.time - self.last
        if self.reset or len(self.fins) == 2:
            limit = LINGER
        else:
            limit = TCP_IDLE if len(self.first_of) == 2 else OPEN_IDLE
        if silence > limit:
            return False
        if frame.flags & (SYN | ACK) != SYN:
            return True
        seq = int(frame.one("tcp.seq_raw"))
        if sender in self.syn_of:
            return seq == self.syn_of[sender]
        if sender in self.first_of:
            return seq == (self.first_of[sender] - 1) % (1 << 32)
        return peer not in self.first_ack_of or seq == (self.first_ack_of[peer] - 1) % (1 << 32)

    def add(self, frame):
        sender, _ = frame.ends("tcp")
        flags, seq = frame.flags, int(frame.one("tcp.seq_raw"))
        self.frames.append(frame)
        self.last = max(self.last, frame.time)
        self.first_of.setdefault(sender, seq)
        if flags & SYN:
            self.syn_of.setdefault(sender, seq)
        if flags & ACK:
            self.first_ack_of.setdefault(sender, int(frame.one("tcp.ack_raw")))
        if flags & FIN:
            self.fins.add(sender)
        self.reset = self.reset or bool(flags & RST)

    @property
    def ends(self):
        """The initiator's end, then the responder's."""
        for frame in self.frames:
            if frame.flags & (SYN | ACK) == SYN:
                return frame.ends("tcp")
        first = self.frames[0].ends("tcp")
        return first[::-1] if self.frames[0].flags & SYN else first

    @property
    def ip_port(self):
        return ip_port(self.ends)

    @property
    def rtt(self):
        """Milliseconds of the handshake's slower half; 0 for what was not seen."""
        initiator, syn, answer, halves = self.ends[0], None, None, [0]
        for frame in self.frames:
            kind, mine = frame.flags & (SYN | ACK), frame.ends("tcp")[0] == initiator
            if kind == SYN and mine and answer is None:
                syn = frame.time
            elif kind == SYN | ACK and not mine:
                if answer is None and syn is not None:
                    halves.append(frame.time - syn)
                answer = frame.time
            elif kind == ACK and mine and answer is not None:
                halves.append(frame.time - answer)
                break
        return max(halves) / 1000

    @property
    def lossy(self):
        return any(f.one("tcp.analysis.lost_segment") or f.one("tcp.analysis.ack_lost_segment")
                   for f in self.frames)


class Conversation:
    """A UDP conversation: its first sender's end first."""

    def __init__(self, frame):
        self.ends, self.frames, self.last = frame.ends("udp"), [], frame.time

    def takes(self, frame):
        return frame.time - self.last <= UDP_IDLE

    def add(self, frame):
        self.frames.append(frame)
        self.last = max(self.last, frame.time)

    @property
    def ip_port(self):
        return ip_port(self.ends)


def ip_port(ends):
    return "-".join(ends[0] + ends[1])


def flows(frames, transport, kind):
    """All flows of one transport, in the order of their first packets."""
    found, current = [], {}
    for frame in frames:
        if not frame.has(transport):
            continue
        key = tuple(sorted(frame.ends(transport)))
        if key not in current or not current[key].takes(frame):
            current[key] = kind(frame)
            found.append(current[key])
        current[key].add(frame)
    return found
