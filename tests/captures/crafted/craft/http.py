"""HTTP/1 as it travels: framing, codings, upgrades, and what a capture loses of it."""
from . import storage
from .builder import DOWN, UP, Capture, stamp
from .web import (KEPT, UNANSWERED, UNASKED, Message, Web, answer_fields, asked_fields, chunked,
                  get, reply)

FILES = ("save_con.json", "tmp_con.json", "save_http.json", "tmp_http.json")
# Compressors differ from one version to the next, so these bytes stand here as they are.
PLAIN = b"edge computing, compressed. " * 40
DEFLATE = bytes.fromhex(
    "4b4d494f5548cecf2d282dc9cc4bd701338b528b8b5353f4145247e546e546e546e528900300")
ZLIB = bytes.fromhex("78da") + DEFLATE + bytes.fromhex("63bd9e20")
GZIP = bytes.fromhex("1f8b0800000000000203") + DEFLATE + bytes.fromhex("3c21077660040000")
LONG = bytes(65 + i % 26 for i in range(20000))
GZIP_LONG = bytes.fromhex(
    "1f8b0800000000000203edc9b70180200000b0dbb07711ecff1fe2174ec99a509455ddb45d3f8cd3bcac714b793f"
    "ceeb7ede608c31c618638c31c618638c31c618638c31c618638c31c618638c31c618638c31c618638c31c618638c31"
    "c618638c31e6c7f90002bad19d204e0000")


def split():
    """One exchange in segments of every small size."""
    cap = Capture("http-split")
    run = cap.run()
    for size in (1, 2, 3, 5, 7, 11, 17, 18, 19):
        web = Web(cap, run).open()
        post = get("/split/%d" % size, ("X-Mark", "a b"), method="POST", body=b"question=%d" % size)
        web.exchange(post, reply(b"answer %d" % size, "200 OK", ("Content-Type", "text/plain")),
                     size=size)
        coded = Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")],
                        chunked([b"first,", b"second-is-longer;"]))
        web.exchange(get("/chunks/%d" % size), coded, size=size, res_body="first,second-is-longer;")
        web.finish()
    run.only(*FILES)
    return cap


def chunks(cap, run):
    """Chunked bodies: extensions, a trailer, an upload, and no bytes at all."""
    web = Web(cap, run).open()
    named = [(b"with", b";name=value"), b"out", (b"x" * 26, b" ;a=\"b\"")]
    coded = Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")], chunked(named))
    web.exchange(get("/chunked"), coded, res_body="without" + "x" * 26)
    trailed = Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")],
                      chunked([b"body"], b"X-Sum: 17\r\nX-More: z\r\n"))
    wanted = answer_fields(trailed, None)
    asked = web.ask(get("/trailer"))
    answered = web.answer(trailed)
    for key in ("res_time", "res_headers", "res_body"):
        del wanted[key]
    web.note("save_http.json", **asked_fields(get("/trailer"), asked), **wanted,
             res_time=stamp(answered), res_body="body")
    upload = Message("POST /upload HTTP/1.1",
                     [("Host", "h.example"), ("Transfer-Encoding", "chunked")],
                     chunked([b"up", b"load"]))
    web.exchange(upload, reply(b"", "201 Created"), req_body="upload")
    web.exchange(get("/empty"), Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")],
                                        chunked([])),
                 res_body="")
    web.finish()


def framing():
    """Where a message ends: lengths, chunks, methods and statuses without a body."""
    cap = Capture("http-framing")
    run = cap.run()
    web = Web(cap, run).open()
    for uri in ("/one", "/two", "/three"):
        web.exchange(get(uri), reply(uri.encode()))
    web.finish()
    web = Web(cap, run).open()  # no body, whatever the length says
    web.exchange(get("/head", method="HEAD"),
                 Message("HTTP/1.1 200 OK", [("Content-Length", "5000")]))
    web.exchange(get("/304"), Message("HTTP/1.1 304 Not Modified",
                                      [("Content-Length", "500"), ("ETag", '"x"')]))
    web.exchange(get("/204"), Message("HTTP/1.1 204 No Content", [("Server", "edge")]))
    web.exchange(get("/after"), reply(b"after"))
    web.finish()
    web = Web(cap, run).open()
    several = [get("/p%d" % i, method="HEAD" if i == 2 else "GET") for i in range(4)]
    answers = [reply(b"body %d" % i) for i in range(4)]
    answers[2].body = b""
    asked = web.ask(b"".join(m.wire() for m in several))
    answered = web.answer(b"".join(m.wire() for m in answers))
    for request, response in zip(several, answers):
        web.note("save_http.json", **asked_fields(request, asked),
                 **answer_fields(response, answered))
    web.finish()
    web = Web(cap, run).open()  # pipelined, the second one over two segments
    first, second = get("/q1"), get("/q2")
    asked = web.ask(first.wire() + second.wire()[:9])
    web.ask(second.wire()[9:])
    answered = [web.answer(reply(b"r1")), web.answer(reply(b"r2"))]
    web.note("save_http.json", **asked_fields(first, asked),
             **answer_fields(reply(b"r1"), answered[0]))
    web.note("save_http.json", **asked_fields(second, asked),
             **answer_fields(reply(b"r2"), answered[1]))
    web.finish(http_req_time=stamp(asked))
    chunks(cap, run)
    big = bytes(97 + i % 26 for i in range(6000))
    web = Web(cap, run).open()
    web.exchange(get("/big", method="PUT", body=big), reply(big))
    web.exchange(get("/edge", method="PUT", body=big[:KEPT]), reply(big[:KEPT + 1]))
    web.finish()
    run.only(*FILES)
    return cap


