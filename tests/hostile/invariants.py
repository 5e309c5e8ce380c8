"""What holds for every output directory, whatever the capture was."""
import json
import os

LINES = ("save_con", "tmp_con", "udp_con", "save_http", "tmp_http", "sni", "cert_domain_time",
         "ts_domain_ip", "xycdn_stun_ip_port")
NAMES = {name + ".json" for name in (*LINES, "file_data", "ledger")} | {"logs", "save_file",
                                                                       "cert_file"}
PARTS = ("noip_packets", "tcp_packets", "udp_packets", "icmp_packets", "other_ip_protocol_packets")


class Broken(Exception):
    """An invariant that does not hold, as a text."""


def _object(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a name twice: {names}")
    return dict(pairs)


def _refuse(word):
    raise ValueError(word + " is no JSON")


def _lines(out, name):
    with open(os.path.join(out, name), "rb") as file:
        text = file.read()
    if text and not text.endswith(b"\n"):
        raise Broken(f"{name} does not end with a line's end")
    try:
        return [json.loads(line.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse)
                for line in text.split(b"\n")[:-1]]
    except ValueError as error:
        raise Broken(f"{name}: {error}") from None


def _agree(what, *values):
    if any(value != values[0] for value in values):
        raise Broken(f"{what}: {values}")


def _check_ledger(ledger, totals):
    packets = ledger["packets"]
    _agree("sums_agree", ledger["sums_agree"], True)
    _agree("packets", packets["read"] - packets["filtered_out"], totals["packets_count"],
           sum(t["sent"] for t in packets["trackers"]))
    for tracker in packets["trackers"]:
        _agree("a tracker's packets", tracker["sent"], tracker["received"])
        _agree("a tracker's flows", tracker["flows_closed"], tracker["closes_received"])
    stages = ledger["stages"]
    _agree("events to classifiers", stages["tracker"]["events_handed_on"],
           stages["classifier"]["events_received"])
    _agree("events to extractors", stages["classifier"]["events_handed_on"],
           stages["extractor"]["events_received"])
    _agree("records", stages["sink"]["records_received"],
           sum(stages[s]["records_sent_ahead"] for s in ("tracker", "classifier", "extractor")))


def check(out):
    """Raises Broken where one does not hold."""
    _agree("files", sorted(os.listdir(out)), sorted(NAMES))
    (totals,) = _lines(out, "file_data.json")
    (ledger,) = _lines(out, "ledger.json")
    _agree("the parts and the whole", totals["packets_count"], sum(totals[p] for p in PARTS))
    _check_ledger(ledger, totals)
    for name in LINES:
        _agree(name + ".json", len(_lines(out, name + ".json")), ledger["files"][name + ".json"])
    for flow in _lines(out, "save_con.json") + _lines(out, "tmp_con.json"):
        if flow["start_timestamp"] > flow["end_timestamp"]:
            raise Broken(f"a connection ends before it starts: {flow}")
