"""TCP as networks and captures really deliver it; HTTP answers show what reassembly made of it."""
from . import packets as pk
from .builder import DATA, DOWN, MS, UP, Capture, Tcp, Udp, stamp

REQUEST = b"GET /tcp HTTP/1.1\r\nHost: t.example\r\n\r\n"
CLIENT, SERVER = "192.0.2.10", "198.51.100.20"


def head(length):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length


class Case(Tcp):
    """A connection with one HTTP transaction, whose body arrives as the case lays it down."""

    def __init__(self, cap, run, length, **kind):
        super().__init__(cap, **kind)
        self.run = run
        self.open()
        self.asked = self.up(REQUEST)
        self.answered = self.down(head(length))
        self.base = self.seq[DOWN]

    def body(self, at, data, **header):
        """Body bytes from offset `at` on, wherever the sequence numbers stand."""
        end = self.base + at + len(data)
        self.segment(DOWN, DATA, data, seq=self.base + at, **header)
        self.seq[DOWN] = max(self.seq[DOWN], end)

    def finish(self, text, need=0, how=None):
        """Close, and expect `text` as the body; with `need`, the record is an incomplete one."""
        self.ack(UP)
        (how or self.close)()
        self.expect(self.run, protocol_type="http", http_req_time=stamp(self.asked))
        self.expect_http(self.run, "tmp_http.json" if need else "save_http.json", req_uri="/tcp",
                         req_time=stamp(self.asked), res_time=stamp(self.answered),
                         req_method="GET", res_status="200", res_need_length=need, res_body=text)


