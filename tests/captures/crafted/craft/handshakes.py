"""TLS and QUIC: server names and certificates, however the handshake is cut."""
import hashlib

from . import certificates as certs
from . import quic, tls
from .builder import DATA, DOWN, UP, Capture, Tcp, Udp, stamp
from .web import Message, Web, get

FILES = ("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json", "udp_con.json",
         "sni.json", "cert_domain_time.json")
LEAF_NAMES = ["www.leaf.example", "leaf.example", "static.leaf.example"]
CHAIN = [certs.LEAF, certs.INTER, certs.ROOT]


def fingerprint(der):
    return hashlib.sha256(der).hexdigest().upper()


class Secure(Tcp):
    """A connection whose hello and certificates are noted as they are laid down."""

    def __init__(self, cap, run, dport=443, **kind):
        super().__init__(cap, dport=dport, **kind)
        self.run, self.special = run, {"protocol_type": "https"}

    def placed(self, way, data, size, offset):
        """Send the data; gives the time of the segment that holds `offset`."""
        return self.send(way, data, size) + offset // size * self.capture.step

    def name(self, text, when):
        """A hello with this name was sent at that time; the first one is the connection's."""
        self.run.record("sni.json", {"sni_domain": text, "timestamp": stamp(when)},
                        {"sni_ip": self.ip_of(DOWN)})
        self.special.setdefault("https_SNI", text)
        self.special.setdefault("https_SNI_ip", self.ip_of(DOWN))
        self.special.setdefault("https_SNI_time", stamp(when))

    def chain(self, der, domains, when, sender=DOWN):
        """A chain with this leaf was sent then; the first domain seen is the connection's."""
        match = {"sha256_fingerprint": fingerprint(der), "timestamp": stamp(when)}
        self.run.record("cert_domain_time.json", match, {"domains": domains})
        if domains:
            self.special.setdefault("https_Cert_domain", domains[0])
            self.special.setdefault("https_Cert_ip", self.ip_of(sender))
            self.special.setdefault("https_Cert_time", stamp(when))

    def hello(self, text, size=1400, **kind):
        data = tls.record(tls.client_hello(text, **kind), version=0x0301)
        self.name(text, self.placed(UP, data, size, 5))

    def flight(self, chain, domains, *, record=1 << 14, size=1400):
        """ServerHello, Certificate and the rest in records and segments of these sizes."""
        before = tls.server_hello()
        data = before + tls.certificate(chain) + tls.key_exchange() + tls.DONE
        at = len(before) + 5 * (1 + len(before) // record)
        self.chain(chain[0], domains, self.placed(DOWN, tls.records(data, record), size, at))

    def done(self):
        self.up(tls.record(tls.CLIENT_KEY) + tls.CHANGE_CIPHER + tls.FINISHED)
        self.down(tls.CHANGE_CIPHER + tls.FINISHED)
        self.up(tls.sealed(90))
        self.down(tls.sealed(900))
        self.finish()

    def finish(self):
        self.close()
        self.expect(self.run, **self.special)


def closing(cap, run, *ders):
    run.only(*FILES)
    run.directory("cert_file", [fingerprint(der) + ".crt" for der in ders])
    return cap


def hellos():
    cap = Capture("tls-hellos")
    run = cap.run()
    for size in (6, 7, 40, 100):
        flow = Secure(cap, run).open()
        flow.hello("size-%d.example" % size, size)
        flow.finish()
    for size in (10, 33, 64):  # one hello over many records
        flow = Secure(cap, run).open()
        data = tls.records(tls.client_hello("records-%d.example" % size), size, 0x0301)
        flow.name("records-%d.example" % size, flow.placed(UP, data, 50, 5))
        flow.finish()
    flow = Secure(cap, run).open()  # its segments in reverse
    data = tls.record(tls.client_hello("reverse.example"))
    parts = [(i, data[i: i + 30]) for i in range(0, len(data), 30)]
    times = [flow.segment(UP, DATA, part, seq=flow.seq[UP] + at) for at, part in reversed(parts)]
    flow.advance(UP, len(data))
    flow.name("reverse.example", times[-1])
    flow.finish()
    for name in (None, "no-server.example"):
        flow = Secure(cap, run, dport=9443).open()
        if name:
            flow.hello(name, extra=tls.extension(0x0A0A, b"\0") + tls.extension(16, b"\0\3\2h2"))
        else:
            flow.up(tls.record(tls.client_hello()))
        flow.finish()
    flow = Secure(cap, run, up=("2001:db8::10", cap.port()), down=("2001:db8::443", 443)).open()
    flow.hello("six.example", tls13=True)
    flow.down(tls.record(tls.server_hello(tls13=True)) + tls.CHANGE_CIPHER + tls.sealed(1200))
    flow.finish()
    flow = Secure(cap, run).open()  # sent back for another key share: two hellos
    flow.hello("retry.example", tls13=True)
    flow.down(tls.record(tls.server_hello(tls13=True, random=tls.RETRY)))
    flow.hello("retry.example", tls13=True, session=bytes(32))
    flow.finish()
    # a turn late in the connection, behind the probe's limit
    flow = Secure(cap, run, dport=9587).open()
    for i in range(70):
        flow.up(b"250 turn %d\r\n" % i)
        flow.down(b"354 go on\r\n")
    flow.hello("late.example")
    flow.finish()
    return closing(cap, run)


def broken():
    """Hellos that give no name: too old, cut, false, or with a hole."""
    cap = Capture("tls-broken")
    run = cap.run()
    sslv2 = bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0")
    sslv2 += bytes(range(16))
    whole = tls.client_hello("lost.example")
    long_name = tls.message(1, b"\3\3" + tls.CLIENT_RANDOM + bytes.fromhex("00000213010100")
                            + b"\0\x0a"
                            + b"\0\0\0\6\0\xff\0\0\xfae")
    for data, what in ((sslv2, ...), (tls.record(whole)[:60], ...), (tls.record(long_name), ...),
                       (tls.record(whole[:4] + b"\xff" * 60), ...),
                       (tls.record(b"", kind=0x40), "tcp"),
                       (b"\x16\x03\x01\0\0" * 3, ...)):
        flow = Tcp(cap, dport=443).open()
        flow.up(data)
        flow.close()
        flow.expect(run, protocol_type=what)
    flow = Tcp(cap, dport=443).open()
    data = tls.record(whole)
    flow.up(data[:50])
    flow.lose(UP, 40)
    flow.up(data[90:])
    flow.ack(DOWN)
    flow.close()
    flow.expect(run, protocol_type=...)
    return closing(cap, run)


def chains():
    cap = Capture("tls-chains")
    run = cap.run()
    for record, size in ((1 << 14, 1400), (300, 1400), (1 << 14, 60), (100, 250), (5000, 536)):
        flow = Secure(cap, run).open()
        flow.hello("chain.example")
        flow.flight(CHAIN, LEAF_NAMES, record=record, size=size)
        flow.done()
    flow = Secure(cap, run).open()  # one record a message; the middle of the chain comes last
    flow.hello("order.example")
    messages = tls.server_hello(), tls.certificate(CHAIN), tls.key_exchange(), tls.DONE
    data = b"".join(map(tls.record, messages))
    pieces = [(i, data[i: i + 400]) for i in range(0, len(data), 400)]
    pieces.append(pieces.pop(1))
    times = [flow.segment(DOWN, DATA, piece, seq=flow.seq[DOWN] + at) for at, piece in pieces]
    flow.advance(DOWN, len(data))
    flow.chain(certs.LEAF, LEAF_NAMES, times[0])
    flow.done()
    for der, domains in ((certs.CN_ONLY, ["cn-only.example"]),
                         (certs.IP_FIRST, ["after-ip.example"])):
        flow = Secure(cap, run).open()
        flow.hello("names.example")
        flow.flight([der], domains)
        flow.done()
    flow = Secure(cap, run).open()  # no domain anywhere
    flow.hello("unnamed.example")
    flow.flight([certs.NO_NAME], [])
    flow.special.update(https_Cert_ip=..., https_Cert_time=...)
    flow.done()
    flow = Secure(cap, run).open()  # the client shows one, too; the server's came first
    flow.hello("both.example")
    flow.flight([certs.LEAF], LEAF_NAMES)
    when = flow.up(tls.record(tls.certificate([certs.CLIENT, certs.INTER])))
    flow.chain(certs.CLIENT, ["client.example"], when, UP)
    flow.done()
    flow = Secure(cap, run).open()  # the client's hello is lost
    flow.lose(UP, 180)
    flow.flight([certs.LEAF, certs.INTER], LEAF_NAMES)
    flow.special.update(protocol_type=...)
    flow.done()
    return closing(cap, run, *CHAIN, certs.CN_ONLY, certs.IP_FIRST, certs.NO_NAME, certs.CLIENT)


def tunnelled():
    """TLS behind a CONNECT: the type stays http, names and certificates count."""
    cap = Capture("tls-connect")
    run = cap.run()
    web = Web(cap, run, dport=3128).open()
    web.exchange(get("inner.example:443", method="CONNECT"), Message("HTTP/1.1 200 OK"))
    hello = web.send(UP, tls.record(tls.client_hello("inner.example")))
    flight = tls.record(tls.server_hello()) + tls.record(tls.certificate([certs.LEAF]))
    chain = web.send(DOWN, flight + tls.record(tls.key_exchange() + tls.DONE))
    web.send(UP, tls.sealed(70))
    server = web.ip_of(DOWN)
    run.record("sni.json", {"sni_domain": "inner.example"},
               {"sni_ip": server, "timestamp": stamp(hello)})
    run.record("cert_domain_time.json", {"sha256_fingerprint": fingerprint(certs.LEAF)},
               {"domains": LEAF_NAMES, "timestamp": stamp(chain)})
    web.finish(https_SNI="inner.example", https_SNI_ip=server, https_SNI_time=stamp(hello),
               https_Cert_domain=LEAF_NAMES[0], https_Cert_ip=server, https_Cert_time=stamp(chain))
    return closing(cap, run, certs.LEAF)


def initials():
    """QUIC's first packets, with the hello in one piece, in several, and damaged."""
    cap = Capture("tls-quic")
    run = cap.run()

    def case(*datagrams, name=None, dport=443):
        """Datagrams of the client; `name` where they make a hello."""
        flow = Udp(cap, dport=dport)
        times = [flow.send(UP, d) for d in datagrams]
        flow.expect(run)
        if name:
            run.record("sni.json", {"sni_domain": name, "transport": "quic"},
                       {"sni_ip": flow.ip_of(DOWN), "timestamp": stamp(times[0])})

    def hello(name):
        return tls.client_hello(name, tls13=True)

    def ident(name):
        """Each connection's own first destination id."""
        return name.encode()[:18].ljust(8, b"-")

    name = "quic.example"
    case(quic.initial(quic.crypto(0, hello(name)), ident(name)), name=name)
    name = "v2.quic.example"
    case(quic.initial(quic.crypto(0, hello(name)), ident(name), version=quic.V2), name=name)
    name = "frames.quic.example"
    data = hello(name)
    frames = quic.crypto(90, data[90:]) + b"\1" + quic.crypto(0, data[:50])
    frames += bytes(7) + quic.crypto(50, data[50:90])
    case(quic.initial(frames, ident(name), token=b"token" * 9, number=2), name=name)
    name = "datagrams.quic.example"
    data = hello(name)
    halves = quic.crypto(0, data[:80]), quic.crypto(80, data[80:])
    case(*(quic.initial(half, ident(name), number=i) for i, half in enumerate(halves)), name=name)
    name = "coalesced.quic.example"
    data = hello(name)
    halves = quic.crypto(0, data[:80]), quic.crypto(80, data[80:])
    packets = [quic.initial(half, ident(name), number=i, size=600) for i, half in enumerate(halves)]
    case(b"".join(packets), name=name)
    name = "port.quic.example"
    case(quic.initial(quic.crypto(0, hello(name)), ident(name), size=1300), name=name, dport=8853)
    spoilt = bytearray(quic.initial(quic.crypto(0, hello("spoilt.example")), b"spoilt-1"))
    spoilt[700] ^= 1
    case(bytes(spoilt))
    case(quic.initial(quic.crypto(0, hello("cut.example")), b"cut-cut-")[:900])
    case(quic.initial(quic.crypto(0, hello("foreign.example")), b"foreign-",
                      secret_id=b"otherwise"))
    return closing(cap, run)


def captures():
    return [hellos(), broken(), chains(), tunnelled(), initials()]
