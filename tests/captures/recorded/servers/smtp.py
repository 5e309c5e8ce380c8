#!/usr/bin/env python3
"""As much of a mail server as STARTTLS needs (RFC 3207), once.

usage: smtp.py ADDRESS PORT CERTIFICATE_CHAIN KEY
"""
import socket
import ssl
import sys


def greet(connection):
    connection.sendall(b"220 mail.example ESMTP\r\n")
    connection.recv(1000)
    connection.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")
    connection.recv(1000)
    connection.sendall(b"220 go ahead\r\n")


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
        connection, _ = server.accept()
        greet(connection)
        with context.wrap_socket(connection, server_side=True) as secure:
            while secure.recv(1000):
                secure.sendall(b"221 bye\r\n")


main()
