"""The files that captures come in: pcap's dialects, pcapng's sections, wrappers, damage."""
import struct

from . import packets as pk
from . import storage
from .builder import DOWN, MS, START, UP, Capture, Tcp, Udp, stamp
from .web import Web, get, reply

RECORDS = ("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json", "udp_con.json")


def small(name, *, kind="pcap", rtt=10.0, **wrap):
    """A little traffic whose nanoseconds are not whole microseconds, and its records."""
    cap = Capture(name, step=10 * MS + 100, start=START + 123_456_289, kind=kind)
    run = cap.run()
    web = Web(cap, run).open()
    web.exchange(get("/small"), reply(b"small"))
    web.finish(**{"rtt/ms": rtt})
    flow = Udp(cap, dport=9000)
    flow.send(UP, b"ping")
    flow.send(DOWN, b"pong!")
    flow.expect(run)
    run.only(*RECORDS)
    cap.expect_totals(run)
    cap.content = storage.pcap(cap.frames, **wrap)
    return cap


def dialects():
    made = []
    for order, ending in (("<", "little"), (">", "big")):
        made.append(small("files-micro-" + ending, order=order))
        made.append(small("files-nano-" + ending, order=order, magic=storage.NANO, rtt=10.0001))
    return made


def wrapped():
    one = small("files-gzip", kind="pcap.gz")
    one.content = storage.gzipped(one.content)
    members = small("files-gzip-members", kind="pcap.gz")  # two gzip files, one after the other
    head, tail = members.content[:333], members.content[333:]
    members.content = storage.gzipped(head) + storage.gzipped(tail)
    zst = small("files-zstd", kind="pcap.zst")
    zst.content = storage.zstandard(zst.content)
    frames = small("files-zstd-frames", kind="pcap.zst")
    head, tail = frames.content[:333], frames.content[333:]
    frames.content = storage.zstandard(head) + storage.zstandard(tail)
    return [one, members, zst, frames]


