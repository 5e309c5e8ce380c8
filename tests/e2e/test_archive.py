#!/usr/bin/env python3
"""The archive: records of many captures in one SQLite file, each once."""
import collections
import contextlib
import json
import os
import signal
import sqlite3
import subprocess

import harness
from harness import CAPTURES, DEMO, TAPLINE
from listening import BIN, FILES, PATIENCE, PATIENT, WithTap, canonical, in_files


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
        archive = self.archive()
        self.tapped(capture, out=out)
        self.assertEqual(self.stopped(archive)[1], "")

    def archive(self):
        """An archive that listens."""
        return self.listen(os.path.join(BIN, "tapline-archive"), "--connect", self.tap, self.file)

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

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.folder, "records.sqlite")

    def same_as_rows(self, out):
        """The archive holds exactly the records of a capture's files."""
        want, got = in_files(out), self.rows(out)
        for name in FILES:
            self.assertEqual(want[name], got[name], name)

    def asked(self, question):
        """The rows that answer it."""
        with contextlib.closing(sqlite3.connect(self.file)) as db:
            return db.execute(question).fetchall()

    def begin(self, *words):
        """A run with an archive that has read a part of the demo and waits for more; both."""
        archive = self.archive()
        run = subprocess.Popen([TAPLINE, "run", "-", self.out, "--quiet", "--tap", self.tap,
                                "--tap-wait", "1", "--tap-policy", "block", *PATIENT, *words],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=dict(self.environment, TMPDIR=self.folder))
        self.addCleanup(run.kill)
        with open(DEMO, "rb") as file:
            self.data = file.read()
        run.stdin.write(self.data[:len(self.data) // 2])
        run.stdin.flush()
        self.assertTrue(harness.wait_until(lambda: self.stored("dns"), PATIENCE))
        return archive, run

    def stored(self, table):
        """How many rows of a kind there are to be seen."""
        return os.path.exists(self.file) and self.asked(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'xycdn'")[0][0] and self.asked(
                f"SELECT count(*) FROM {table}")[0][0]

    def end(self, run):
        """Gives the run the rest of the demo."""
        said = run.communicate(self.data[len(self.data) // 2:], PATIENCE)[1].decode()
        self.assertEqual(run.returncode, 0, said)

    def test_an_attempt_that_was_thrown_away_leaves_nothing(self):
        archive, run = self.begin()
        victims = harness.workers_of(self.folder, "extractor")
        os.kill(victims[0], signal.SIGKILL)
        self.end(run)
        self.assertEqual(self.stopped(archive)[1], "")
        self.same_as_rows(self.out)
        last = self.asked("SELECT state, missed FROM attempts ORDER BY attempt DESC")[0]
        self.assertEqual(last, ("published", 0))
        self.assertGreater(self.asked("SELECT max(attempt) FROM attempts")[0][0], 1)

    def test_an_archive_that_was_killed_goes_on_without_doubles(self):
        archive, run = self.begin()
        archive.kill()
        archive.wait(PATIENCE)
        before = self.stored("dns")
        self.assertGreater(before, 0)
        again = self.archive()
        # What comes until it listens again is missed; the rest of the demo comes behind that.
        self.end(run)
        self.stopped(again)
        want, got = in_files(self.out), self.rows(self.out)
        missed = 0
        for name in FILES:
            self.assertEqual(got[name] - want[name], {}, name)
            missed += (want[name] - got[name]).total()
        if self.asked("SELECT count(*) FROM attempts WHERE state = 'published'")[0][0]:
            self.assertEqual(self.asked("SELECT missed FROM attempts"), [(missed,)])
        self.assertGreaterEqual(self.stored("dns"), before)

    def test_one_capture_twice_is_two_captures(self):
        outs = [os.path.join(self.folder, name) for name in "ab"]
        for out in outs:
            self.keep(DEMO, out)
        for out in outs:
            self.same_as_rows(out)

    def test_two_captures_and_a_resume(self):
        lossy = os.path.join(CAPTURES, "recorded", "http-lossy.pcap")
        outs = {os.path.join(self.folder, "a"): DEMO, os.path.join(self.folder, "b"): lossy}
        for out, capture in outs.items():
            self.keep(capture, out)
        for out in outs:
            self.same_as_rows(out)
        self.assertEqual(self.asked("SELECT state, missed FROM attempts"), [("published", 0)] * 2)

    def test_rows_are_found_by_time_and_by_address(self):
        archive = self.archive()
        self.assertTrue(harness.wait_until(lambda: self.stored("xycdn") is not False, PATIENCE))
        self.stopped(archive)
        for table in sorted(set(self.TABLES.values()) - {"xycdn"}):
            time = "start_timestamp" if "flow" in table or table == "http" else "timestamp"
            for column in (time, "src", "dst"):
                plan = self.asked(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = 'x'")
                self.assertIn(f"{table}_by_{column}", plan[0][3])

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
