#!/usr/bin/env python3
"""Prints every record as a line of JSON, until the capture is published.

Usage: listen.py ENDPOINT [MY-KEY THE-TAPS-KEY.pub]   (the keys as `tapline keys` makes them; it
needs python3-zmq and python3-msgpack; the contract is tapline/tap.h)
"""
import json
import sys
import time

import msgpack
import zmq


def text_of(value):
    """A time as the files print it, in the zone of TZ."""
    seconds, micros = value.seconds, value.nanoseconds // 1000
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + f".{micros:06d}"


def keys_of(path):
    """{"public-key": ..., and where the file is a secret one "secret-key": ...}"""
    with open(path, "rb") as lines:
        return {word.decode(): key for word, key in map(bytes.split, lines)}


tap = zmq.Context().socket(zmq.SUB)
if len(sys.argv) == 4:
    tap.curve_secretkey = keys_of(sys.argv[2])["secret-key"]
    tap.curve_publickey = keys_of(sys.argv[2])["public-key"]
    tap.curve_serverkey = keys_of(sys.argv[3])["public-key"]
tap.connect(sys.argv[1])
tap.subscribe("")  # every topic; "http" or "flow" would do as well
tap.subscribe("ready")  # last: this listener has said all that it wants
heads, missed = {}, 0
while True:
    topic, body = tap.recv_multipart()
    record = msgpack.unpackb(body)
    last = heads.get((record["sink"], topic), record["seq"] - 1)
    missed += record["seq"] - last - 1
    heads[record["sink"], topic] = record["seq"]
    print(json.dumps(record, default=text_of, ensure_ascii=False))
    if record.get("event") == "published":
        break
print(f"missed: {missed}", file=sys.stderr)
