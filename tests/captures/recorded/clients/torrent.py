#!/usr/bin/env python3
"""Fetches a torrent from one peer over one transport only (libtorrent).

usage: torrent.py tcp|utp TORRENT DIRECTORY LOCAL_ADDRESS PEER_ADDRESS PEER_PORT
"""
import sys
import time

import libtorrent

SETTINGS = {
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "out_enc_policy": 2, "in_enc_policy": 2,  # plain BitTorrent, no encrypted handshake
}


def main():
    transport, torrent, directory, local, peer, port = sys.argv[1:]
    session = libtorrent.session(dict(
        SETTINGS, listen_interfaces=local + ":6881", outgoing_interfaces=local,
        enable_outgoing_tcp=transport == "tcp", enable_incoming_tcp=transport == "tcp",
        enable_outgoing_utp=transport == "utp", enable_incoming_utp=transport == "utp"))
    handle = session.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": directory})
    for _ in range(500):
        if handle.status().is_seeding:
            return 0
        if handle.status().num_peers == 0:
            handle.connect_peer((peer, int(port)))
        time.sleep(0.1)
    return 1


sys.exit(main())
