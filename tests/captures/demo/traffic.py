"""What the node fetches and serves: HTTP both ways, TLS, QUIC and the names behind them."""
import json

import certificates
from craft import certificates as issuers
from craft import dns, quic, tls
from craft.builder import DATA, DOWN, UP, Udp, stamp
from craft.handshakes import Secure
from craft.http import GZIP, PLAIN
from craft.web import KEPT, Message, Web, get, reply
from edge import GATEWAY, NODE, NODE6

ORIGINS = ("origin.cdn.example", "static.portal.example", "video.media.example",
           "update.firmware.test", "api.edge.example", "img.shop.test", "tracker.seed.example",
           "news.daily.example")
TLS12 = tuple((name + ".edge.example", getattr(certificates, "DEMO_" + name.upper()))
              for name in ("node", "cdn", "portal", "api", "video", "update"))
TLS13 = ("www.search.example", "mail.office.example", "cloud.drive.test", "chat.friends.example",
         "telemetry.edge.example", "maps.city.test", "bank.money.example", "music.radio.example")
QUIC = ("video.stream.example", "fonts.style.test", "www.search.example", "game.play.test")


class Traveller(Web):
    """A connection on a real path: segments are now and then repeated, reordered or lost."""

    def send(self, way, data, size=1400):
        rng, times, held = self.capture.rng, [], None
        count = (len(data) + size - 1) // size
        for i in range(count):
            piece = data[i * size: (i + 1) * size]
            fate = rng.random() if 5 < i < count - 2 and held is None else 1
            seq = self.seq[way]
            self.advance(way, len(piece))
            if fate < 0.004:  # lost on its way, and nobody repeats it: the capture missed it
                continue
            if fate < 0.010:
                held = seq, piece
                continue
            times.append(self.segment(way, DATA, piece, seq=seq))
            if fate < 0.016:
                self.segment(way, DATA, piece, seq=seq)
            if held:
                self.segment(way, DATA, held[1], seq=held[0])
                held = None
            if i % 2 and i < count - 1:
                self.ack(1 - way)
        return times[0]


def lookup(edge, name, address, at):
    """The node asks the house's resolver just before it connects."""
    cap = edge.strand(at, journey_ms=5)
    run = edge.notable("dns")
    kind = dns.AAAA if ":" in address else dns.A
    flow = Udp(cap, up=(NODE, edge.port()), down=(GATEWAY, 53))
    flow.send(UP, dns.query(name, kind))
    alias = "a%d.lb.example" % edge.rng.randrange(40)
    answers, names = [dns.record(dns.POINTER_TO_QUESTION, kind, address)], [name]
    if edge.rng.random() < 0.3:
        answers = [
            dns.record(dns.POINTER_TO_QUESTION, dns.CNAME, alias),
            dns.record(alias, kind, address)
        ]
        names.append(alias)
    when = flow.send(DOWN, dns.message(name, answers, kind=kind))
    run.record("ts_domain_ip.json", {"timestamp": stamp(when), "dns_domain": names},
               {"dns_ip": [address]})


def outward(edge, name, port, sixth=0.15):
    """A strand for a connection that the node opens to `name` after a lookup; and both ends."""
    at = edge.moment() + 0.2
    six = edge.rng.random() < sixth
    server = edge.peer6() if six else edge.peer()
    lookup(edge, name, server, at - 0.15)
    return edge.strand(at), (NODE6 if six else NODE, edge.port()), (server, port)


def answer_to(edge, uri):
    """An answer as an origin gives it, with the fields that the record must change for it."""
    chance = edge.rng.random()
    server = ("Server", "edge-origin/2.1")
    if chance < 0.10:
        return Message("HTTP/1.1 304 Not Modified",
                       [server, ("ETag", '"%x"' % edge.rng.randrange(1 << 32))]), {}
    if chance < 0.18:
        return reply(b"<h1>not here</h1>", "404 Not Found", server), {}
    if chance < 0.22:
        return reply(b"", "302 Found", server, ("Location", uri + "/moved")), {}
    if chance < 0.24:
        return reply(b"later", "503 Service Unavailable", server, ("Retry-After", "30")), {}
    if chance < 0.45:
        packed = reply(GZIP, "200 OK", server, ("Content-Encoding", "gzip"))
        return packed, {"res_body": PLAIN[:KEPT].decode()}
    if chance < 0.65:
        text = json.dumps({"uri": uri, "ttl": 300,
                           "nodes": [edge.peer() for _ in range(6)]}).encode()
        return reply(text, "200 OK", server, ("Content-Type", "application/json")), {}
    body = edge.filler(edge.rng.choice((900, 3000, 7000, 20000, 45000)))
    return reply(body, "200 OK", server, ("Content-Type", "application/octet-stream")), {}


