#!/usr/bin/env python3
"""A WebSocket server that answers a peer's question with addresses (websockets library).

usage: websocket.py ADDRESS PORT
"""
import asyncio
import sys

import websockets

ANSWERS = {
    "who is near 198.51.100.7:9001?": "198.51.100.7:9001 may ask 203.0.113.5:51413",
    "all": "203.0.113.5:51413, 203.0.113.6:51414 and 203.0.113.7:51415" + " " * 3000,
    "none": "no peer today",
}


async def answer(socket, _path):
    async for question in socket:
        await socket.send(ANSWERS.get(question, "?"))


async def main():
    async with websockets.serve(answer, sys.argv[1], int(sys.argv[2]), compression=None):
        await asyncio.Future()


asyncio.run(main())
