"""The areas in which records are held against the witness. Each takes (report, frames, output)."""
import calendar
import collections
import hashlib
import json
import os
import time

from witness import FIN, RST, SYN, Connection, Conversation, flows

DNS_PORTS = {"53", "5353", "5355"}
DNS_LAYERS = {"dns", "mdns", "llmnr"}
# Each file's key of the time that its records are sorted by.
SORTED_BY = {"save_con.json": "start_timestamp", "tmp_con.json": "start_timestamp",
             "udp_con.json": "start_timestamp", "save_http.json": "start_timestamp",
             "tmp_http.json": "start_timestamp", "sni.json": "timestamp",
             "cert_domain_time.json": "timestamp", "ts_domain_ip.json": "timestamp"}


class Output:
    """The records in an output directory."""

    def __init__(self, directory):
        self.directory = directory

    def records(self, *names):
        found = []
        for name in names:
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as lines:
                    found += [json.loads(line) for line in lines if line.strip()]
        return found

    def certificates(self):
        """Name without its ending, and bytes, of each file in cert_file/."""
        folder = os.path.join(self.directory, "cert_file")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), "rb") as file:
                yield os.path.splitext(name)[0], file.read()


class Report:
    """Differences and skipped parts, area by area."""

    def __init__(self):
        self.differences, self.compared, self.skipped = [], collections.Counter(), []

    def same(self, area, what, want, got):
        self.compared[area] += 1
        if want != got:
            self.differences.append("%s %s: tshark %r, ours %r" % (area, what, want, got))

    def near(self, area, what, want, got, tolerance):
        self.compared[area] += 1
        if not isinstance(got, (int, float)) or abs(want - got) > tolerance:
            self.differences.append("%s %s: tshark %r, ours %r" % (area, what, want, got))

    def skip(self, area, why):
        self.skipped.append("%s not judged: %s" % (area, why))


def micros(text):
    """A record's time in microseconds; records are made under TZ=UTC."""
    if text is None:
        return None
    seconds, _, fraction = text.partition(".")
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%d %H:%M:%S"))
    return whole * 1_000_000 + int(fraction or 0)


def class_of(frame):
    """The counter of file_data.json that a frame belongs to."""
    protocol = frame.protocol
    if protocol is None:
        return "noip"
    if protocol in ("1", "58"):
        return "icmp"
    for transport, number in (("tcp", "6"), ("udp", "17")):
        if protocol == number and (frame.fragment or frame.has(transport)):
            return transport
    return "other_ip_protocol"


def totals(report, frames, output):
    records = output.records("file_data.json")
    report.same("totals", "records in file_data.json", 1, len(records))
    if len(records) != 1:
        return
    ours, groups = records[0], collections.defaultdict(list)
    for frame in frames:
        groups[class_of(frame)].append(frame)
    report.same("totals", "packets_count", len(frames), ours["packets_count"])
    for name in ("tcp", "udp", "icmp"):
        report.same("totals", name + "_packets", len(groups[name]), ours[name + "_packets"])
    rest = {name: ours[name + "_packets"] for name in ("noip", "other_ip_protocol")}
    if any(f.captured < f.length for f in frames):
        # tshark reads the protocol from half a header; whether that is IP is a matter of words.
        report.same("totals", "packets of no flow",
                    len(groups["noip"]) + len(groups["other_ip_protocol"]), sum(rest.values()))
    else:
        for name, number in rest.items():
            report.same("totals", name + "_packets", len(groups[name]), number)
    for name in ("tcp", "udp"):
        report.same("totals", name + "_packets_len", sum(f.captured for f in groups[name]),
                    ours[name + "_packets_len"])
    if any(f.fragment for f in frames):
        report.skip("totals of payload", "fragments")
        return
    report.same("totals", "tcp_payload_len", sum(f.payload for f in groups["tcp"]),
                ours["tcp_payload_len"])
    datagrams = sum(max(0, int(f.one("udp.length")) - 8) for f in groups["udp"])
    report.same("totals", "udp_payload_len", datagrams, ours["udp_payload_len"])


def by_key(records):
    """Records of each ip_port, in the order of their beginning."""
    found = collections.defaultdict(list)
    for record in sorted(records, key=lambda r: r["start_timestamp"]):
        found[record["ip_port"]].append(record)
    return found


def paired(report, area, wanted, records):
    """Flow and record, flow by flow; what one side lacks is a difference."""
    ours = by_key(records)
    theirs = collections.defaultdict(list)
    for flow in sorted(wanted, key=lambda f: f.frames[0].time):
        theirs[flow.ip_port].append(flow)
    for key in sorted(set(ours) | set(theirs)):
        report.same(area, key + " records", len(theirs[key]), len(ours[key]))
        if len(theirs[key]) == len(ours[key]):
            yield from zip(theirs[key], ours[key])