def fetch(edge):
    """The node as a client: one connection, one to five requests."""
    host = edge.rng.choice(ORIGINS)
    cap, up, down = outward(edge, host, edge.rng.choice((80, 80, 80, 8080)))
    web = Traveller(cap, edge.notable("fetch"), up=up, down=down).open()
    for number in range(edge.rng.randrange(1, 6)):
        kind, ending = edge.rng.choice("vsid"), edge.rng.choice(("ts", "json", "js"))
        uri = "/%s/%05d.%s" % (kind, edge.rng.randrange(100_000), ending)
        agent = ("User-Agent", "EdgeNode/3.4 (linux; aarch64)")
        if edge.rng.random() < 0.12:
            report = json.dumps({"node": "n-23", "load": number, "text": "节点正常"},
                                ensure_ascii=False).encode()
            web.exchange(get(uri, agent, method="POST", body=report, host=host),
                         reply(b'{"ok":true}', "201 Created"))
        else:
            response, special = answer_to(edge, uri)
            web.exchange(get(uri, agent, host=host), response, **special)
        cap.wait(edge.rng.expovariate(1.5))
    web.finish(edge.rng.choice(("close", "close", "close", "close", "reset", "open")))


def serve(edge):
    """The node as a server behind the router's open port: pieces of films for the neighbourhood."""
    cap = edge.strand()
    peer = edge.peer()
    web = Traveller(cap, edge.notable("serve"), up=(peer, edge.port()), down=(NODE, 8080)).open()
    film = edge.rng.randrange(400)
    for number in range(edge.rng.randrange(1, 4)):
        start = number * 65536
        body = edge.filler(edge.rng.choice((1200, 9000, 16000, 40000)))
        request = get("/piece/%d?from=%d" % (film, start),
                      ("Range", "bytes=%d-%d" % (start, start + len(body) - 1)),
                      host="node23.p2p.example:8080")
        part = ("Content-Range", "bytes %d-%d/*" % (start, start + len(body) - 1))
        kept = ("Cache-Control", "no-store")
        web.exchange(request, reply(body, "206 Partial Content", part, kept))
        cap.wait(edge.rng.expovariate(2))
    web.finish(edge.rng.choice(("close", "close", "close", "reset")))


def secure(edge, old):
    """TLS 1.2 with its certificates in the clear, or 1.3 with a name only."""
    name, der = edge.rng.choice(TLS12) if old else (edge.rng.choice(TLS13), None)
    cap, up, down = outward(edge, name, edge.rng.choice((443, 443, 8443)), 0.25)
    flow = Secure(cap, edge.notable("tls12" if old else "tls13"), up=up, down=down).open()
    flow.hello(name, tls13=not old)
    flow.ack(DOWN)
    if old:
        host = name.split(".", 1)[0]
        flow.flight([der, issuers.INTER], [name, "*." + name, host + ".test"])
        flow.up(tls.record(tls.CLIENT_KEY) + tls.CHANGE_CIPHER + tls.FINISHED)
        flow.down(tls.CHANGE_CIPHER + tls.FINISHED)
    else:
        hello = tls.record(tls.server_hello(tls13=True))
        flow.down(hello + tls.CHANGE_CIPHER + tls.record(edge.filler(2300), tls.DATA))
        flow.up(tls.CHANGE_CIPHER + tls.record(edge.filler(60), tls.DATA))
    for _ in range(edge.rng.randrange(1, 6)):
        flow.up(tls.record(edge.filler(edge.rng.randrange(80, 700)), tls.DATA))
        flow.down(tls.record(edge.filler(edge.rng.choice((300, 1500, 6000))), tls.DATA))
        flow.ack(UP)
        cap.wait(edge.rng.expovariate(2))
    flow.finish()


def quick(edge):
    """QUIC: a client's and a server's Initial, then packets that nobody but they can read."""
    name = edge.rng.choice(QUIC)
    cap, up, down = outward(edge, name, 443, 0.3)
    run = edge.notable("quic")
    flow = Udp(cap, up=up, down=down)
    first_id, own, theirs = edge.rng.randbytes(8), edge.rng.randbytes(5), edge.rng.randbytes(8)
    hello = quic.crypto(0, tls.client_hello(name, tls13=True))
    when = flow.send(UP, quic.initial(hello, first_id, own))
    run.record("sni.json", {"sni_domain": name, "timestamp": stamp(when), "transport": "quic"},
               {"sni_ip": flow.ip_of(DOWN)})
    answer = b"\2\0\0\0\0" + quic.crypto(0, tls.server_hello(tls13=True))
    flow.send(DOWN, quic.initial(answer, own, theirs, side=b"server in", secret_id=first_id))
    for _ in range(edge.rng.randrange(4, 14)):
        way = edge.rng.choice((UP, DOWN, DOWN))
        head = b"\x41" + (theirs if way == UP else own) + b"\x9a"
        flow.send(way, head + edge.filler(edge.rng.randrange(30, 1150)))
    flow.expect(run)