def interim():
    """Answers before the answer."""
    cap = Capture("http-interim")
    run = cap.run()
    web = Web(cap, run).open()
    post = get("/continue", ("Expect", "100-continue"), method="POST", body=b"the body")
    asked = web.ask(post.wire()[:-8])
    web.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
    web.send(UP, b"the body")
    final = reply(b"made", "201 Created")
    web.note("save_http.json", **asked_fields(post, asked),
             **answer_fields(final, web.answer(final)))
    asked = web.ask(get("/hints"))
    web.answer(b"HTTP/1.1 102 Processing\r\n\r\n")
    web.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    final = reply(b"hinted")
    web.note("save_http.json", **asked_fields(get("/hints"), asked),
             **answer_fields(final, web.answer(final)))
    web.finish()
    # refused instead of continued; and answered before the body is there
    web = Web(cap, run).open()
    early = get("/early", method="POST", body=b"0123456789")
    asked = web.ask(early.wire()[:-5])
    final = reply(b"no", "413 Content Too Large")
    answered = web.answer(final)
    web.send(UP, b"56789")
    web.note("save_http.json", **asked_fields(early, asked), **answer_fields(final, answered))
    web.finish()
    run.only(*FILES)
    return cap


def several(web):
    """One coding around another, named in one field or in two, or put on for the transfer."""
    twice, mixed = storage.gzipped(GZIP), storage.gzipped(ZLIB)
    for uri, body, text, *fields in (
            ("/twice", twice, PLAIN, ("Content-Encoding", "gzip, gzip")),
            ("/fields", mixed, PLAIN, ("Content-Encoding", "deflate"),
             ("Content-Encoding", "gzip")),
            ("/listed", GZIP, PLAIN, ("Content-Encoding", "identity ,\tx-gzip,")),
            ("/around", storage.gzipped(b"foreign"), b"foreign", ("Content-Encoding", "br, gzip")),
            ("/within", b"foreign", b"foreign", ("Content-Encoding", "gzip, br"))):
        web.exchange(get(uri), reply(body, "200 OK", *fields), res_body=text.decode())
    for uri, body, *fields in (("/carried", GZIP),
                               ("/doubly", mixed, ("Content-Encoding", "deflate"))):
        answer = Message("HTTP/1.1 200 OK", [*fields, ("Transfer-Encoding", "gzip, chunked")],
                         chunked([body[:9], body[9:]]))
        web.exchange(get(uri), answer, res_body=PLAIN.decode())


def codings():
    cap = Capture("http-codings")
    run = cap.run()
    web = Web(cap, run).open()
    for uri, coding, body, text in (("/gzip", "gzip", GZIP, PLAIN),
                                    ("/zlib", "deflate", ZLIB, PLAIN),
                                    ("/raw", "deflate", DEFLATE, PLAIN),
                                    ("/long", "gzip", GZIP_LONG, LONG),
                                    ("/upper", "GZIP", GZIP, PLAIN),
                                    ("/identity", "identity", PLAIN, PLAIN)):
        answer = reply(body, "200 OK", ("Content-Encoding", coding))
        web.exchange(get(uri), answer, res_body=text[:KEPT].decode())
    pieces = [GZIP[i: i + 7] for i in range(0, len(GZIP), 7)]
    both = Message("HTTP/1.1 200 OK", [("Content-Encoding", "gzip"),
                                       ("Transfer-Encoding", "chunked")],
                   chunked(pieces))
    web.exchange(get("/both"), both, size=13, res_body=PLAIN.decode())
    several(web)
    post = get("/packed", ("Content-Encoding", "gzip"), method="POST", body=GZIP)
    web.exchange(post, reply(b"thanks"), req_body=PLAIN.decode())
    web.exchange(get("/nothing", method="HEAD"),
                 Message("HTTP/1.1 200 OK", [("Content-Encoding", "gzip"),
                                             ("Content-Length", "56")]))
    web.finish()
    run.only(*FILES)
    return cap


