#!/usr/bin/env python3
"""Writes the expected records of the http-* captures. usage: expect_http.py DIRECTORY"""
import sys

from witness import Capture, Transcript, handshake_time, headers, numbered, stamp

SMALL, PAGE, LOSSY, LARGE = numbered(4), numbered(400), numbered(8000), numbered(17000)


def opened(directory, name, port, **how):
    capture = Capture(directory, name, **how)
    flow = capture.flow(port)
    return capture, flow, Transcript(capture, flow)


def http(capture, talk, **more):
    capture.connection(talk.flow, "http", http_req_time=talk.last_request, **more)


def keepalive(directory):
    capture, _, talk = opened(directory, "http-keepalive", 40001)
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    talk.exchange("HEAD", "/page.txt", 200, "OK", res_body=b"")
    talk.exchange("GET", "/nothing", 204, "No Content", res_body=b"")
    talk.exchange("GET", "/small.txt?fresh", 304, "Not Modified", res_body=b"")
    talk.exchange("GET", "/missing", 404, "Not Found")
    talk.exchange("GET", "/small.txt?range", 206, "Partial Content", res_body=SMALL[5:15])
    http(capture, talk)
    capture.write()


def chunked(directory):
    capture, _, talk = opened(directory, "http-chunked", 40002)
    talk.exchange("GET", "/chunked/page.txt", 200, "OK", res_body=PAGE)
    talk.exchange("GET", "/gzip/page.txt", 200, "OK", res_body=PAGE)
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    http(capture, talk)
    talk = Transcript(capture, capture.flow(40003))
    talk.exchange("GET", "/trailer", 200, "OK", res_body=b"abcdefghijklmnopqrstuvwxyz")
    talk.exchange("GET", "/deflate", 200, "OK", res_body=numbered(200))
    http(capture, talk)
    # The trailer belongs to the message's framing; whether its field shows is not promised.
    for record in capture.records:
        if record["match"].get("req_uri") == "/trailer":
            del record["fields"]["res_headers"]
    capture.write()


def upload(directory):
    capture, _, talk = opened(directory, "http-upload", 40004)
    talk.exchange("POST", "/created", 201, "Created", req_body=b"node=7&state=up",
                  res_body=b"made\n")
    talk.exchange("PUT", "/upload/put.txt", 201, "Created", req_body=numbered(300), res_body=b"")
    http(capture, talk)
    talk = Transcript(capture, capture.flow(40005))
    talk.exchange("PUT", "/upload/chunks.txt", 201, "Created", req_body=SMALL, res_body=b"")
    http(capture, talk)
    capture.write()


def whole_bodies(directory):
    capture, _, talk = opened(directory, "http-large", 40006)
    talk.exchange("GET", "/large.txt", 200, "OK", res_body=LARGE)
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    http(capture, talk)
    capture.write()
    for name, port in (("http-offload", 40007), ("http-lossy", 40019)):
        capture, _, talk = opened(directory, name, port)
        talk.exchange("GET", "/lossy.txt", 200, "OK", res_body=LOSSY)
        http(capture, talk)
        capture.write()


def pipelined(directory):
    capture, _, talk = opened(directory, "http-pipelined", 40008)
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    talk.exchange("HEAD", "/page.txt", 200, "OK", res_body=b"")
    talk.exchange("GET", "/missing", 404, "Not Found")
    talk.exchange("GET", "/page.txt", 200, "OK", res_body=PAGE)
    talk.exchange("GET", "/nothing", 204, "No Content", res_body=b"")
    talk.exchange("GET", "/small.txt?again", 200, "OK", res_body=SMALL)
    http(capture, talk)
    capture.write()


def connect(directory):
    with open(directory + "/http-connect.fingerprint", encoding="ascii") as f:
        fingerprint = f.read().strip()
    capture, _, talk = opened(directory, "http-connect", 40009)
    talk.exchange("GET", "http://192.0.2.2/small.txt", 200, "OK", res_body=SMALL)
    http(capture, talk)
    talk = Transcript(capture, capture.flow(40010))
    talk.exchange("CONNECT", "192.0.2.2:443", 200, "Connection established", res_body=b"")
    hello = handshake_time(talk.flow.sent, 1, talk.asked)
    certificate = handshake_time(talk.flow.received, 11, talk.answered)
    http(capture, talk, https_SNI="inside.example", https_SNI_ip="192.0.2.2", https_SNI_time=hello,
         https_Cert_domain="inside.example", https_Cert_ip="192.0.2.2", https_Cert_time=certificate)
    capture.must("sni.json", {"sni_domain": "inside.example"}, sni_ip="192.0.2.2", timestamp=hello)
    capture.must("cert_domain_time.json", {"sha256_fingerprint": fingerprint},
                 timestamp=certificate, domains=["inside.example", "www.inside.example"])
    capture.certificate_file(fingerprint)
    capture.only("sni.json", "cert_domain_time.json")
    capture.write()