def compare_flow(report, area, flow, record, transport, size):
    """Counts and times that both transports' records have."""
    name = flow.ip_port + " "
    for way, prefix in ((0, "src_dst_"), (1, "dst_src_")):
        sent = [f for f in flow.frames if f.ends(transport)[0] == flow.ends[way]]
        report.same(area, name + prefix + "packet_count", len(sent),
                    record[prefix + "packet_count"])
        report.same(area, name + prefix + "byte_count", sum(map(size, sent)),
                    record[prefix + "byte_count"])
    report.same(area, name + "packet_count", len(flow.frames), record["packet_count"])
    report.same(area, name + "byte_count", sum(map(size, flow.frames)), record["byte_count"])
    report.same(area, name + "start", flow.frames[0].time, micros(record["start_timestamp"]))
    report.same(area, name + "end", flow.last, micros(record["end_timestamp"]))


def tcp(report, frames, output):
    complete = {json.dumps(r, sort_keys=True) for r in output.records("save_con.json")}
    records = output.records("save_con.json", "tmp_con.json")
    for flow, record in paired(report, "tcp", flows(frames, "tcp", Connection), records):
        compare_flow(report, "tcp", flow, record, "tcp", lambda f: f.payload)
        counts = {}
        for flag, key in ((SYN, "syn_flag"), (FIN, "fin_flag"), (RST, "rst_flag")):
            counts[key] = sum(bool(f.flags & flag) for f in flow.frames)
            report.same("tcp", "%s %s" % (flow.ip_port, key), counts[key], record[key])
        done = bool(counts["syn_flag"] and (counts["fin_flag"] or counts["rst_flag"]))
        report.same("tcp", flow.ip_port + " is complete", done,
                    json.dumps(record, sort_keys=True) in complete)
        report.near("tcp", flow.ip_port + " rtt/ms", flow.rtt, record["rtt/ms"], 0.0021)


def may_be_dns(flow):
    ports = {flow.ends[0][1], flow.ends[1][1]}
    return bool(DNS_PORTS & ports) or any(f.layers & DNS_LAYERS for f in flow.frames)


def udp(report, frames, output):
    if any(f.fragment for f in frames):
        report.skip("udp", "fragments")
        return
    records = output.records("udp_con.json")
    present = {record["ip_port"] for record in records}
    # Whether a conversation is all DNS is ours to say where tshark, too, finds DNS in it.
    wanted = [f for f in flows(frames, "udp", Conversation)
              if f.ip_port in present or not may_be_dns(f)]
    for flow, record in paired(report, "udp", wanted, records):
        compare_flow(report, "udp", flow, record, "udp",
                     lambda f: max(0, int(f.one("udp.length")) - 8))


def sni(report, frames, output):
    overtcp, quic = collections.Counter(), set()
    for frame in frames:
        for name in frame.all("tls.handshake.extensions_server_name"):
            if frame.has("tcp"):
                overtcp[name, frame.ends("tcp")[1][0]] += 1
            elif "quic" in frame.layers:
                quic.add((name, frame.ends("udp")[1][0]))
    ours, ours_quic = collections.Counter(), set()
    for record in output.records("sni.json"):
        key = record["sni_domain"], record["sni_ip"]
        if record.get("transport") == "quic":
            ours_quic.add(key)
        else:
            ours[key] += 1
    for key in sorted(set(overtcp) | set(ours)):
        report.same("sni", "%s at %s" % key, overtcp[key], ours[key])
    for key in sorted(quic | ours_quic):
        report.same("sni", "%s at %s over QUIC" % key, key in quic, key in ours_quic)


def certificates(report, frames, output):
    seen, leaves = set(), collections.Counter()
    for frame in frames:
        if not frame.has("tcp"):
            continue
        chain = [hashlib.sha256(bytes.fromhex(c.replace(":", ""))).hexdigest().upper()
                 for c in frame.all("tls.handshake.certificate")]
        seen.update(chain)
        leaves.update(chain[:1])
    ours = dict(output.certificates())
    for fingerprint in sorted(seen | set(ours)):
        report.same("cert", fingerprint, fingerprint in seen, fingerprint in ours)
    for fingerprint, der in ours.items():
        report.same("cert", "content of " + fingerprint, hashlib.sha256(der).hexdigest().upper(),
                    fingerprint)
    recorded = collections.Counter(record["sha256_fingerprint"]
                                   for record in output.records("cert_domain_time.json"))
    for fingerprint in sorted(set(leaves) | set(recorded)):
        report.same("cert", "messages with leaf " + fingerprint, leaves[fingerprint],
                    recorded[fingerprint])


def transactions(flow):
    """Requests and final answers of one connection as tshark lists them: (requests, statuses).

    A request is (ip_port with the requester first, method, URI).
    """
    requests, statuses = [], []
    for frame in flow.frames:
        methods, uris = frame.all("http.request.method"), frame.all("http.request.uri")
        key = "-".join(sum(frame.ends("tcp"), ()))
        if len(methods) == len(uris) and "ssdp" not in frame.layers:
            requests += [(key, method, uri) for method, uri in zip(methods, uris)]
        statuses += [code for code in frame.all("http.response.code")
                     if code == "101" or not code.startswith("1")]
    return requests, statuses


