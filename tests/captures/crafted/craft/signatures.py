"""The platforms' signatures: each rule at its edges, its near misses, and in company."""
import json

from . import payloads as pl
from .builder import DATA, DOWN, MS, UP, Capture, Tcp, Udp, stamp
from .payloads import bittorrent, stun, toutiao, utp, value_attribute, xunlei

ID_A, ID_B = b"AbCdEfGhIjKlMnOp", b"0123456789zyxwvu"
PEER_A, PEER_B = b"-UT3550-abcdefghijkl", b"-BJ3110-mnopqrstuvwx"


def found(identifier):
    """The text of an identifier's bytes, as far as they are UTF-8."""
    return identifier.decode("utf-8", "ignore")


def toutiao_udp():
    cap = Capture("signatures-toutiao")
    run, wxy = cap.run("tt"), cap.run("wxy", "wxy")

    def case(*datagrams, value=None, location=0, sender=UP):
        """A conversation of (way, payload); without `value` it must stay plain UDP."""
        flow = Udp(cap, dport=3001)
        for way, payload in datagrams:
            flow.send(way, payload)
        for each in (run, wxy):
            if value is None:
                flow.expect(each)
            else:
                flow.expect(each, protocol_type="toutiao", toutiao_ip=flow.ip_of(sender),
                            toutiao_value=value, toutiao_location=location)

    name = b"v1.toutiaovod.com"
    case((UP, toutiao(name + b"\0", 50, 90)), value=found(name), location=50)
    case((UP, b"hello"), (DOWN, toutiao(name + b"\0", 30, 90)), value=found(name), location=30,
         sender=DOWN)
    case((UP, toutiao(b"toutiaovod.com\0", 50)), value="toutiaovod.com", location=50)
    case((UP, toutiao(b"toutiaovod.com\0", 30)), value="toutiaovod.com", location=30)
    # Ends with the datagram instead of a NUL.
    case((UP, toutiao(name, 50)), value=found(name), location=50)
    case((UP, toutiao(name, 30)), value=found(name), location=30)
    # The name begins one byte before 50, so it is the one "at or after byte 30".
    case((UP, toutiao(b"toutiaovod.com\0", 49, 80)), value="." * 19 + "toutiaovod.com", location=30)
    case((UP, toutiao(b"toutiaovod.com\0", 29, 80)))
    # One at 30 and one after 50: the later rule is tried first.
    case((UP, toutiao(b"a.toutiaovod.com\0", 30, 50) + b"b.toutiaovod.com\0"),
         value="b.toutiaovod.com", location=50)
    case((UP, toutiao(name + b"\0", 50)), (DOWN, toutiao(b"other.toutiaovod.com\0", 50)),
         (UP, toutiao(b"late.toutiaovod.com\0", 30)), value=found(name), location=50)
    case((UP, toutiao("vidéo-".encode() + b"\xff\xc3." + name + b"\0", 50)),
         value="vidéo-." + found(name), location=50)
    case((UP, toutiao(b"v1.toutiaovod.co\0", 50)))
    case((UP, toutiao(b"v1.Toutiaovod.com\0", 50)))
    case((UP, toutiao(b"v1.toutiaovod-com\0", 30)))
    case((UP, toutiao(b"v1.toutiao", 50)), (UP, b"vod.com\0" + b"." * 60))
    for each in (run, wxy):
        each.only("udp_con.json")
    return cap


