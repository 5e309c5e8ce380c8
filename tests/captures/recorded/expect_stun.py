#!/usr/bin/env python3
"""Writes the expected records of the stun-* captures. usage: expect_stun.py DIRECTORY

STUN without a platform's attribute is plain UDP in the records.
"""
import sys

from witness import Capture


def main():
    for name in ("stun-binding", "stun-turn"):
        capture = Capture(sys.argv[1], name)
        for flow in capture.flows:
            capture.conversation(flow, stun_values=[], xunlei_id_1="", xunlei_id_2="",
                                 toutiao_value="")
        capture.write()


main()
