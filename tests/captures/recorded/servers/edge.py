#!/usr/bin/env python3
"""Python's own http.server, with the answers that tidy servers do not give.

usage: edge.py PORT

/trailer    chunks of odd sizes, a chunk extension, a trailer after the last chunk
/deflate    a body in zlib's format, with a length
/close      HTTP/1.0, no length: the body ends with the connection
/reset      the same, but the connection ends with a RST in the middle
/slow       the answer comes two seconds after the request
/part       promises 3,000 bytes, sends 1,000 and waits
Anything else: 200 with the path as the body.
"""
import http.server
import socket
import struct
import sys
import time
import zlib


def numbered(count):
    return b"".join(b"line %06d\n" % n for n in range(1, count + 1))


class Edge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "edge", ""

    def do_GET(self):
        getattr(self, "answer_" + self.path.strip("/"), self.answer_plain)()

    def answer(self, body, *headers):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_plain(self):
        body = self.path.encode() + b"\n"
        self.answer(body, ("Content-Length", len(body)))

    def answer_trailer(self):
        self.answer(b"", ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
        for chunk in (b"1;note=first\r\na\r\n", b"00a\r\nbcdefghijk\r\n",
                      b"F\r\nlmnopqrstuvwxyz\r\n", b"0\r\nX-Sum: 26\r\n\r\n"):
            self.wfile.write(chunk)
            time.sleep(0.05)

    def answer_deflate(self):
        body = zlib.compress(numbered(200))
        self.answer(body, ("Content-Encoding", "deflate"), ("Content-Length", len(body)))

    def answer_close(self):
        self.protocol_version, self.close_connection = "HTTP/1.0", True
        self.answer(numbered(100))

    def answer_reset(self):
        self.protocol_version, self.close_connection = "HTTP/1.0", True
        self.answer(numbered(100))
        time.sleep(0.3)  # the client has all of it, so that the RST overtakes nothing
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def answer_slow(self):
        time.sleep(2)
        self.answer_plain()

    def answer_part(self):
        self.answer(numbered(100)[:1000], ("Content-Length", 3000))
        time.sleep(5)

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass  # /reset closed it under our feet

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family, daemon_threads = socket.AF_INET6, True

    def shutdown_request(self, request):
        try:
            super().shutdown_request(request)
        except OSError:
            pass


Server(("::", int(sys.argv[1])), Edge).serve_forever()