def stun_udp():
    cap = Capture("signatures-stun")
    run = cap.run("tt")
    one, two = pl.platform_value(0, "res-1", "dev-1"), pl.platform_value(1, "res-2", "设备-2")
    nested = {"device_type": 3, "more": {"list": [1, -2, None, True, "é\n\""], "deep": {"x": {}}}}

    def case(*datagrams, values=()):
        flow = Udp(cap, dport=3478)
        for way, payload in datagrams:
            flow.send(way, payload)
        seen = [{**value, "data_ip": flow.ip_of(way)} for way, value in values]
        flow.expect(run, stun_values=seen, protocol_type="stun" if seen else "udp")

    def holding(*values, **header):
        return stun(*(value_attribute(v) for v in values), **header)

    case((UP, holding(one)), values=[(UP, one)])
    case((UP, holding(one)), (DOWN, holding(two, kind=0x0101)), values=[(UP, one), (DOWN, two)])
    case((UP, holding(two, one, nested)), values=[(UP, two), (UP, one), (UP, nested)])
    case((UP, holding(one)), (UP, holding(one, one)), (DOWN, holding(two)), (UP, holding(one)),
         values=[(UP, one), (DOWN, two)])
    # The same value from both sides: two records, for data_ip tells them apart.
    case((UP, holding(one)), (DOWN, holding(one)), values=[(UP, one), (DOWN, one)])
    # Among other attributes, each of an odd length and padded.
    case((UP, stun(pl.attribute(0x8022, b"agent"), value_attribute(one),
                   pl.attribute(0x0006, b"u"))),
         values=[(UP, one)])
    case((UP, holding(one, kind=0x0111)), values=[(UP, one)])
    for kind in (0x0000, 0x0112, 0x4001):
        case((UP, holding(one, kind=kind)))
    exact = len(value_attribute(one))
    case((UP, holding(one, length=exact - 4)))
    case((UP, holding(one, length=exact + 4)))
    case((UP, stun()), (DOWN, stun(pl.attribute(0x0020, bytes(8)), kind=0x0101)))
    for text in (b"[1, 2]", b'"text"', b"17", b"{broken", b'{"a": 1', b"", b"null"):
        case((UP, stun(pl.attribute(pl.PLATFORM, text))))
    case((UP, stun(pl.attribute(pl.PLATFORM, b"{oops"), value_attribute(one))), values=[(UP, one)])
    # Five bytes without padding: the next attribute is read three bytes late, and overruns.
    unpadded = pl.attribute(0x8022, b"agent")[:9]
    case((UP, stun(unpadded, value_attribute(one))))
    case((UP, stun(value_attribute(one)[:-4])), values=())
    # An attribute of another number holding the same object.
    case((UP, stun(pl.attribute(0xE003, json.dumps(one).encode()))))
    run.only("udp_con.json")
    return cap


def torrent(peer_1=None, peer_2=None):
    """Fields of a BitTorrent record; `ips` says whose address goes with which key."""
    ips = {"bit_peer_ip_1": UP} if peer_1 else {}
    ips.update({"bit_peer_ip_2": DOWN} if peer_2 else {})
    return dict(protocol_type="BitTorrent", ips=ips, bit_peer_id_1=found(peer_1 or b""),
                bit_peer_id_2=found(peer_2 or b""))


def thunder(first, way=UP, second=None):
    """Fields of a Xunlei record: `way` sent the first identifier."""
    ips = {"xunlei_ip_1": way}
    ips.update({"xunlei_ip_2": 1 - way} if second else {})
    return dict(protocol_type="xunlei", ips=ips, xunlei_id_1=found(first),
                xunlei_id_2=found(second or b""))


