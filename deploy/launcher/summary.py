"""The end of a run, as a person likes to read it."""
import json
import os

BAR = 24
SHOWN = 6


def _number(value):
    return f"{value:,}".replace(",", " ")


class Sheet:
    """Headed rows; plain where the stream is no terminal."""

    def __init__(self, stream):
        self._stream = stream
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ

    def _paint(self, text, code):
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

    def line(self, text=""):
        """A line as it is."""
        print(text, file=self._stream)

    def head(self, text):
        """A heading."""
        self.line()
        self.line(self._paint(text, "1"))

    def row(self, label, value):
        """A label and what it is."""
        self.line(f"  {label:<24}{value}")

    def bars(self, pairs):
        """Texts with their counts, drawn to the scale of the largest."""
        most = max((count for _, count in pairs), default=0)
        for text, count in pairs:
            bar = self._paint("█" * max(1, round(BAR * count / most)), "36")
            self.line(f"  {text[:44]:<46}{_number(count):>9}  {bar}")


def _capture(sheet, told, seconds):
    sheet.row("packets", _number(told["packets"]))
    if told.get("filtered_out"):
        sheet.row("left out by the filter", _number(told["filtered_out"]))
    if told["start"]:
        sheet.row("from", told["start"])
        sheet.row("to", told["end"])
    if seconds:
        sheet.row("read in", f"{seconds:.2f} s, {_number(round(told['packets'] / seconds))} "
                             f"packets a second")


def _flows(sheet, told):
    tcp, http = told["tcp"], told["http"]
    sheet.row("TCP connections", f"{_number(tcp['complete'])} complete, "
                                 f"{_number(tcp['incomplete'])} incomplete")
    sheet.row("UDP conversations", _number(told["udp"]))
    sheet.row("HTTP transactions", f"{_number(http['complete'])} complete, "
                                   f"{_number(http['incomplete'])} incomplete")
    sheet.row("TLS certificates", _number(told["tls"]["certificates"]))
    sheet.row("DNS answers", _number(told["dns"]["responses"]))


PLATFORM = (("bit_peers", "BitTorrent peers"), ("xunlei_ids", "xunlei ids"),
            ("toutiao_values", "toutiao values"), ("stun_values", "STUN values"),
            ("xycdn_keys", "xycdn addresses"))


def show(text, out, stream, seconds=None):
    """Writes the summary of a published run, which is JSON in `text`; its results are in `out`."""
    told = json.loads(text)
    sheet = Sheet(stream)
    sheet.head("The capture")
    _capture(sheet, told, seconds)
    sheet.head("What it held")
    _flows(sheet, told)
    for title, pairs in (("Flows by protocol", told["protocols"]),
                         ("HTTP hosts", told["http"]["hosts"]),
                         ("TLS and QUIC server names", told["tls"]["names"])):
        if pairs:
            sheet.head(title)
            sheet.bars(pairs[:SHOWN])
    seen = [(label, told["platform"][key]) for key, label in PLATFORM if told["platform"][key]]
    if seen:
        sheet.head("Platform identifiers, different ones")
        for label, count in seen:
            sheet.row(label, count if isinstance(count, str) else _number(count))
    if told["degraded"]:
        sheet.head("Degraded")
        sheet.row("flows with losses", _number(told["degraded"]))
    sheet.head("The records are in")
    sheet.line(f"  {out}")
