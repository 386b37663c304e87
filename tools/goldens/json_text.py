"""What Python's json.dumps writes: `json/dumps.json` documents in four styles, `json/floats.json` bit pattern -> repr."""
import json
import math
import struct

from . import common

TEXTS = ["", "a", "é", "模型", "\U0001f600", "\u2028\u2029", '"\\/', "\b\f\n\r\t", "\x00\x01\x1f", "\x7f\x80\x9f", "\ufffd\uffff", "</script>", "a\u0301", "\U0010ffff"]
NUMBERS = [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -2**63, 2**64 - 1, 0.0, -0.0, 1.0, 16.0, 0.1, 1e-12, 5e-05, 1e-4, 1e15, 1e16, 1e17, 1e20, 1.5e300, 5e-324, 123456.789, 1 / 3]


def document(g, depth: int):
    kind = g.integers(0, 9 if depth else 6)
    if kind < 2:
        return TEXTS[g.integers(len(TEXTS))] + TEXTS[g.integers(len(TEXTS))]
    if kind < 5:
        return NUMBERS[g.integers(len(NUMBERS))]
    if kind == 5:
        return [None, True, False][g.integers(3)]
    if kind == 6:
        return [document(g, depth - 1) for _ in range(g.integers(0, 5))]
    return {TEXTS[g.integers(len(TEXTS))] + str(g.integers(3)): document(g, depth - 1) for _ in range(g.integers(0, 6))}


def make() -> None:
    g = common.rng("json")
    documents = [TEXTS, NUMBERS, {t: i for i, t in enumerate(TEXTS)}, [], {}, [[]], {"a": {}, "b": []}] + [document(g, 4) for _ in range(70)]
    dumps = [{"input": json.dumps(d), "indented_sorted": json.dumps(d, indent=2, sort_keys=True), "indented_utf8": json.dumps(d, indent=2, ensure_ascii=False),
              "line": json.dumps(d), "compact": json.dumps(d, ensure_ascii=False, separators=(",", ":"))} for d in documents]
    folder = common.fresh(common.OUT / "json")
    common.write_json(folder / "dumps.json", dumps)

    bits = list(g.integers(0, 2**64, 600, dtype="uint64")) + [struct.unpack("<Q", struct.pack("<d", x))[0] for x in map(float, NUMBERS)]
    bits += [struct.unpack("<Q", struct.pack("<d", m * 10.0**e))[0] for e in range(-8, 20) for m in (1, 9.999999999999999, 1.2345678901234567, -3)]
    floats = {}
    for b in map(int, bits):
        v = struct.unpack("<d", struct.pack("<Q", b))[0]
        if math.isfinite(v):
            floats[f"{b:016x}"] = repr(v)
    common.write_json(folder / "floats.json", floats)