def peers_udp():
    cap = Capture("signatures-peers-udp")
    wxy, tt = cap.run("wxy"), cap.run("tt", "tt")

    def case(*datagrams, **fields):
        flow = Udp(cap, dport=6881)
        for way, payload in datagrams:
            flow.send(way, payload)
        addresses = {key: flow.ip_of(way) for key, way in fields.pop("ips", {}).items()}
        flow.expect(wxy, **addresses, **fields)
        flow.expect(tt)

    case((UP, utp(bittorrent(PEER_A))), **torrent(PEER_A))
    case((UP, utp(bittorrent(PEER_A))), (DOWN, utp(bittorrent(PEER_B))), **torrent(PEER_A, PEER_B))
    case((UP, b"x"), (DOWN, utp(bittorrent(PEER_B) + b"more")), **torrent(None, PEER_B))
    case((UP, utp(bittorrent(PEER_A))), (UP, utp(bittorrent(PEER_B))), **torrent(PEER_A))
    case((UP, utp(bittorrent(b"-XL0012-abc" + bytes(9)))), **torrent(b"-XL0012-abc"))
    case((UP, utp(bittorrent(b"-UT\xff\xc3\xa9" + b"z" * 14))),
         **torrent(b"-UT\xc3\xa9" + b"z" * 14))
    for miss in (utp(b"." + bittorrent(PEER_A)), utp(bittorrent(PEER_A)[1:]),
                 utp(bittorrent(PEER_A).replace(b"protocol", b"protocoL"))):
        case((UP, miss))

    for size, hit in ((101, True), (100, False)):
        case((UP, xunlei(ID_A, 84, size)), **(thunder(ID_A) if hit else {}))
    for size, hit in ((26, True), (25, False)):
        case((UP, xunlei(ID_A, 9, size)), **(thunder(ID_A) if hit else {}))
    case((UP, xunlei(ID_A, 9, 101)), **thunder(ID_A))
    case((UP, xunlei(ID_A, 9, 1200)), **thunder(ID_A))
    both = xunlei(ID_A, 9, 83) + b"\0" + ID_B + b"\xfe"
    case((UP, both), **thunder(ID_B))
    case((UP, xunlei(ID_A, 84, 101)), (DOWN, xunlei(ID_B, 9, 40)), **thunder(ID_A, UP, ID_B))
    # The responder is the first to send one.
    case((UP, b"x"), (DOWN, xunlei(ID_A, 9, 40)), (UP, xunlei(ID_B, 84, 200)),
         **thunder(ID_A, DOWN, ID_B))
    case((UP, b"x"), (DOWN, xunlei(ID_A, 9, 40)), **thunder(ID_A, DOWN))
    case((UP, xunlei(ID_A, 9, 40)), (UP, xunlei(ID_B, 9, 40)), **thunder(ID_A))
    for i, byte in ((0, b"-"), (15, b"_"), (7, b"\0"), (8, b"\xc3"), (3, b"/"), (4, b":"),
                    (5, b"@"), (6, b"[")):
        case((UP, xunlei(ID_A[:i] + byte + ID_A[i + 1:], 9, 40)))
        case((UP, xunlei(ID_A[:i] + byte + ID_A[i + 1:], 84, 140)))
    case((UP, xunlei(ID_A, 9, 40).replace(b"\0", b"\1")))
    # The same bytes at 83: within a STUN message they mean nothing, else they count.
    inner = b"\xfe" * 59 + b"\0" + ID_A + b"\xfe"  # from byte 24 of the message on
    case((UP, stun(pl.attribute(0x8022, inner))))
    case((UP, stun(pl.attribute(0x8022, inner), kind=0x0112)), **thunder(ID_A))
    for run in (wxy, tt):
        run.only("udp_con.json")
    return cap


def company():
    """Several signatures in one conversation: the type goes by rank, every identifier stays."""
    cap = Capture("signatures-company")
    wxy, tt, every = cap.run("wxy"), cap.run("tt", "tt"), cap.run("any", "any")
    value = pl.platform_value(1, "r", "d")
    ladder = [xunlei(ID_A, 9, 40), stun(value_attribute(value)), toutiao(b"v.toutiaovod.com\0", 50),
              utp(bittorrent(PEER_A))]
    ranks = ["xunlei", "stun", "toutiao", "BitTorrent"]
    for order in (ladder, ladder[::-1]):
        for i in range(1, 5):
            chosen = [p for p in order if p in ladder[:i]]
            flow = Udp(cap, dport=9000)
            for payload in chosen:
                flow.send(UP, payload)
            ip = flow.ip_of(UP)
            platform, peers = {}, {"xunlei_ip_1": ip, "xunlei_id_1": found(ID_A)}
            if i > 1:
                platform.update(stun_values=[{**value, "data_ip": ip}])
            if i > 2:
                platform.update(toutiao_ip=ip, toutiao_value="v.toutiaovod.com",
                                toutiao_location=50)
            if i > 3:
                peers.update(bit_peer_ip_1=ip, bit_peer_id_1=found(PEER_A))
            flow.expect(wxy, protocol_type=ranks[i - 1], **platform, **peers)
            flow.expect(every, protocol_type=ranks[i - 1], **platform, **peers)
            flow.expect(tt, protocol_type=["udp", "stun", "toutiao", "toutiao"][i - 1], **platform)
    for run in (wxy, tt, every):
        run.only("udp_con.json")
    return cap


