#!/usr/bin/env python3
"""The archive: records of many captures in one SQLite file, each once."""
import collections
import contextlib
import json
import os
import sqlite3
import subprocess

import harness
from harness import CAPTURES, DEMO
from listening import BIN, FILES, PATIENCE, WithTap, canonical, in_files


class Archive(WithTap):
    """Into SQLite: a sixth stage that no other knows of."""

    TABLES = {"save_con.json": "flow_tcp", "tmp_con.json": "flow_tcp", "udp_con.json": "flow_udp",
              "save_http.json": "http", "tmp_http.json": "http", "sni.json": "tls_sni",
              "cert_domain_time.json": "tls_cert", "ts_domain_ip.json": "dns",
              "xycdn_stun_ip_port.json": "xycdn"}
    OURS = ("attempt_id", "seq", "file", "src", "dst", "further")
    LISTS = ("stun_values", "req_headers", "res_headers", "domains", "dns_domain", "dns_ip")

    def keep(self, capture, out):
        """Runs a capture with an archive that ends behind it."""
        archive = self.listen(os.path.join(BIN, "tapline-archive"), "--connect", self.tap,
                              os.path.join(self.folder, "records.sqlite"))
        self.tapped(capture, out=out)
        self.assertEqual(self.stopped(archive)[1], "")

    def rows(self, out):
        """What the archive holds of the capture whose results are in `out`: file -> Counter."""
        found = {name: collections.Counter() for name in FILES}
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            db.row_factory = sqlite3.Row
            for name, table in self.TABLES.items():
                for row in db.execute(f"SELECT t.* FROM {table} t JOIN attempts a ON a.id = "
                                      "t.attempt_id WHERE a.out = ? AND file = ?", (out, name)):
                    record = {key: json.loads(row[key]) if key in self.LISTS and row[key]
                              else row[key] for key in row.keys() if key not in self.OURS}
                    record.update(json.loads(row["further"] or "{}"))
                    found[name][canonical(record)] += 1
        return found

    def test_two_captures_and_a_resume(self):
        self.file = os.path.join(self.folder, "records.sqlite")
        lossy = os.path.join(CAPTURES, "recorded", "http-lossy.pcap")
        outs = {os.path.join(self.folder, "a"): DEMO, os.path.join(self.folder, "b"): lossy}
        for out, capture in outs.items():
            self.keep(capture, out)
        for out in outs:
            want, got = in_files(out), self.rows(out)
            for name in FILES:
                self.assertEqual(want[name], got[name], name)
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            states = db.execute("SELECT state, missed FROM attempts").fetchall()
            self.assertEqual(states, [("published", 0)] * 2)
            plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM flow_tcp WHERE dst = 'x'").fetchall()
            self.assertIn("flow_tcp_by_dst", plan[0][3])

    def test_another_programs_file_is_left_alone(self):
        path = os.path.join(self.folder, "other.sqlite")
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE thesis(text)")
        done = subprocess.run([os.path.join(BIN, "tapline-archive"), "--connect", self.tap, path],
                              capture_output=True, text=True, check=False, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("other.sqlite", done.stderr)


if __name__ == "__main__":
    harness.main()
