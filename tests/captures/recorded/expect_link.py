#!/usr/bin/env python3
"""Writes the expected records of the link-* captures. usage: expect_link.py DIRECTORY"""
import sys

from witness import Capture, Transcript, numbered, stamp

LINKS = (("link-any", 41001), ("link-cooked", 41002), ("link-vlan", 41003), ("link-qinq", 41004),
         ("link-raw", 41005))


def main():
    for name, port in LINKS:
        capture = Capture(sys.argv[1], name)
        question = capture.flow(port, tcp=False)
        capture.must("ts_domain_ip.json", {"timestamp": stamp(question.back[0].ns)},
                     dns_domain=["edge.example"], dns_ip=["192.0.2.2"])
        capture.must_not("udp_con.json", ip_port=question.key)
        for local, uri, body in ((port, "/small.txt", numbered(4)),
                                 (port + 100, "/chunked/page.txt", numbered(400))):
            talk = Transcript(capture, capture.flow(local))
            talk.exchange("GET", uri, 200, "OK", res_body=body)
            capture.connection(talk.flow, "http", http_req_time=talk.last_request)
        capture.totals()
        capture.only("ts_domain_ip.json", "save_con.json", "save_http.json")
        capture.write()


main()