def probe_limits():
    """The last segment and datagram that is looked at, and the first that is not."""
    cap = Capture("signatures-probe-limits", step=MS)
    run = cap.run("any")
    wide = cap.run("any", "wider", options=["--probe-segments", "65", "--probe-datagrams", "257"])
    name = dict(protocol_type="toutiao", toutiao_value="v.toutiaovod.com", toutiao_location=50)
    revealed = (
        (toutiao(b"v.toutiaovod.com\0", 50), "toutiao_ip", name),
        (xunlei(ID_A, 9, 40), "xunlei_ip_1", dict(protocol_type="xunlei", xunlei_id_1=found(ID_A))),
    )
    for before in (255, 256):
        for payload, sender, fields in revealed:
            flow = Udp(cap, dport=9000)
            for i in range(before):
                flow.send(UP, b"x")
                if i < 3:
                    flow.send(DOWN, b"y")  # the other direction's count is its own
            flow.send(UP, payload)
            fields = {**fields, sender: flow.ip_of(UP)}
            flow.expect(run, **(fields if before == 255 else {}))
            flow.expect(wide, **fields)
    for before in (63, 64):
        flow = Tcp(cap, dport=9000).open()
        for i in range(before):
            flow.up(b"x")
            if i < 3:
                flow.ack(DOWN)  # carries no payload and does not count
        flow.up(bittorrent(PEER_A))
        flow.close()
        fields = dict(protocol_type="BitTorrent", bit_peer_ip_1=flow.ip_of(UP),
                      bit_peer_id_1=found(PEER_A))
        flow.expect(run, **(fields if before == 63 else {}))
        flow.expect(wide, **fields)
    return cap


def peers_tcp():
    cap = Capture("signatures-peers-tcp")
    wxy, tt = cap.run("wxy"), cap.run("tt", "tt")

    def case(*turns, size=1400, **fields):
        flow = Tcp(cap, dport=6881).open()
        for way, payload in turns:
            flow.send(way, payload, size)
        flow.close()
        addresses = {key: flow.ip_of(way) for key, way in fields.pop("ips", {}).items()}
        flow.expect(wxy, **addresses, **fields)
        flow.expect(tt)

    peer, pair = torrent(PEER_A), torrent(PEER_A, PEER_B)
    case((UP, bittorrent(PEER_A)), **peer)
    case((UP, bittorrent(PEER_A)), (DOWN, bittorrent(PEER_B) + b"\0\0\0\2\5\xff"), **pair)
    case((DOWN, bittorrent(PEER_B)), **torrent(None, PEER_B))
    for size in (2, 19, 20, 21, 47, 48, 49, 67):
        case((UP, bittorrent(PEER_A)), (DOWN, bittorrent(PEER_B)), size=size, **pair)
    case((UP, b"x"), (UP, bittorrent(PEER_A)), **peer)
    case((UP, bittorrent(b"-XL0012-" + bytes(12))), **torrent(b"-XL0012-"))
    for miss in (b"x" + bittorrent(PEER_A), b"\x12" + bittorrent(PEER_A)[1:],
                 bittorrent(PEER_A).replace(b"protocol", b"Protocol")):
        case((UP, miss))

    for at, size, hit in ((51, 68, True), (51, 67, False), (14, 31, True), (14, 30, False)):
        case((UP, xunlei(ID_A, at, size)), **(thunder(ID_A) if hit else {}))
    case((UP, xunlei(ID_A, 14, 68)), **thunder(ID_A))
    case((UP, xunlei(ID_A, 14, 50) + b"\0" + ID_B + b"\xfe"), **thunder(ID_B))
    case((UP, xunlei(ID_A, 51, 80)), (DOWN, xunlei(ID_B, 14, 40)), **thunder(ID_A, UP, ID_B))
    case((DOWN, xunlei(ID_A, 14, 40)), (UP, xunlei(ID_B, 51, 80)), **thunder(ID_A, DOWN, ID_B))
    case((UP, xunlei(ID_A, 14, 31)), size=1, **thunder(ID_A))
    for size in (13, 14, 15, 29, 30):
        case((UP, xunlei(ID_A, 14, 40)), size=size, **thunder(ID_A))
    for size in (2, 50, 51, 52, 66, 67):
        case((UP, xunlei(ID_A, 51, 80)), size=size, **thunder(ID_A))
    case((UP, xunlei(ID_A[:15] + b"-", 14, 40)))
    case((UP, xunlei(b"-" + ID_A[1:], 51, 80)))
    for run in (wxy, tt):
        run.only("save_con.json", "tmp_con.json")
    return cap