def labels(report, frames, output):
    """What the connections' records say of the contents that tshark finds in them."""
    records = {(r["ip_port"], micros(r["start_timestamp"])): r
               for r in output.records("save_con.json", "tmp_con.json")}
    for flow in flows(frames, "tcp", Connection):
        record = records.get((flow.ip_port, flow.frames[0].time))
        if record is None:
            continue  # the comparison of connections says so
        if transactions(flow)[0]:
            report.same("label", flow.ip_port + " protocol_type", "http", record["protocol_type"])
        names = [name for frame in flow.frames
                 for name in frame.all("tls.handshake.extensions_server_name")]
        if names or not flow.lossy:
            report.same("label", flow.ip_port + " https_SNI", (names or [""])[0],
                        record["https_SNI"])


def http_figures(report, output):
    """A transaction's times and counts are those of its connection, turned to the requester."""
    own = {}
    for record in output.records("save_con.json", "tmp_con.json"):
        src, sport, dst, dport = record["ip_port"].split("-")
        turned = {"end_timestamp": record["end_timestamp"]}
        for unit in ("packet_count", "byte_count"):
            turned["src_dst_" + unit] = record["dst_src_" + unit]
            turned["dst_src_" + unit] = record["src_dst_" + unit]
        own[record["ip_port"], record["start_timestamp"]] = record
        own["-".join((dst, dport, src, sport)), record["start_timestamp"]] = turned
    for record in output.records("save_http.json", "tmp_http.json"):
        key = record["ip_port"], record["start_timestamp"]
        report.same("figures", "%s at %s has a connection" % key, True, key in own)
        for field in ("end_timestamp", "src_dst_packet_count", "dst_src_packet_count",
                      "src_dst_byte_count", "dst_src_byte_count"):
            if key in own:
                report.same("figures", "%s %s of a transaction" % (key[0], field), own[key][field],
                            record[field])


def http(report, frames, output):
    wanted, answers, lenient = collections.Counter(), collections.Counter(), set()
    for flow in flows(frames, "tcp", Connection):
        requests, statuses = transactions(flow)
        wanted.update(requests)
        both = {"-".join(flow.ends[i] + flow.ends[1 - i]) for i in (0, 1)}
        if flow.lossy:
            # tshark gives up on a stream with a hole; more may be there than it sees
            lenient |= both
        elif len(requests) == len(statuses):
            answers.update(request + (status,) for request, status in zip(requests, statuses))
        else:
            lenient |= {(key, "answers") for key in both}
    ours, ours_answered = collections.Counter(), collections.Counter()
    for record in output.records("save_http.json", "tmp_http.json"):
        if record["req_method"] is not None:
            request = record["ip_port"], record["req_method"], record["req_uri"]
            ours[request] += 1
            ours_answered[request + (record["res_status"],)] += 1
    for request in sorted(set(wanted) | set(ours)):
        if not (request[0] in lenient and ours[request] > wanted[request]):
            report.same("http", "%s %s %.200s" % request, wanted[request], ours[request])
    for answer in sorted(set(answers) | set(ours_answered), key=str):
        if answer[0] not in lenient and (answer[0], "answers") not in lenient:
            report.same("http", "%s %s %.200s answered %s" % answer, answers[answer],
                        ours_answered[answer])


def dns(report, frames, output):
    ours = collections.defaultdict(list)
    for record in output.records("ts_domain_ip.json"):
        ours[micros(record["timestamp"])].append(record)
    over_tcp = 0
    for frame in frames:
        counts = [int(n) for n in frame.all("dns.count.answers")]
        response = frame.one("dns.flags.response") in ("1", "True")
        if not response or not sum(counts) or frame.one("_ws.malformed"):
            continue
        if frame.has("tcp"):
            over_tcp += sum(map(bool, counts))
            continue
        addresses = set(frame.all("dns.a") + frame.all("dns.aaaa"))
        names = {n.lower() for n in frame.all("dns.resp.name") + frame.all("dns.cname")}
        whole = frame.one("dns.count.auth_rr") == frame.one("dns.count.add_rr") == "0"
        fitting = [r for r in ours[frame.time] if fits(r, names, addresses, whole)]
        report.same("dns", "response at %d with %s" % (frame.time, sorted(addresses)), True,
                    bool(fitting))
        if fitting:
            ours[frame.time].remove(fitting[0])
    report.same("dns", "responses that tshark does not have", 0,
                max(0, sum(map(len, ours.values())) - over_tcp))


def fits(record, names, addresses, whole):
    """tshark lists all sections together; only where there is but one are its lists ours."""
    theirs, ours = names, {n.lower() for n in record["dns_domain"]}
    if whole:
        return set(record["dns_ip"]) == addresses and ours <= theirs
    return set(record["dns_ip"]) <= addresses and ours <= theirs


def order(report, output):
    """Each file is sorted by its records' first time, then by the flow."""
    for name, key in SORTED_BY.items():
        keys = [(record[key], record.get("ip_port", "")) for record in output.records(name)]
        report.same("order", name + " is sorted", True, keys == sorted(keys))
