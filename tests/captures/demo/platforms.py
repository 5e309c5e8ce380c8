"""What the edge platforms' programs do on the node: STUN, Toutiao, BitTorrent, Xunlei and xycdn."""
from craft import payloads as pl
from craft.builder import DOWN, UP, Tcp, Udp, stamp
from craft.signatures import SWITCHING, UPGRADE
from craft.web import Web
from edge import NODE

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def word(edge, size):
    return "".join(edge.rng.choice(LETTERS) for _ in range(size))


def pair(edge, port=None):
    """The two ends of a flow with a peer, opened by either; the node's own port may be given."""
    node, peer = (NODE, port or edge.port()), (edge.peer(), edge.port())
    return (node, peer) if edge.rng.random() < 0.6 else (peer, node)


def chatter(edge, flow, least, most):
    """Datagrams that match nothing: the first bytes of each keep it from looking so."""
    for _ in range(edge.rng.randrange(least, most)):
        flow.send(edge.rng.choice((UP, DOWN)),
                  b"\xf7" * 10 + edge.filler(edge.rng.choice((40, 60, 200, 1100))))


def stun(edge):
    cap = edge.strand()
    flow = Udp(cap, *pair(edge))
    values = []
    for way, kind in ((UP, 0x0001), (DOWN, 0x0101)):
        if edge.rng.random() < 0.7:
            value = pl.platform_value(edge.rng.randrange(3), word(edge, 20), "d-" + word(edge, 12))
            flow.send(
                way,
                pl.stun(pl.value_attribute(value), kind=kind, transaction=edge.rng.randbytes(12)))
            values.append({**value, "data_ip": flow.ip_of(way)})
        else:
            flow.send(
                way,
                pl.stun(pl.attribute(0x8022, b"edge-stun"),
                        kind=kind,
                        transaction=edge.rng.randbytes(12)))
    for _ in range(edge.rng.randrange(5)):
        cap.wait(edge.rng.uniform(8, 20))
        flow.send(edge.rng.choice((UP, DOWN)),
                  pl.stun(kind=0x0011, transaction=edge.rng.randbytes(12)))
    flow.expect(edge.notable("stun"), protocol_type="stun" if values else "udp", stun_values=values)


def toutiao(edge):
    cap = edge.strand()
    flow = Udp(cap, *pair(edge))
    place, way = edge.rng.choice((30, 50)), edge.rng.choice((UP, DOWN))
    value = "v%d-%s.toutiaovod.com" % (edge.rng.randrange(1, 99), word(edge, 5).lower())
    flow.send(UP, b"\xf7hello-peer")
    flow.send(way, pl.toutiao(value.encode() + b"\0", place, 160))
    chatter(edge, flow, 6, 60)
    flow.expect(edge.notable("toutiao"),
                protocol_type="toutiao",
                toutiao_ip=flow.ip_of(way),
                toutiao_value=value,
                toutiao_location=place)


def torrent(edge):
    """A peer over TCP or over uTP; half of them answer."""
    over_tcp = edge.rng.random() < 0.5
    cap = edge.strand()
    flow = (Tcp if over_tcp else Udp)(cap, *pair(edge, 51413 if not over_tcp else None))
    if over_tcp:
        flow.open()
    fields = {"protocol_type": "BitTorrent"}
    for way, number in ((UP, "1"), (DOWN, "2"))[: edge.rng.randrange(1, 3)]:
        ident = edge.rng.choice(("-UT3550-", "-TR3000-", "-qB4520-", "-XL0019-")) + word(edge, 12)
        data = pl.bittorrent(ident.encode(), info_hash=edge.rng.randbytes(20))
        flow.send(way, data if over_tcp else pl.utp(data))
        fields.update({"bit_peer_ip_" + number: flow.ip_of(way), "bit_peer_id_" + number: ident})
    for _ in range(edge.rng.randrange(2, 24)):
        piece = b"\0\0\x20\x09\x07" + edge.filler(edge.rng.choice((60, 500, 1300)))
        flow.send(edge.rng.choice((UP, DOWN)), piece if over_tcp else pl.utp(piece))
    if over_tcp:
        edge.rng.choice((flow.close, flow.close, lambda: flow.reset(DOWN)))()
    flow.expect(edge.notable("torrent", 4), **fields)


def thunder(edge):
    """Xunlei, over UDP or TCP, its identifier at either place."""
    over_tcp = edge.rng.random() < 0.4
    cap = edge.strand()
    flow = (Tcp if over_tcp else Udp)(cap, *pair(edge))
    if over_tcp:
        flow.open()
    places = ((51, 90), (14, 44)) if over_tcp else ((84, 150), (9, 60))
    fields = {"protocol_type": "xunlei"}
    for way, number in ((UP, "1"), (DOWN, "2"))[: edge.rng.randrange(1, 3)]:
        ident = word(edge, 16)
        at, size = edge.rng.choice(places)
        flow.send(way, pl.xunlei(ident.encode(), at, size))
        fields.update({"xunlei_ip_" + number: flow.ip_of(way), "xunlei_id_" + number: ident})
    if over_tcp:
        flow.close()
    else:
        chatter(edge, flow, 2, 30)
    flow.expect(edge.notable("xunlei", 4), **fields)


def xycdn(edge, seen):
    """A WebSocket to the scheduler, which sends STUN servers' addresses; `seen` counts the keys."""
    cap = edge.strand(edge.rng.random() * 600)
    web = Web(cap, edge.notable("xycdn"), up=(NODE, edge.port()), down=(edge.peer(), 8408)).open()
    asked = web.ask(UPGRADE)
    answered = web.answer(SWITCHING)
    servers = ["%s:%d" % (edge.peer(), edge.rng.randrange(3000, 4000)) for _ in range(9)]
    for _ in range(30):
        cap.wait(edge.rng.uniform(30, 80))
        number = edge.rng.choice((1, 2, 2, 3))
        chosen = edge.rng.sample(servers, number)
        for key in ["-".join(chosen)] if number == 2 else chosen:
            seen[key] = seen.get(key, 0) + 1
        text = '{"type":"stun","servers":["%s"]}' % '","'.join(chosen)
        web.send(DOWN, pl.websocket(text.encode()))
        web.ack(UP)
        web.send(UP, pl.websocket(b'{"type":"ack"}', mask=edge.rng.randbytes(4)))
        web.ack(DOWN)
    web.note("save_http.json",
             req_uri="/ws",
             req_time=stamp(asked),
             res_time=stamp(answered),
             req_method="GET",
             res_status="101")
    web.finish("open")