UPGRADE = (b"GET /ws HTTP/1.1\r\nHost: xy.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
SWITCHING = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def out_of_order(flow, late, early):
    """`late` arrives after the bytes behind it, and once more."""
    seq = flow.seq[DOWN]
    flow.lose(DOWN, len(late))
    flow.down(early)
    for _ in range(2):
        flow.segment(DOWN, DATA, late, seq=seq)
    flow.ack(UP)


def xycdn():
    cap = Capture("signatures-xycdn")
    wxy, tt = cap.run("wxy"), cap.run("tt", "tt")

    def upgraded(port=8408, with_answer=b""):
        flow = Tcp(cap, dport=port).open()
        asked = flow.up(UPGRADE)
        flow.down(SWITCHING + with_answer)
        return flow, asked

    def done(flow, asked, status="101"):
        flow.close()
        for run in (wxy, tt):
            flow.expect(run, protocol_type="http", http_req_time=stamp(asked))
            flow.expect_http(run, "save_http.json", req_method="GET", req_uri="/ws",
                             res_status=status, res_body="")

    frame, mask = pl.websocket, b"\x11\x22\x33\x44"
    # shares the answer's segment
    flow, asked = upgraded(with_answer=frame(b'{"stun":"192.0.2.1:1001"}'))
    flow.down(frame(b"a 192.0.2.2:1002 b 192.0.2.3:1003 c"))
    flow.down(frame(b"192.0.2.4:1004 192.0.2.5:1005 192.0.2.6:1006"))
    flow.up(frame(b"192.0.2.7:1007", mask=mask)
            + frame(b"192.0.2.2:1002,192.0.2.3:1003", mask=b"\0\xff\0\xff"))
    done(flow, asked)
    flow, asked = upgraded()
    flow.down(frame(b'{"list":["192.0.2.8:1008","192.0.2.9:1009"]}' + b" " * 200), size=7)
    flow.up(frame(b"here 192.0.2.10:1010", mask=mask), size=1)
    done(flow, asked)
    flow, asked = upgraded()
    # 70,000 bytes: the 64-bit length form; its address lies behind the first 65,536.
    flow.down(frame(b" " * 66000 + b"192.0.2.11:1011" + b" " * 3985))
    flow.down(frame(b"192.0.2.1:1001"))
    done(flow, asked)
    flow, asked = upgraded()
    flow.down(frame(b"192.0.2.100:1", opcode=pl.BINARY) + frame(b"192.0.2.101:1", opcode=pl.PING))
    flow.down(frame(b"no address: 192.0.2.102, v1.2.3:4, port :80"))
    out_of_order(flow, frame(b"192.0.2.12:1012"), frame(b"192.0.2.13:1013"))
    done(flow, asked)
    flow, asked = upgraded(port=8409)
    flow.down(frame(b"192.0.2.103:1"))
    done(flow, asked)
    refused = Tcp(cap, dport=8408).open()
    asked = refused.up(UPGRADE)
    refused.down(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    refused.down(frame(b"192.0.2.104:1"))
    done(refused, asked, "400")
    bare = Tcp(cap, dport=8408).open()
    bare.down(frame(b"192.0.2.105:1"))
    bare.close()
    for run in (wxy, tt):
        bare.expect(run)
        run.only("xycdn_stun_ip_port.json", "save_con.json", "tmp_con.json", "save_http.json")
    seen = {"192.0.2.1:1001": 2, "192.0.2.2:1002-192.0.2.3:1003": 2,
            "192.0.2.8:1008-192.0.2.9:1009": 1}
    seen.update({"192.0.2.%d:%d" % (n, 1000 + n): 1 for n in (4, 5, 6, 7, 10, 11, 12, 13)})
    for key, number in seen.items():
        wxy.record("xycdn_stun_ip_port.json", {"key": key}, {"num": number})
    return cap


def captures():
    return [toutiao_udp(), stun_udp(), peers_udp(), company(), probe_limits(), peers_tcp(), xycdn()]