def websocket(directory):
    capture, _, talk = opened(directory, "http-websocket", 40011)
    talk.exchange("GET", "/peers", 101, "Switching Protocols", res_body=b"")
    http(capture, talk)
    for key in ("198.51.100.7:9001", "198.51.100.7:9001-203.0.113.5:51413", "203.0.113.5:51413",
                "203.0.113.6:51414", "203.0.113.7:51415"):
        capture.must("xycdn_stun_ip_port.json", {"key": key}, num=1)
    capture.only("xycdn_stun_ip_port.json")
    capture.write()


def ipv6(directory):
    capture, _, talk = opened(directory, "http-ipv6", 40012, times=False)
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    talk.exchange("GET", "/gzip/page.txt", 200, "OK", res_body=PAGE)
    http(capture, talk)
    talk = Transcript(capture, capture.flow(40013))
    talk.exchange("GET", "/small.txt", 200, "OK", res_body=SMALL)
    http(capture, talk)
    talk = Transcript(capture, capture.flow(40014))
    talk.exchange("GET", "/cgi-bin/count", 200, "OK",
                  res_body=b"".join(b"%d\n" % n for n in range(1, 51)))
    http(capture, talk)
    capture.write()


def ended(directory):
    capture, _, talk = opened(directory, "http-until-close", 40015)
    talk.exchange("GET", "/close", 200, "OK", res_body=numbered(100))
    http(capture, talk)
    capture.write()
    capture, _, talk = opened(directory, "http-reset", 40016)
    talk.exchange("GET", "/reset", 200, "OK", done=False, res_body=numbered(100))
    http(capture, talk)
    capture.write()


def midstream(directory):
    capture, flow, _ = opened(directory, "http-midstream", 40017)
    flow = flow if flow.src[1] == "40017" else flow.turned()
    first = next(p for p in flow.back if p.payload.startswith(b"HTTP/1.1 200 OK\r\n"))
    head = first.payload.split(b"\r\n\r\n")[0].split(b"\r\n", 1)[1]
    capture.must("tmp_http.json", {"ip_port": flow.key, "req_method": None}, **dict(
        flow.counts(), req_time=None, req_uri=None, req_headers=None, req_body=None,
        res_time=stamp(first.ns), res_status="200", res_reason="OK", res_need_length=0,
        res_headers=headers(head), res_body="/slow\n"))
    talk = Transcript(capture, flow)
    talk.answered = len(head)
    talk.exchange("GET", "/second", 200, "OK", res_body=b"/second\n")
    talk.exchange("GET", "/part", 200, "OK", done=False, res_body=numbered(100)[:1000],
                  res_need_length=2000)
    capture.connection(capture.flow(40017), "http", http_req_time=talk.last_request)
    capture.write()


def snapped(directory):
    """Of an HTTP head of which 30 bytes were kept only the start line is certain."""
    capture = Capture(directory, "http-snapped")
    flow = capture.flow(40018)
    request = next(p for p in flow.out if p.payload)
    capture.connection(flow, "http", http_req_time=stamp(request.ns))
    capture.write()


def unseen(directory):
    capture, flow, talk = opened(directory, "http-unseen", 40020)
    before = len(flow.received.data) - flow.received.data.index(b"\r\n\r\n") - 4
    talk.exchange("GET", "/page.txt", 200, "OK", done=False, res_body=PAGE[:before],
                  res_need_length=len(PAGE) - before)
    asked = [p for p in flow.out if p.payload]
    answers = [p for p in flow.back if p.payload.startswith(b"HTTP/1.1 200 OK\r\n")]
    for n, uri, body in ((1, "/lossy.txt", LOSSY), (2, "/small.txt", SMALL)):
        head = answers[n].payload.split(b"\r\n\r\n")[0].split(b"\r\n", 1)[1]
        match = {"ip_port": flow.key, "req_method": "GET", "req_uri": uri}
        capture.must("save_http.json", match, **dict(
            flow.counts(), req_time=stamp(asked[n].ns), res_time=stamp(answers[n].ns),
            res_status="200", res_headers=headers(head), res_need_length=0,
            res_body=body[:5120].decode()))
    capture.connection(flow, "http", http_req_time=stamp(asked[-1].ns))
    capture.write()


def main():
    for write in (keepalive, chunked, upload, whole_bodies, pipelined, connect, websocket, ipv6,
                  ended, midstream, snapped, unseen):
        write(sys.argv[1])


main()
