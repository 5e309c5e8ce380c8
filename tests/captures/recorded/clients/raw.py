#!/usr/bin/env python3
"""Sends requests as they are given, where curl would tidy them.

usage: raw.py ADDRESS PORT LOCAL_PORT STEP...

STEP is METHOD:TARGET (sent at once; neighbours joined by a plus sign go in one write),
or wait:SECONDS. After the last step the answers are read for one second.
"""
import socket
import sys
import time


def request(step):
    method, target = step.split(":", 1)
    return "%s %s HTTP/1.1\r\nHost: edge.example\r\n\r\n" % (method, target)


def main():
    address, port, local = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind(("", local))
        s.connect((address, port))
        for step in sys.argv[4:]:
            if step.startswith("wait:"):
                time.sleep(float(step[5:]))
            else:
                s.sendall("".join(map(request, step.split("+"))).encode())
        s.settimeout(1)
        try:
            while s.recv(65536):
                pass
        except socket.timeout:
            pass


main()