def ends():
    """Bodies that last until the connection ends, and messages that it cuts short."""
    cap = Capture("http-ends")
    run = cap.run()
    for how, file in (("close", "save_http.json"), ("reset", "tmp_http.json"),
                      ("open", "tmp_http.json")):
        web = Web(cap, run).open()
        until = Message("HTTP/1.0 200 OK", [("Content-Type", "text/plain")], b"until the end")
        web.exchange(get("/until/" + how), until, file=file)
        web.finish(how)
        web = Web(cap, run).open()
        asked = web.ask(get("/silence/" + how))
        web.note("tmp_http.json", **asked_fields(get("/silence/" + how), asked), **UNANSWERED)
        web.finish(how)
        web = Web(cap, run).open()
        asked = web.ask(get("/short/" + how))
        answered = web.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"s" * 40)
        wanted = answer_fields(Message("HTTP/1.1 200 OK", [("Content-Length", "100")], b"s" * 40),
                               answered)
        web.note("tmp_http.json", **asked_fields(get("/short/" + how), asked),
                 **{**wanted, "res_need_length": 60})
        web.finish(how)
        web = Web(cap, run).open()
        asked = web.ask(b"POST /upload/%s HTTP/1.1\r\nContent-Length: 6000\r\n\r\n%s"
                        % (how.encode(), b"u" * 1000))
        web.note("tmp_http.json", req_uri="/upload/" + how, req_time=stamp(asked),
                 req_method="POST", req_need_length=KEPT - 1000, req_body="u" * 1000, **UNANSWERED)
        web.finish(how)
    web = Web(cap, run).open()  # two asked, one answered
    asked = web.ask(get("/a1").wire() + get("/a2").wire())
    answered = web.answer(reply(b"only one"))
    web.note("save_http.json", **asked_fields(get("/a1"), asked),
             **answer_fields(reply(b"only one"), answered))
    web.note("tmp_http.json", **asked_fields(get("/a2"), asked), **UNANSWERED)
    web.finish()
    run.only(*FILES)
    return cap


def holes():
    """Bytes that the capture lost: within what is kept of a body, beyond, and across the edge."""
    cap = Capture("http-holes")
    run = cap.run()
    body = bytes(48 + i // 100 for i in range(6000))
    for start, end in ((0, 100), (1000, 2000), (5000, 5200), (5119, 5120), (5120, 5121),
                       (5500, 5900)):
        file = "tmp_http.json" if start < KEPT else "save_http.json"
        for way in (UP, DOWN):
            web = Web(cap, run).open()
            uri = "/hole/%d/%d" % (start, way)
            request = get(uri, method="POST", body=body if way == UP else b"-")
            response = reply(body if way == DOWN else b"-")
            times = []
            for side, message in ((UP, request), (DOWN, response)):
                if side != way:
                    times.append(web.send(side, message.wire()))
                    continue
                wire = message.wire()
                head = len(wire) - len(body)
                times.append(web.send(side, wire[:head]))
                if start:
                    web.send(side, body[:start])
                web.lose(side, end - start)
                web.send(side, body[end:])
                web.ack(1 - side)
            web.last_asked = times[0]
            fields = {**asked_fields(request, times[0]), **answer_fields(response, times[1])}
            if start < KEPT:
                one = "req" if way == UP else "res"
                fields.update({one + "_body": body[:start].decode(),
                               one + "_need_length": KEPT - start})
            web.note(file, **fields)
            web.exchange(get("/clean"), reply(b"clean"))
            web.finish()
    web = Web(cap, run).open()  # within a chunk; its framing goes on behind the hole
    asked = web.ask(get("/hole/chunk"))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answered = web.answer(head + b"64\r\n" + b"c" * 30)
    web.lose(DOWN, 40)
    web.answer(b"c" * 30 + b"\r\n0\r\n\r\n")
    wanted = answer_fields(Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")],
                                   b"c" * 30), answered)
    web.note("tmp_http.json", **asked_fields(get("/hole/chunk"), asked), **wanted)
    web.exchange(get("/clean"), reply(b"clean"))
    web.finish()
    web = Web(cap, run).open()  # a whole answer: the one that follows is not the first request's
    asked = web.ask(get("/lost"))
    web.lose(DOWN, 200)
    web.note("tmp_http.json", **asked_fields(get("/lost"), asked), **UNANSWERED)
    web.exchange(get("/follows"), reply(b"follows"))
    web.finish()
    run.only(*FILES)
    return cap


