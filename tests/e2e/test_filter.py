#!/usr/bin/env python3
"""--filter: results as if the capture had held only the frames that match."""
import json
import os
import shutil
import subprocess

import harness
from harness import CAPTURES, DEMO, records, results, tapline
from test_standing import ONE_OF_EACH, Pipelines

CRAFTED = os.path.join(CAPTURES, "crafted")
TAP_A, TAP_B = (os.path.join(CRAFTED, f"files-tap-{name}.pcap") for name in "ab")


class Filter(harness.InFolder):
    """Runs with a filter."""

    def ledger(self, out=None):
        """The ledger of results."""
        (ledger,) = records(out or self.out, "ledger.json")
        return ledger

    def test_equals_a_run_on_what_tcpdump_took(self):
        if not shutil.which("tcpdump"):
            self.skipTest("tcpdump is not here")
        whole, part = (os.path.join(self.folder, name) for name in ("whole.pcap", "part.pcap"))
        want = os.path.join(self.folder, "want")
        with open(whole, "wb") as file:
            subprocess.run(["zcat", DEMO], stdout=file, check=True)
        for expression in ("tcp port 80 or udp port 53", "not host 192.168.1.23", "ip6"):
            with self.subTest(expression=expression):
                subprocess.run(["tcpdump", "-r", whole, "-w", part, expression], check=True,
                               capture_output=True)
                self.run_ok("run", part, want, "--quiet")
                self.run_ok("run", DEMO, self.out, "--quiet", "-j", "2", "--filter", expression)
                self.assertEqual(results(self.out), results(want))
                packets = self.ledger()["packets"]
                self.assertEqual(packets["read"] - packets["filtered_out"],
                                 self.ledger(want)["packets"]["read"])

    def test_what_it_takes_and_what_it_leaves_are_the_whole(self):
        parts = {}
        for expression in ("udp", "not udp"):
            self.run_ok("run", DEMO, self.out, "--quiet", "--filter", expression)
            (parts[expression],) = records(self.out, "file_data.json")
        packets = self.ledger()["packets"]
        self.assertEqual(packets["filtered_out"], parts["udp"]["packets_count"])
        self.assertEqual(packets["read"], sum(p["packets_count"] for p in parts.values()))
        self.assertEqual((parts["udp"]["tcp_packets"], parts["not udp"]["udp_packets"]), (0, 0))
        with open(os.path.join(self.out, "logs"), encoding="utf-8") as logs:
            self.assertIn(f"filtered_out: {packets['filtered_out']}\n", logs)

    def test_several_files_as_one(self):
        self.run_ok("run", TAP_A, TAP_B, self.out, "--quiet", "--filter", "greater 1")
        with_all = results(self.out)
        self.assertEqual(self.ledger()["packets"]["filtered_out"], 0)
        self.run_ok("run", TAP_A, TAP_B, self.out, "--quiet")
        self.assertEqual(results(self.out), with_all)
        read = self.ledger()["packets"]["read"]
        self.run_ok("run", TAP_A, TAP_B, self.out, "--quiet", "--filter", "less 1")
        self.assertEqual(self.ledger()["packets"]["filtered_out"], read)

    def test_a_wrong_expression_touches_nothing(self):
        done = tapline("run", DEMO, self.out, "--quiet", "--filter", "udp porrt 53")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("--filter 'udp porrt 53': ", done.stderr)
        self.assertIn("syntax error", done.stderr)
        self.assertFalse(os.path.exists(self.out))

    def test_a_link_type_that_it_does_not_fit_is_said(self):
        done = self.run_ok("run", os.path.join(CRAFTED, "link-sll.pcap"), self.out, "--quiet",
                           "--filter", "ether host 2:0:0:0:0:1")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("link type 113 (Linux cooked v1)", done.stderr)
        ledger = self.ledger()
        self.assertEqual(ledger["counters"]["reader"]["filter_misfits"],
                         ledger["packets"]["filtered_out"])

    def test_batch_knows_with_which_filter_a_capture_was_done(self):
        day = os.path.join(self.folder, "src", "192.0.2.1", "tcpdump", "20230714")
        os.makedirs(day)
        shutil.copy(TAP_A, os.path.join(day, "0100.pcap"))
        words = ["batch", "-src_dir", os.path.join(self.folder, "src"), "-ip", "192.0.2.1",
                 "-sd", "20230714", "-ed", "20230714", "-dst_dir", self.out, "--json"]

        def passed_over(*more):
            return json.loads(self.run_ok(*words, *more).stdout)["passed_over"]

        self.assertEqual(passed_over("--filter", "tcp"), 0)
        self.assertEqual(passed_over("--filter=tcp"), 1)
        self.assertEqual(passed_over("--filter", "udp", "--jobs", "2"), 0)
        self.assertEqual(passed_over(), 0)
        self.run_ok(*words, "--filter", "((", status=2)


class Via(Pipelines):
    """The same through a pipeline that stands."""

    def test_equals_a_run_in_a_pipeline_of_its_own(self):
        self.run_ok("run", TAP_A, self.out, "--quiet", "--filter", "udp")
        self.topology(ONE_OF_EACH)
        self.ok("up", self.file)
        self.ok("run", "--via", self.file, TAP_A, "out", "--quiet", "--filter", "udp")
        self.assertEqual(results(os.path.join(self.root, "out")), results(self.out))
        self.ok("run", "--via", self.file, TAP_A, "no", "--quiet", "--filter", "((", status=2)
        self.assertFalse(os.path.exists(os.path.join(self.root, "no")))


if __name__ == "__main__":
    harness.main()
