#!/usr/bin/env python3
"""Asks the WebSocket server of the recipe; its frames are masked, as every client's.

usage: websocket.py ADDRESS PORT LOCAL_PORT
"""
import asyncio
import sys

import websockets


async def main():
    address, port, local = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    async with websockets.connect("ws://edge.example:%d/peers" % port, host=address, port=port,
                                  local_addr=("0.0.0.0", local), compression=None) as socket:
        for question in ("who is near 198.51.100.7:9001?", "all", "none"):
            await socket.send(question)
            await socket.recv()
        await socket.send(b"binary 203.0.113.9:9009 is not text")
        await socket.recv()


asyncio.run(main())