def pieces():
    """Half transactions: an answer alone, a hole within a header, a start in the middle."""
    cap = Capture("http-pieces")
    run = cap.run()
    lone = reply(b"lone", "206 Partial Content")
    web = Web(cap, run, client=DOWN, up=("198.51.100.20", 80), down=("192.0.2.10", cap.port()))
    web.note("tmp_http.json", **UNASKED, **answer_fields(lone, web.answer(lone)))
    web.exchange(get("/whole"), reply(b"whole"))
    web.finish()
    web = Web(cap, run).open()  # the request is lost, its answer is not
    web.lose(UP, len(get("/lost").wire()))
    web.note("tmp_http.json", **UNASKED, **answer_fields(lone, web.answer(lone)))
    web.ack(UP)
    web.exchange(get("/next"), reply(b"next"))
    web.finish()
    web = Web(cap, run).open()  # the server speaks unasked, as for a request that never came
    late = reply(b"late", "408 Request Timeout")
    web.note("tmp_http.json", **UNASKED, **answer_fields(late, web.answer(late)))
    web.finish(http_req_time=None)
    web = Web(cap, run).open()  # the answer's header has a hole
    asked = web.ask(get("/torn"))
    web.answer(b"HTTP/1.1 200 OK\r\nX-Torn: yes\r\n")
    web.lose(DOWN, 20)
    web.answer(b"\r\n\r\ntail")
    web.ack(UP)
    web.note("tmp_http.json", **asked_fields(get("/torn"), asked), res_status="200")
    web.exchange(get("/mended"), reply(b"mended"))
    web.finish()
    run.only(*FILES)
    return cap


def refused():
    """Not HTTP after all: the record keeps what was read, and the next turn starts anew."""
    cap = Capture("http-refused")
    run = cap.run()
    web = Web(cap, run).open()
    asked = web.ask(get("/chunk"))
    answered = web.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"3\r\nabc\r\nzz\r\nno chunk")
    wanted = answer_fields(Message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")], b"abc"),
                           answered)
    web.note("tmp_http.json", **asked_fields(get("/chunk"), asked), **wanted)
    web.exchange(get("/chunk/next"), reply(b"fine"))
    web.finish()
    web = Web(cap, run).open()
    bad = web.ask(b"GET /bad HTTP/1.1\r\nHost: h.example\r\nNo\x01Name\x00: x\r\n\r\n")
    web.answer(reply(b"bad", "400 Bad Request"))
    web.note("tmp_http.json", req_uri="/bad", req_time=stamp(bad), req_method="GET",
             req_headers=[["host", "h.example"]])
    web.exchange(get("/good"), reply(b"good"))
    web.finish()
    for nonsense in (b"GET\r\n\r\n", b"HELO mail.example\r\n", b"\x16\x03",
                     b"get / http/1.1\r\n\r\n"):
        web = Web(cap, run).open()
        web.send(UP, nonsense)
        web.answer(b"500 what?\r\n")
        web.finish(protocol_type="tcp")
    run.record("save_http.json", {"req_uri": "/good"}, {"res_body": "good"})
    for uri in ("/bad", "/chunk"):
        run.absent("save_http.json", {"req_uri": uri})
    run.only("save_con.json", "tmp_con.json", "save_http.json")
    return cap