def cut():
    """The recorder died within the last packet: all before it counts."""
    made = []
    for kind in ("pcap", "pcapng"):
        cap = Capture("files-cut" if kind == "pcap" else "files-cut-ng", kind=kind)
        run = cap.run()
        flow = Udp(cap, dport=9000)
        flow.send(UP, b"whole")
        flow.send(DOWN, b"whole too")
        flow.expect(run)
        run.only(*RECORDS)
        cap.expect_totals(run)
        frame = pk.ip_frame(pk.ipv4("192.0.2.10", "198.51.100.20", pk.UDP, b"never read" * 9))
        last = (cap.now, frame, len(frame))
        if kind == "pcap":
            cap.content = storage.pcap(cap.frames + [last])[:-40]
        else:
            blocks = [storage.enhanced(0, f[0] // 1000, f[1]) for f in cap.frames + [last]]
            cap.content = (storage.section() + storage.interface() + b"".join(blocks))[:-40]
        made.append(cap)
    return made


def nothing():
    """No packets, and no capture."""
    made = []
    for name, kind, content in (("files-empty", "pcap", storage.pcap([])),
                                ("files-empty-ng", "pcapng",
                                 storage.section() + storage.interface())):
        cap = Capture(name, kind=kind)
        run = cap.run()
        run.only(*RECORDS)
        cap.expect_totals(run)
        cap.content = content
        made.append(cap)
    magic = storage.pcap([])
    for name, content in (("files-no-bytes", b""),
                          ("files-no-capture", b"This is a letter, not a capture.\n" * 3),
                          ("files-no-header", magic[:17]),
                          ("files-no-gzip", b"\x1f\x8b\x08\0" + bytes(6) + b"no deflate stream")):
        cap = Capture(name)
        cap.run(fails=True)
        cap.content = content
        made.append(cap)
    return made


def on_link(run, link, start, step, dport):
    """Frames of one UDP exchange on a link of its own, and its record."""
    cap = Capture("", step=step, start=start)
    cap.frame_of = link
    flow = Udp(cap, up=("192.0.2.10", 40000 + dport), dport=dport)
    for way in (UP, DOWN, UP):
        flow.send(way, b"interface of port %d" % dport)
    flow.expect(run)
    return cap


def sections():
    """Two sections of either byte order, with interfaces of several link types and clocks."""
    whole = Capture("files-sections", kind="pcapng")
    run = whole.run()
    sll = bytes.fromhex("00000001000602000000000100000800")
    second = storage.SECOND
    # Link type, frame, if_tsresol, if_tsoffset, step of the clock, and its ticks of nanoseconds.
    clocks = [
        (storage.ETHERNET, pk.ip_frame, None, None, 10 * MS, lambda ns: ns // 1000),
        (storage.RAW, bytes, 9, None, 10 * MS + 200, lambda ns: ns),
        (storage.SLL, lambda p: sll + p, 3, None, 7 * MS, lambda ns: ns // MS),
        (storage.ETHERNET, pk.ip_frame, 0x80 | 20, None, second // 4,
         lambda ns: (ns << 20) // second),
        (storage.RAW, bytes, 0, None, 3 * second, lambda ns: ns // second),
        (storage.ETHERNET, pk.ip_frame, 6, 1_600_000_000, 10 * MS,
         lambda ns: ns // 1000 - 1_600_000_000_000_000),
        (storage.RAW, bytes, 0x80 | 10, -7200, second // 8,
         lambda ns: (ns + 7200 * second << 10) // second),
    ]
    out = b""
    for number, order in enumerate("<><"):
        chosen = clocks if number < 2 else clocks[3:]
        out += storage.section(order)
        for link, _, resolution, offset, _, _ in chosen:
            out += storage.interface(link, order, resolution=resolution, offset=offset)
        out += storage.block(4, bytes(4), order)  # an empty name resolution block
        for index, (_, link, _, _, step, ticks) in enumerate(chosen):
            part = on_link(run, link, START + (100 * number + 10 * index) * second, step,
                           100 * number + index + 1)
            for when, frame, _ in part.frames:
                out += storage.enhanced(index, ticks(when), frame, order,
                                        options=storage.option(1, b"a note", order))
            for key, value in part.totals.items():
                whole.totals[key] += value
        out += storage.block(0x0777, b"a kind that nobody knows", order)
        out += storage.block(5, struct.pack(order + "III", 0, 0, 0), order)  # interface statistics
    run.only(*RECORDS)
    whole.expect_totals(run)
    whole.content = out
    return whole


def untimed():
    """Simple packet blocks: frames without a time, counted all the same."""
    cap = Capture("files-simple-blocks", kind="pcapng")
    run = cap.run()
    flow = Udp(cap, dport=9000)
    for way in (UP, DOWN, UP):
        flow.send(way, b"no clock")
    figures = {k: v for k, v in flow.figures().items() if k != "end_timestamp"}
    run.record("udp_con.json", {"ip_port": flow.ip_port}, {**figures, **flow.sums()})
    cap.expect_totals(run)
    blocks = [storage.simple(frame) for _, frame, _ in cap.frames]
    cap.content = storage.section() + storage.interface() + b"".join(blocks)
    return cap


def two_files():
    """The two directions of a tap, each in a file of its own; the last two frames bear one time."""
    names = ["files-tap-a.pcap", "files-tap-b.pcap"]
    both = Capture("files-tap-a")
    run = both.run(capture=names)
    asked = Tcp(both).open()
    when = asked.up(get("/tap").wire())
    answered = asked.down(reply(b"tap").wire())
    asked.fin(UP)
    asked.fin(DOWN)
    asked.ack(UP)
    both.now -= both.step  # the answer to the last ACK, in the same instant
    asked.segment(DOWN, pk.RST)
    asked.expect(run, protocol_type="http", http_req_time=stamp(when))
    asked.expect_http(run, "save_http.json", req_uri="/tap", req_time=stamp(when),
                      res_time=stamp(answered), res_status="200", res_body="tap")
    run.only(*RECORDS)
    both.expect_totals(run)
    down = bytes([198, 51, 100, 20])
    parts = [[f for f in both.frames if (f[1][26:30] == down) == from_server]
             for from_server in (False, True)]
    other = Capture("files-tap-b")
    both.content, other.content = storage.pcap(parts[0]), storage.pcap(parts[1])
    return [both, other]


def captures():
    return dialects() + wrapped() + cut() + nothing() + [sections(), untimed()] + two_files()
