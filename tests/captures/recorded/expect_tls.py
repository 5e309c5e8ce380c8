#!/usr/bin/env python3
"""Writes the expected records of the tls-* captures. usage: expect_tls.py DIRECTORY"""
import sys

from witness import Capture, handshake_time

CLIENT_HELLO, CERTIFICATE = 1, 11
LEAF_NAMES = ["www.edge.example", "edge.example"]


class Tls:
    def __init__(self, directory, name):
        self.capture = Capture(directory, name)
        with open(directory + "/tls-fingerprints.txt", encoding="ascii") as f:
            self.fingerprints = dict(line.split() for line in f)

    def hello(self, flow, name, start=0):
        """The connection's fields for its ClientHello, and its record in sni.json."""
        time = handshake_time(flow.sent, CLIENT_HELLO, start)
        self.capture.must("sni.json", {"sni_domain": name, "timestamp": time}, sni_ip=flow.dst[0])
        return {"https_SNI": name, "https_SNI_ip": flow.dst[0], "https_SNI_time": time}

    def certificates(self, stream, names, chain, start=0):
        """One Certificate message: a record for the leaf, a file for each of the chain."""
        time = handshake_time(stream, CERTIFICATE, start)
        leaf = self.fingerprints[chain[0]]
        self.capture.must("cert_domain_time.json", {"sha256_fingerprint": leaf, "timestamp": time},
                          domains=names)
        for certificate in chain:
            self.capture.certificate_file(self.fingerprints[certificate])
        return time

    def served(self, flow, names, chain, start=0):
        return {"https_Cert_domain": names[0], "https_Cert_ip": flow.dst[0],
                "https_Cert_time": self.certificates(flow.received, names, chain, start)}

    def plain(self, port, name, chain=("leaf", "intermediate", "root")):
        flow = self.capture.flow(port)
        self.capture.connection(flow, "https", **self.hello(flow, name),
                                **self.served(flow, LEAF_NAMES, chain))

    def write(self):
        files = {r["file"] for r in self.capture.records}
        self.capture.only(*files & {"sni.json", "cert_domain_time.json"})
        self.capture.write()


NO_CERTIFICATE = {"https_Cert_domain": "", "https_Cert_ip": "", "https_Cert_time": None}
NO_NAME = {"https_SNI": "", "https_SNI_ip": "", "https_SNI_time": None}


def whole(directory):
    for name, port in (("tls-12", 42001), ("tls-split", 42008)):
        tls = Tls(directory, name)
        tls.plain(port, "www.edge.example")
        tls.write()


def resumed(directory):
    """The second handshake goes on from the first one's session and sends no certificate."""
    tls = Tls(directory, "tls-resumed")
    tls.plain(42002, "edge.example")
    flow = tls.capture.flow(42003)
    tls.capture.connection(flow, "https", **tls.hello(flow, "edge.example"), **NO_CERTIFICATE)
    tls.write()


def tls13(directory):
    tls = Tls(directory, "tls-13")
    flow = tls.capture.flow(42004)
    tls.capture.connection(flow, "https", **tls.hello(flow, "www.edge.example"), **NO_CERTIFICATE)
    tls.capture.must_not("cert_domain_time.json")
    tls.write()


def client_certificate(directory):
    tls = Tls(directory, "tls-client-cert")
    tls.plain(42005, "mutual.edge.example")
    tls.certificates(tls.capture.flow(42005).sent, ["node7.clients.example"],
                     ("node", "intermediate"))
    tls.write()


def nameless(directory):
    """No server name in the hello, no SAN in the certificate: its common name is all there is."""
    tls = Tls(directory, "tls-nameless")
    flow = tls.capture.flow(42006)
    tls.capture.connection(flow, "https", **NO_NAME,
                           **tls.served(flow, ["plain.edge.example"], ("plain",)))
    tls.capture.must_not("sni.json", sni_ip="192.0.2.2")
    tls.write()


def starttls(directory):
    tls = Tls(directory, "tls-starttls")
    flow = tls.capture.flow(42007)
    asked = flow.sent.data.index(b"STARTTLS\r\n") + len(b"STARTTLS\r\n")
    told = flow.received.data.index(b"220 go ahead\r\n") + len(b"220 go ahead\r\n")
    tls.capture.connection(flow, "https", **tls.hello(flow, "mail.example", asked),
                           **tls.served(flow, LEAF_NAMES, ("leaf", "intermediate", "root"), told))
    tls.write()


def main():
    for write in (whole, resumed, tls13, client_certificate, nameless, starttls):
        write(sys.argv[1])


main()
