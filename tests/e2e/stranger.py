"""Somebody on a pipeline's bus who is none of its programs. Needs pyzmq and msgpack."""
import glob
import os
import random
import time

import msgpack
import zmq

import harness

MAGIC, VERSION = "tapline", harness.wire_version()
READER, TRACKER, CLASSIFIER, EXTRACTOR, SINK, LOBBY = range(1, 7)
BEGIN, PACKETS, EVENTS, END, TALLY = range(1, 6)
(ANNOUNCE, ROSTER, DEMAND, ACCEPT, ASK, WORD, OUTCOME, RELEASE, FAULT, QUERY, STATUS,
 PARTED) = range(16, 28)
KINDS = [*range(BEGIN, TALLY + 1), *range(ANNOUNCE, PARTED + 1)]
OPEN, DATA, GAP, CLOSE, RECORD = range(5)
NOTHING = 2  # wanted any more
HERE, LEAVING, GONE = range(3)
LINGER_MS = 10000  # within which what was said leaves, unless who it is for is gone
PATIENCE = 120  # seconds that anything may take on a busy machine
EMPTY = b"\x90"  # an array; as a roster it is well formed, and says that nobody is there


class Stranger:
    """Has inboxes of its own in the folder of a private pipeline, and may say anything there."""

    def __init__(self, folder, name):
        self.name = name
        self._folder = folder
        self._context = zmq.Context()
        self._sender = random.SystemRandom().getrandbits(63) | 1
        self._links = {}  # inbox -> [socket, sequence]
        self.data, self.control = (self._inbox(which) for which in ("data", "control"))
        self.capture = self.attempt = 0  # whose messages came here last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._context.destroy(linger=LINGER_MS)
        for which in ("data", "control"):  # ZeroMQ leaves the files of ipc:// sockets behind
            os.unlink(os.path.join(self._folder, f"{self.name}.{which}"))

    def _endpoint(self, inbox):
        """Of an inbox of the pipeline: between its worker's name and its kind stands a number."""
        name, _, which = inbox.partition(".")
        pattern = f"{self._folder}/{name}.*{which}" if which else f"{self._folder}/{name}"
        deadline = time.monotonic() + PATIENCE
        while not glob.glob(pattern) and time.monotonic() < deadline:
            time.sleep(0.02)  # the worker is about to bind it
        (path,) = glob.glob(pattern)
        return "ipc://" + path

    def _own(self, which):
        return f"ipc://{self._folder}/{self.name}.{which}"

    def _inbox(self, which):
        socket = self._context.socket(zmq.PULL)
        socket.bind(self._own(which))
        return socket

    def raw(self, inbox, *frames):
        """Sends bytes as they are to one of the pipeline's inboxes: "tracker-1.data"."""
        if inbox not in self._links:
            socket = self._context.socket(zmq.PUSH)
            socket.connect(self._endpoint(inbox))
            self._links[inbox] = [socket, 0]
        self._links[inbox][0].send_multipart(frames)

    def head(self, kind, inbox=None, capture=None):
        """A message without its body, as a list: the next to an inbox, of the known capture."""
        number = self._links[inbox][1] + 1 if inbox in self._links else 1
        capture = self.capture if capture is None else capture
        return [MAGIC, VERSION, kind, capture, self.attempt, self._sender, self._sender, number]

    def say(self, inbox, kind, body, capture=None):
        """Sends a whole message; `body` is a value, or msgpack bytes as they are."""
        if not isinstance(body, bytes):
            body = msgpack.packb(body)
        head = self.head(kind, inbox, capture)
        packed = b"".join([b"\x99", *(msgpack.packb(field) for field in head), body])
        self.raw(inbox, packed)
        self._links[inbox][1] += 1

    def announce(self, role, presence=HERE):
        """Joins the pipeline as a worker, says that it is still there, or takes its leave."""
        self.say("lobby", ANNOUNCE, [role, self.name, self._own("data"), self._own("control"),
                                     presence, "", {}], capture=0)

    def listed(self):
        """Waits until a roster that names this stranger has come, and so to the others."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.control.poll(100) and self.name.encode() in self.control.recv():
                return True
        return False

    def relay(self, to):
        """Hands on what came to the data inbox, as its own; whether there was something."""
        if not self.data.poll(10):
            return False
        message = self.data.recv()
        unpacker = msgpack.Unpacker(max_buffer_size=1 << 30)
        unpacker.feed(message)
        unpacker.read_array_header()
        _, _, kind, capture, attempt = (unpacker.unpack() for _ in range(5))
        for _ in range(3):
            unpacker.skip()
        self.capture, self.attempt = capture, attempt
        self.say(to, kind, message[unpacker.tell():])
        return True


def garbage(rng, stranger):
    """Lists of frames that are no messages, or only nearly."""
    yield from ([b""], [b"\0"], [b"\xc1"], [b"\x99"], [b"\xdd\xff\xff\xff\xff"], [b"GET / "])
    yield [b"\x91" * 100000]
    yield [os.urandom(1 << 20)]
    yield [b"\x99", b"\xa7tapline", bytes([VERSION])]
    for kind in (*KINDS, 0, 6, 99, 65535, 65536, 1 << 63):
        head = stranger.head(kind)
        bodies = [b"", b"\xc0", b"\x80", b"\x91\x90", b"\xdd\xff\xff\xff\xff\x90",
                  b"\xdc\xff\xff" + b"\x00" * 100, b"\xc6\xff\xff\xff\xff", rng.randbytes(40)]
        if kind != ROSTER:
            bodies.append(EMPTY)
        for body in bodies:
            yield [msgpack.packb(head + [None])[:-1] + body]
        for field, value in ((0, "tapLine"), (0, 7), (1, 0), (1, 2), (1, "1"), (3, -1), (5, None),
                             (7, 1 << 64 - 1)):
            yield [msgpack.packb(head[:field] + [value] + head[field + 1:] + [None])]
        yield [msgpack.packb(head)]
