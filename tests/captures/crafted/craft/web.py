"""HTTP messages, and a connection that notes the records which its transactions must give."""
from .builder import UP, Tcp, stamp

KEPT = 5120


class Message:
    """A start line, header lines and a body. What a record says of it follows from these."""

    def __init__(self, start, headers=(), body=b""):
        self.start, self.headers, self.body = start, list(headers), body

    def wire(self):
        lines = [self.start] + ["%s: %s" % pair for pair in self.headers]
        return "\r\n".join(lines + ["", ""]).encode() + self.body

    def pairs(self):
        """Header pairs as records list them: a repeated name once, with all its values."""
        values = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value)
        return [[name, v[0] if len(v) == 1 else v] for name, v in values.items()]

    def text(self):
        return self.body[:KEPT].decode("utf-8", "ignore")


def get(uri, *headers, method="GET", body=b"", host="h.example"):
    length = [("Content-Length", str(len(body)))] if body else []
    return Message("%s %s HTTP/1.1" % (method, uri), [("Host", host), *headers, *length], body)


def reply(body=b"", status="200 OK", *headers):
    return Message("HTTP/1.1 " + status, [*headers, ("Content-Length", str(len(body)))], body)


def chunked(pieces, trailer=b""):
    """A chunked body of the pieces, each (bytes, extension) or bytes."""
    out = b""
    for piece in pieces:
        data, extension = piece if isinstance(piece, tuple) else (piece, b"")
        out += b"%X%s\r\n%s\r\n" % (len(data), extension, data)
    return out + b"0\r\n" + trailer + b"\r\n"


def asked_fields(message, when):
    _, uri, _ = message.start.split(" ", 2)
    return {"req_uri": uri, "req_time": stamp(when), "req_method": message.start.split(" ")[0],
            "req_need_length": 0, "req_headers": message.pairs(), "req_body": message.text(),
            "req_data": ""}


def answer_fields(message, when):
    _, status, reason = (message.start + " ").split(" ", 2)
    return {"res_time": stamp(when), "res_status": status, "res_reason": reason.strip(),
            "res_need_length": 0, "res_headers": message.pairs(), "res_body": message.text(),
            "res_data": ""}


UNASKED = {"req_time": None, "req_method": None, "req_uri": None}
UNANSWERED = {"res_time": None, "res_status": None, "res_reason": None}


class Web(Tcp):
    """Transactions on one connection; `finish` adds their records when its figures are known."""

    def __init__(self, cap, *runs, client=UP, **kind):
        super().__init__(cap, **kind)
        self.runs, self.client, self.pending, self.last_asked = runs, client, [], None

    def ask(self, message, size=1400):
        data = message.wire() if isinstance(message, Message) else message
        self.last_asked = self.send(self.client, data, size)
        return self.last_asked

    def answer(self, message, size=1400):
        data = message.wire() if isinstance(message, Message) else message
        return self.send(1 - self.client, data, size)

    def note(self, file, **fields):
        self.pending.append((file, fields))

    def exchange(self, request, response, *, file="save_http.json", size=1400, **special):
        """One request and its answer, whole; `special` overrides what the record must say."""
        asked = self.ask(request, size)
        self.ack(1 - self.client)
        answered = self.answer(response, size)
        self.ack(self.client)
        fields = {**asked_fields(request, asked), **answer_fields(response, answered)}
        self.note(file, **{**fields, **special})

    def finish(self, how="close", **special):
        """End with FINs ("close"), by a RST of the server ("reset"), or not at all ("open")."""
        if how == "close":
            self.close(1 - self.client)
        elif how == "reset":
            self.reset(1 - self.client)
        special.setdefault("protocol_type", "http")
        if special["protocol_type"] == "http":
            special.setdefault("http_req_time", stamp(self.last_asked))
        for run in self.runs:
            self.expect(run, **special)
            for file, fields in self.pending:
                self.expect_http(run, file, requester=self.client, **fields)