def contents():
    """What a record's text can hold."""
    cap = Capture("http-contents")
    run = cap.run()
    web = Web(cap, run).open()
    repeated = [("Set-Cookie", "a=1"), ("X-One", "1"), ("set-cookie", "b=2"), ("X-Empty", ""),
                ("SET-COOKIE", "c=3; Path=/"), ("x-one", "1")]
    web.exchange(get("/repeated", ("X-Two", "b"), ("x-TWO", "a")), reply(b"", "200 OK", *repeated))
    odd = b'nul \0 bell \x07 esc \x1b del \x7f quote " back \\ slash / tab \t line \r\n'
    web.exchange(get("/controls", method="POST", body=odd), reply(odd))
    torn = (b"ok \xff\xfe lone \xc3( cut \xe2\x82 surrogate \xed\xa0\x80 long \xc0\xaf "
            b"end \xf0\x9f\x98\x80 \xe2\x80\xa8")
    web.exchange(get("/utf8"), reply(torn))
    edge = b"e" * (KEPT - 1) + "é".encode() + b"more"  # the kept bytes end within a character
    web.exchange(get("/cut"), reply(edge), res_body="e" * (KEPT - 1))
    web.exchange(get("/name", ("X-Name", "节点")),
                 reply("边缘".encode(), "200 OK", ("X-Where", "région")))
    web.exchange(get("/reason"), reply(b"", "299 Some Reason: (odd)"))
    web.exchange(get("/bare"), Message("HTTP/1.1 404", [("Content-Length", "0")]))
    web.finish()
    web = Web(cap, run).open()
    for method, uri in (("OPTIONS", "*"), ("PUT", "/put?a=b&c=%20#f"), ("DELETE", "/d"),
                        ("PATCH", "/p;v=1"), ("GET", "http://absolute.example:81/x"),
                        ("PROPFIND", "/dav/"), ("TRACE", "/t")):
        web.exchange(get(uri, method=method), reply(method.encode()))
    web.finish()
    web = Web(cap, run).open()  # a line folded as RFC 9112, section 5.2, allows in old messages
    asked = web.ask(get("/fold"))
    answered = web.answer(b"HTTP/1.1 200 OK\r\nX-Fold: first\r\n second\r\n"
                          b"Content-Length: 4\r\n\r\nfold")
    web.note("save_http.json", **asked_fields(get("/fold"), asked), res_time=stamp(answered),
             res_status="200", res_body="fold")
    web.finish()
    web = Web(cap, run).open()  # empty lines ahead of a request (RFC 9112, section 2.2)
    for uri, before in (("/first", b"\r\n\r\n"), ("/again", b"\n"), ("/plain", b"")):
        asked = web.ask(before + get(uri).wire())
        answered = web.answer(reply(b"ok"))
        web.note("save_http.json", **asked_fields(get(uri), asked),
                 **answer_fields(reply(b"ok"), answered))
    web.finish()
    run.only(*FILES)
    return cap


def places():
    """Any port, both families of addresses, and the answering side as the initiator."""
    cap = Capture("http-places")
    run = cap.run()
    for port in (8080, 443, 53, 25, 1, 65535, 6881):
        web = Web(cap, run, dport=port).open()
        web.exchange(get("/port/%d" % port), reply(b"%d" % port))
        web.finish()
    for client, server in (("2001:db8::10", "2001:db8:0:1::20"),
                           ("2001:db8:0:0:1:0:0:1", "2001:db8:a:b:c:d:e:f")):
        web = Web(cap, run, up=(client, cap.port()), down=(server, 80)).open()
        web.exchange(get("/six"), reply(b"six"))
        web.finish()
    web = Web(cap, run, client=DOWN, dport=9000).open()  # the one who called is asked
    web.exchange(get("/turned"), reply(b"turned"))
    web.finish()
    run.only(*FILES)
    return cap


def upgrades():
    cap = Capture("http-upgrades")
    run = cap.run()
    web = Web(cap, run).open()
    swap = get("/chat", ("Upgrade", "chat/1"), ("Connection", "Upgrade"))
    taken = Message("HTTP/1.1 101 Switching Protocols",
                    [("Upgrade", "chat/1"), ("Connection", "Upgrade")])
    web.exchange(swap, taken)
    web.send(UP, b"\x00\x01 not HTTP any more \r\n\r\n")
    web.send(DOWN, b"nor this")
    web.finish()
    web = Web(cap, run).open()  # not taken: HTTP goes on
    web.exchange(swap, reply(b"stay"))
    web.exchange(get("/stayed"), reply(b"yes"))
    web.finish()
    web = Web(cap, run, dport=3128).open()
    tunnel = get("t.example:9", method="CONNECT")
    web.exchange(tunnel, Message("HTTP/1.1 200 Connection established", [("Via", "1.1 proxy")]))
    web.send(UP, b"\x01\x02binary")
    web.send(DOWN, b"\x03\x04binary")
    web.finish()
    web = Web(cap, run, dport=3128).open()
    web.exchange(tunnel, reply(b"forbidden", "403 Forbidden"))
    web.exchange(get("/refused"), reply(b"still HTTP"))
    web.finish()
    run.only(*FILES)
    return cap


def captures():
    return [split(), framing(), interim(), codings(), ends(), holes(), pieces(), refused(),
            contents(), places(), upgrades()]