def reassembly():
    cap = Capture("tcp-reassembly")
    run = cap.run()

    def case(length, **kind):
        return Case(cap, run, length, **kind)

    # acknowledged, so it was sent, but the capture lost it; the next exchange is whole again
    t = case(30)
    t.body(0, b"A" * 10)
    t.body(20, b"C" * 10)
    t.ack(UP)
    asked = t.up(REQUEST.replace(b"/tcp", b"/next"))
    t.down(head(4) + b"next")
    t.close()
    t.expect(run, protocol_type="http", http_req_time=stamp(asked))
    t.expect_http(run, "tmp_http.json", req_uri="/tcp", req_method="GET", res_status="200",
                  res_body="A" * 10, res_need_length=20)
    t.expect_http(run, "save_http.json", req_uri="/next", req_method="GET", res_status="200",
                  res_body="next", res_need_length=0)
    t = case(20)  # the capture shows the acknowledgment before the data
    t.body(0, b"A" * 10)
    t.segment(UP, pk.ACK, ack=t.base + 20)
    t.body(10, b"B" * 10)
    t.finish("A" * 10 + "B" * 10)
    t = case(30)
    for at, letter in ((20, b"C"), (0, b"A"), (10, b"B")):
        t.body(at, letter * 10)
    t.finish("A" * 10 + "B" * 10 + "C" * 10)
    t = case(60)
    for at in range(50, -10, -10):
        t.body(at, b"%d" % (at // 10) * 10)
    t.finish("".join(str(i) * 10 for i in range(6)))
    t = case(30)  # plain retransmissions, early and late
    for at in (0, 0, 10, 0, 20, 10, 20):
        t.body(at, b"ABC"[at // 10: at // 10 + 1] * 10)
    t.finish("A" * 10 + "B" * 10 + "C" * 10)
    for pieces, text in OVERLAPS:
        t = case(20)
        for at, data in pieces:
            t.body(at, data)
        t.finish(text)
    # both sides wrap, the server's within the body
    t = case(3000, isn=(2 ** 32 - 20, 2 ** 32 - 1000))
    for at in (0, 1000, 500, 2500, 1500, 2000):
        t.body(at, bytes([65 + at // 500]) * 500)
    t.finish("".join(chr(65 + i) * 500 for i in range(6)))
    t = case(1, isn=(2 ** 32 - 1, 2 ** 32 - 1))
    t.body(0, b"w")
    t.finish("w")
    t = case(20)  # urgent data stays in line
    t.body(0, b"A" * 9 + b"!", urgent=10)
    t.segment(DOWN, DATA | pk.URG, b"B" * 10, seq=t.base + 10, urgent=1)
    t.seq[DOWN] = t.base + 20
    t.finish("A" * 9 + "!" + "B" * 10)
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
    cap.expect_totals(run)
    return cap


# Pieces of a body of 20 bytes in the order of their arrival: the first copy of a byte stays.
OVERLAPS = (
    (((0, b"A" * 10), (0, b"B" * 10), (10, b"C" * 10)), "A" * 10 + "C" * 10),
    (((0, b"A" * 10), (5, b"B" * 15)), "A" * 10 + "B" * 10),
    (((10, b"B" * 10), (5, b"C" * 10), (0, b"A" * 5)), "A" * 5 + "C" * 5 + "B" * 10),
    (((5, b"B" * 5), (0, b"A" * 20)), "A" * 5 + "B" * 5 + "A" * 10),
    (((10, b"B" * 5), (5, b"C" * 15), (0, b"A" * 8)), "A" * 5 + "C" * 5 + "B" * 5 + "C" * 5),
    (((15, b"D" * 5), (5, b"B" * 5), (3, b"E" * 15), (0, b"A" * 20)),
     "A" * 3 + "E" * 2 + "B" * 5 + "E" * 5 + "D" * 5),
    (((0, b"A" * 10), (0, b"B" * 20)), "A" * 10 + "B" * 10),
)


def probes():
    """Segments that probe the peer and are no new data."""
    cap = Capture("tcp-probes")
    run = cap.run()
    t = Case(cap, run, 20)
    t.body(0, b"A" * 10)
    t.ack(UP)
    for payload in (b"\0", b"", b"\0"):  # keep-alives: one byte before the next
        cap.wait(45)
        t.segment(DOWN, pk.ACK, payload, seq=t.base + 9)
        t.ack(UP)
    t.body(10, b"B" * 10)
    t.finish("A" * 10 + "B" * 10)
    t = Case(cap, run, 30)
    t.body(0, b"A" * 10)
    t.segment(UP, pk.ACK, window=0)
    for _ in range(3):  # zero-window probes: the next byte, not taken
        cap.wait(1)
        t.segment(DOWN, pk.ACK, b"B", seq=t.base + 10)
        t.segment(UP, pk.ACK, window=0)
    t.segment(UP, pk.ACK, window=8192)
    t.body(10, b"B" * 20)
    t.finish("A" * 10 + "B" * 20)
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
    return cap


def plain(run, *flows, **special):
    for flow in flows:
        flow.expect(run, **special)


def repeated(t):
    """Both halves of the handshake are sent twice."""
    t.segment(UP, pk.SYN)
    t.capture.wait(1)
    t.syn()
    t.capture.wait(0.010)
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.capture.wait(1)
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.advance(DOWN, 1)
    t.ack(UP)
    t.up(b"hello")
    t.rtt = 20.0  # last SYN to first SYN+ACK; last SYN+ACK to ACK is 10 ms


def slow(t):
    """The second half takes longer than the first."""
    t.syn()
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.advance(DOWN, 1)
    t.capture.wait(0.0255)
    t.ack(UP)
    t.rtt = 35.5


def crossed(t):
    """Simultaneous open (RFC 9293, figure 8)."""
    for way in (UP, DOWN):
        t.segment(way, pk.SYN)
    for way in (UP, DOWN):
        t.advance(way, 1)
    for way, seq in ((UP, 1000), (DOWN, 5000)):
        t.segment(way, pk.SYN | pk.ACK, seq=seq)
    t.up(b"both")
    t.rtt = ...


def unseen(t):
    """The capture starts after the SYN."""
    t.advance(UP, 1)
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.advance(DOWN, 1)
    t.ack(UP)
    t.up(b"late")
    t.rtt = 10.0


def overtaken(t):
    """The SYN is captured after its answer."""
    t.segment(DOWN, pk.SYN | pk.ACK, ack=1001)
    t.syn()
    t.advance(DOWN, 1)
    t.ack(UP)
    t.rtt = ...


def hasty(t):
    """First data is captured, then the SYN that was sent before it."""
    t.segment(UP, DATA, b"early", seq=1001, ack=5001)
    t.syn()
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.advance(DOWN, 1)
    t.advance(UP, 5)
    t.ack(DOWN)
    t.rtt = ...


def handshakes():
    """How connections begin: repeated, crossed, out of order, and with data."""
    cap = Capture("tcp-handshakes")
    run = cap.run()
    for begin in (repeated, slow, crossed, unseen, overtaken, hasty):
        t = Tcp(cap, dport=9000)
        begin(t)
        t.close()
        plain(run, t)
    t = Tcp(cap)  # TCP Fast Open (RFC 7413): the request travels in the SYN
    cookie = bytes.fromhex("220a0123456789abcdef0101")
    asked = t.segment(UP, pk.SYN, REQUEST, options=cookie)
    t.advance(UP, 1 + len(REQUEST))
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.advance(DOWN, 1)
    t.ack(UP)
    t.down(head(4) + b"fast")
    t.close()
    t.rtt = 10.0
    t.expect(run, protocol_type="http", http_req_time=stamp(asked))
    t.expect_http(run, "save_http.json", req_uri="/tcp", req_method="GET", res_status="200",
                  res_body="fast")
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
    return cap


def middle():
    """Connections whose beginning the capture does not have: the first sender leads the record."""
    cap = Capture("tcp-middle")
    run = cap.run()
    for first in (UP, DOWN):
        ends = ((CLIENT, cap.port()), (SERVER, 80))
        t = Tcp(cap, ends[first], ends[1 - first])
        client = UP if first == UP else DOWN
        if first == DOWN:
            t.send(UP, b"the tail of a body, HTTP/1.1 200 OK\r\n in it")
        asked = t.send(client, REQUEST)
        t.send(1 - client, head(6) + b"middle")
        if first == UP:
            t.close()
        t.expect(run, protocol_type="http", http_req_time=stamp(asked))
        t.expect_http(run, "save_http.json", requester=client, req_uri="/tcp", req_method="GET",
                      res_status="200", res_body="middle")
    t = Tcp(cap, dport=9000)  # nothing but one acknowledgment
    t.ack(UP)
    plain(run, t)
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
    return cap


def scans():
    cap = Capture("tcp-scans")
    run = cap.run()
    for port in range(20, 26):  # silent ports, each asked three times
        t = Tcp(cap, dport=port)
        for pause in (1, 2, 0):
            t.segment(UP, pk.SYN)
            cap.wait(pause)
        plain(run, t)
    for flags in (pk.SYN, pk.FIN, pk.FIN | pk.PSH | pk.URG, 0, pk.ACK):
        t = Tcp(cap, dport=81)  # refused; only the SYN makes it a complete connection
        t.segment(UP, flags)
        t.segment(DOWN, pk.RST | pk.ACK, seq=0, ack=1001)
        plain(run, t)
    t = Tcp(cap, dport=82)  # half open: answered, then dropped
    t.syn()
    t.segment(DOWN, pk.SYN | pk.ACK)
    t.segment(UP, pk.RST)
    t.rtt = 10.0
    plain(run, t)
    run.only("save_con.json", "tmp_con.json")
    cap.expect_totals(run)
    return cap


def reuse():
    """Addresses and ports that come again: a SYN with another number is another connection."""
    cap = Capture("tcp-port-reuse")
    run = cap.run()
    ends = ((CLIENT, 40001), (SERVER, 9000))

    def connection(isn, close):
        t = Tcp(cap, *ends, isn=isn).open()
        t.up(b"x" * 5)
        if close:
            close(t)
        plain(run, t)

    connection((1000, 5000), lambda t: t.close())
    connection((90000, 95000), lambda t: t.reset(DOWN))
    connection((190000, 195000), None)
    connection((290000, 295000), lambda t: t.close(DOWN))
    ends = ((CLIENT, 40002), (SERVER, 9000))
    t = Tcp(cap, *ends)  # in the middle first: the number before its first one is its SYN's
    t.up(b"data")
    plain(run, t)
    connection((7000, 8000), lambda t: t.close())
    ends = ((CLIENT, 40003), (SERVER, 9000))
    connection((1000, 5000), lambda t: t.close())
    late = Tcp(cap, ends[1], ends[0], isn=(70000, 80000)).open()  # the roles turned round
    late.close()
    plain(run, late)
    run.only("save_con.json", "tmp_con.json")
    return cap


def endings():
    cap = Capture("tcp-endings")
    run = cap.run()
    t = Tcp(cap, dport=9000).open()  # the FIN carries data, and comes twice
    for _ in range(2):
        t.segment(UP, pk.FIN | DATA, b"bye")
    t.advance(UP, 4)
    t.fin(DOWN)
    t.ack(UP)
    t.segment(DOWN, pk.FIN | pk.ACK, seq=t.seq[DOWN] - 1)
    t.ack(UP)
    plain(run, t)
    t = Tcp(cap, dport=9000).open()  # half closed: the other side goes on
    t.fin(UP)
    t.down(b"more" * 10)
    t.ack(UP)
    plain(run, t)
    t = Tcp(cap, dport=9000).open()
    t.up(b"abc")
    for _ in range(3):
        t.segment(DOWN, pk.RST)
    plain(run, t)
    t = Tcp(cap, dport=9000).open()  # closed at once by both
    t.segment(UP, pk.FIN | pk.ACK)
    t.segment(DOWN, pk.FIN | pk.ACK)
    t.advance(UP, 1)
    t.advance(DOWN, 1)
    t.ack(UP)
    t.ack(DOWN)
    plain(run, t)
    t = Tcp(cap, dport=9000).open()
    t.up(b"no end")
    plain(run, t)
    run.only("save_con.json", "tmp_con.json")
    return cap


def idle():
    """The three idle limits, each a second to either side."""
    cap = Capture("tcp-idle")
    run = cap.run()

    def follow(seconds, way, t):
        """One more acknowledgment after so long a silence, as a connection of its own."""
        cap.wait(seconds)
        after = Tcp(cap, t.ends[way], t.ends[1 - way], isn=(t.seq[way], t.seq[1 - way]))
        after.ack(UP)
        plain(run, after)

    for end in (lambda t: t.close(), lambda t: t.reset(DOWN)):
        t = Tcp(cap, dport=9000).open()
        end(t)
        cap.wait(119)
        t.ack(UP)
        plain(run, t)
        follow(121, DOWN, t)
    t = Tcp(cap, dport=9000).open()  # one FIN alone ends nothing
    t.fin(UP)
    cap.wait(300)
    t.down(b"still here")
    plain(run, t)
    t = Tcp(cap, dport=9000)  # one-sided
    for _ in range(4):
        t.ack(UP)
        cap.wait(119)
    cap.now -= 119_000 * MS
    plain(run, t)
    follow(121, UP, t)
    t = Tcp(cap, dport=9000).open()
    cap.wait(3599)
    t.up(b"awake")
    plain(run, t)
    follow(3601, UP, t)
    run.only("save_con.json", "tmp_con.json")
    return cap


def backwards():
    """A clock that jumps back: the file's order holds, the end is the latest time."""
    cap = Capture("tcp-backwards")
    run = cap.run()
    t = Case(cap, run, 20)
    t.body(0, b"A" * 10)
    cap.now -= 30_000 * MS
    t.body(10, b"B" * 10)
    t.finish("A" * 10 + "B" * 10)
    u = Udp(cap, dport=9000)
    u.send(UP, b"one")
    cap.now -= 5000 * MS
    u.send(DOWN, b"two")
    u.expect(run)
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json", "udp_con.json")
    return cap


def snapped():
    """A capture of 100 bytes a frame: counts go by the headers, bodies stop where bytes end."""
    cap = Capture("tcp-snapped", snap=100)
    run = cap.run()
    t = Case(cap, run, 300)
    t.body(0, b"A" * 200)
    t.body(200, b"B" * 100)
    asked = t.up(REQUEST.replace(b"/tcp", b"/next"))
    t.down(head(4))
    t.down(b"next")
    t.close()
    kept = 100 - 14 - 20 - 20
    t.expect(run, protocol_type="http", http_req_time=stamp(asked))
    t.expect_http(run, "tmp_http.json", req_uri="/tcp", req_method="GET", res_status="200",
                  res_body="A" * kept, res_need_length=300 - kept)
    t.expect_http(run, "save_http.json", req_uri="/next", req_method="GET", res_status="200",
                  res_body="next")
    t = Tcp(cap).open()  # the answer's header is cut in its middle
    asked = t.up(REQUEST.replace(b"/tcp", b"/cut"))
    t.down(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100 + b"\r\nContent-Length: 2\r\n\r\nok")
    t.close()
    t.expect(run, protocol_type="http", http_req_time=stamp(asked))
    t.expect_http(run, "tmp_http.json", req_uri="/cut", req_method="GET")
    u = Udp(cap, dport=9000)
    u.send(UP, b"u" * 400)
    u.send(DOWN, b"v" * 20)
    u.expect(run)
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json", "udp_con.json")
    cap.expect_totals(run)
    return cap


def offloaded():
    """Segments that the card was to cut: longer than the MTU, and an IP total length of 0."""
    cap = Capture("tcp-offloaded")
    run = cap.run()
    t = Case(cap, run, 6000)
    (src, sport), (dst, dport) = t.ends[DOWN], t.ends[UP]
    for letter in b"AB":
        data = bytes([letter]) * 3000
        segment = pk.tcp(src, sport, dst, dport, t.seq[DOWN], t.seq[UP], DATA, data)
        t.count(DOWN, cap.packet(pk.ipv4(src, dst, pk.TCP, segment, total=0), "tcp", 3000), 3000)
        t.advance(DOWN, 3000)
    t.finish(("A" * 3000 + "B" * 3000)[:5120])
    run.only("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
    cap.expect_totals(run)
    return cap


def captures():
    return [reassembly(), probes(), handshakes(), middle(), scans(), reuse(), endings(), idle(),
            backwards(), snapped(), offloaded()]
