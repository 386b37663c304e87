"""Bytes of the official safetensors writer, and what its reader says to malformed and odd files.

`safetensors/written.json`: tensors (dtype, shape, data as hexadecimal), metadata, and the file's bytes.
`safetensors/read.json`: files as hexadecimal with the rule they break; `official` is what the reference reader does,
`ours` what this project's reader must do (it differs only where the reference lets an ambiguous header through).
"""
import json
import struct

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save

from . import common


def writer_cases() -> dict:
    g = common.rng("safetensors")
    floats = lambda *shape: torch.from_numpy(g.standard_normal(shape).astype("float32"))
    ints = lambda dtype, *shape: torch.from_numpy(g.integers(0, 100, shape)).to(dtype)
    mixed = {"z.f32": floats(2, 3), "a.i64": ints(torch.int64, 3), "m.f16": floats(3, 1).half(), "m.bf16": floats(5).bfloat16(),
             "b.bool": torch.tensor([True, False, True]), "u.u8": ints(torch.uint8, 7), "i.i8": ints(torch.int8, 3), "s.i16": ints(torch.int16, 2),
             "l.i32": ints(torch.int32, 2, 2), "d.f64": floats(2).double(), "A.f32": floats(1), "f8.e4m3": floats(4).to(torch.float8_e4m3fn),
             "f8.e5m2": floats(2).to(torch.float8_e5m2)}
    return {
        "empty": ({}, None), "empty_with_metadata": ({}, {"format": "pt"}),
        "one_f32": ({"weight": floats(2, 2)}, {"format": "pt"}), "no_metadata": ({"weight": floats(3)}, None),
        "rank_0": ({"scalar": torch.tensor(1.5), "vector": floats(2)}, {"format": "pt"}),
        "zero_elements": ({"none": torch.zeros(0, 4), "some": floats(2), "also_none": torch.zeros(3, 0, 2)}, {"format": "pt"}),
        "mixed": (mixed, {"format": "pt"}),
        "name_order": ({n: floats(1) for n in ("b", "a", "B", "a.10", "a.2", "é", "z", "_")}, {"format": "pt"}),
        "escapes": ({'quote"back\\slash/tab\tone\x01é\u2028': floats(1)}, {"for\"mat": "p\nt"}),
        "special_values": ({"v": torch.tensor([float("nan"), float("inf"), float("-inf"), -0.0, 1e-45])}, {"format": "pt"}),
        **{f"padding_{n}": ({"x" * n: floats(1)}, None) for n in range(1, 9)},
    }


NAMES = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16", torch.bfloat16: "BF16", torch.bool: "BOOL", torch.uint8: "U8",
         torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.float64: "F64", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2"}


def raw(tensor: torch.Tensor) -> str:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex() if tensor.numel() else ""


def entry(dtype="F32", shape=(1,), offsets=(0, 4)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def file(header, data=b"", length=None) -> bytes:
    text = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def reader_cases() -> list:
    """(name, rule or "", bytes, whether ours rejects, if not as the reference does)"""
    four, a = b"\1\2\3\4", '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    bad = lambda name, rule, data: (name, rule, data, None)
    good = lambda name, data: (name, "", data, None)
    return [
        bad("no bytes", "R1", b""), bad("seven bytes", "R1", b"\0" * 7),
        bad("length 100,000,001", "R2", file("{}", length=100_000_001)), bad("length 2^63", "R2", file("{}", length=1 << 63)),
        bad("length 2^64-1", "R2", file("{}", length=(1 << 64) - 1)), bad("length 2^64-8", "R2", file("{}", length=(1 << 64) - 8)),
        bad("header longer than file", "R3", file("{}", length=3)), bad("header cut", "R3", file({"a": entry()}, four)[:30]),
        bad("header of no bytes", "R5", file("")),
        bad("invalid UTF-8 in a name", "R4", file(b'{"\xff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four)),
        bad("overlong UTF-8", "R4", file(b'{"\xc0\xaf":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four)),
        bad("surrogate in UTF-8", "R4", file(b'{"\xed\xa0\x80":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four)),
        bad("not JSON", "R5", file("hello world")), bad("cut JSON", "R5", file('{"a":')), bad("array", "R5", file("[]")), bad("null", "R5", file("null")),
        bad("number", "R5", file("1")), bad("trailing text", "R5", file("{}x")), bad("NUL after the header", "R5", file("{}\0")),
        bad("trailing comma", "R5", file("{" + a + ",}", four)), bad("entry is null", "R5", file({"a": None})), bad("entry is a list", "R5", file({"a": []})),
        bad("no dtype", "R5", file({"a": {"shape": [1], "data_offsets": [0, 4]}}, four)),
        bad("no shape", "R5", file({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, four)),
        bad("no data_offsets", "R5", file({"a": {"dtype": "F32", "shape": [1]}}, four)),
        bad("unknown dtype", "R5", file({"a": entry("F33")}, four)), bad("lower case dtype", "R5", file({"a": entry("f32")}, four)),
        bad("dtype is a number", "R5", file({"a": entry(32)}, four)), bad("negative dimension", "R5", file({"a": entry(shape=[-1])}, four)),
        bad("dimension is a float", "R5", file({"a": entry(shape=[1.0])}, four)), bad("dimension is text", "R5", file({"a": entry(shape=["1"])}, four)),
        bad("dimension of 2^64", "R5", file({"a": entry(shape=[1 << 64])}, four)), bad("shape is a number", "R5", file({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}}, four)),
        bad("one offset", "R5", file({"a": entry(offsets=[4])}, four)), bad("three offsets", "R5", file({"a": entry(offsets=[0, 4, 4])}, four)),
        bad("negative offset", "R5", file({"a": entry(offsets=[-4, 0])}, four)), bad("offset is a float", "R5", file({"a": entry(offsets=[0, 4.0])}, four)),
        bad("offset is NaN", "R5", file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,NaN]}}', four)),
        bad("deep nesting", "R5", file("[" * 1500)),
        bad("metadata value is a number", "R6", file('{"__metadata__":{"k":1},' + a + "}", four)), bad("metadata is a list", "R6", file('{"__metadata__":[],' + a + "}", four)),
        bad("metadata value is null", "R6", file('{"__metadata__":{"k":null},' + a + "}", four)), bad("metadata is text", "R6", file('{"__metadata__":"x",' + a + "}", four)),
        bad("does not start at 0", "R7", file({"a": entry(offsets=[4, 8])}, four * 2)),
        bad("hole", "R7", file({"a": entry(), "b": entry(offsets=[8, 12])}, four * 3)),
        bad("overlap", "R7", file({"a": entry(shape=[2], offsets=[0, 8]), "b": entry(shape=[2], offsets=[4, 12])}, four * 3)),
        bad("shared range", "R7", file({"a": entry(), "b": entry()}, four)),
        bad("two different entries of one name", "R7", file("{" + a + ',"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', four * 2)),
        bad("end before begin", "R8", file({"a": entry(offsets=[4, 0])}, four)),
        bad("end before begin, whole file", "R8", file({"a": entry(shape=[0], offsets=[0, 0]), "b": entry(offsets=[4, 0])}, four)),
        bad("product of the shape overflows", "R9", file({"a": entry(shape=[1 << 32, 1 << 32])}, four)),
        bad("bytes overflow", "R9", file({"a": entry(shape=[1 << 62])}, four)), bad("bits overflow", "R9", file({"a": entry("F64", shape=[1 << 59], offsets=[0, 0])})),
        bad("overflow before a zero", "R9", file({"a": entry(shape=[1 << 32, 1 << 32, 0], offsets=[0, 0])})),
        bad("three 4-bit elements", "R10", file({"a": entry("F4", [3], [0, 2])}, b"\0\0")), bad("three 6-bit elements", "R10", file({"a": entry("F6_E2M3", [3], [0, 3])}, b"\0\0\0")),
        bad("range too short", "R11", file({"a": entry(shape=[2])}, four)), bad("range too long", "R11", file({"a": entry(offsets=[0, 8])}, four * 2)),
        bad("huge shape in a small range", "R11", file({"a": entry(shape=[1 << 40])}, four)), bad("zero elements, four bytes", "R11", file({"a": entry(shape=[0])}, four)),
        bad("rank 0 with eight bytes", "R11", file({"a": entry(shape=[], offsets=[0, 8])}, four * 2)),
        bad("data missing", "R12", file({"a": entry()})), bad("data cut by one byte", "R12", file({"a": entry()}, four[:3])), bad("one byte too many", "R12", file({"a": entry()}, four + b"\0")),
        bad("data without tensors", "R12", file("{}", b"\0")), bad("bits of one tensor overflow", "R9", file({"a": entry("U8", [(1 << 63) + 1], [0, (1 << 63) + 1])})),
        good("no tensors", file("{}")), good("one tensor", file({"a": entry()}, four)), good("rank 0", file({"a": entry(shape=[])}, four)),
        good("metadata null", file('{"__metadata__":null,' + a + "}", four)), good("metadata empty", file('{"__metadata__":{},' + a + "}", four)),
        good("white space before and after", file("\n " + "{" + a + "}" + " \n\t  ", four)), good("header of odd length", file("{" + a + "} ", four)),
        good("keys in another order than the data", file({"b": entry(offsets=[4, 8]), "a": entry()}, four * 2)),
        good("unknown field", file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":[1,{}]}}', four)),
        good("zero elements share an offset", file({"n": entry(shape=[0, 5], offsets=[0, 0]), "a": entry(), "m": entry(shape=[0], offsets=[4, 4])}, four)),
        good("escaped name", file('{"\\u00e9\\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four)),
        good("two 4-bit elements", file({"a": entry("F4", [2], [0, 1])}, b"\1")), good("four 6-bit elements", file({"a": entry("F6_E3M2", [4], [0, 3])}, b"\1\2\3")),
        good("empty name", file({"": entry()}, four)), good("BOOL byte of 2", file({"a": entry("BOOL", [1], [0, 1])}, b"\2")),
        ("one entry written twice", "duplicate", file("{" + a + "," + a + "}", four), True),
        ("metadata written twice", "duplicate", file('{"__metadata__":{},"__metadata__":{},' + a + "}", four), True),
    ]


def verdict(data: bytes) -> str:
    try:
        deserialize(data)
        return "accepts"
    except SafetensorError as e:
        text = str(e).removeprefix("Error while deserializing: ")
        return text.split(" for tensor `")[0].split(" at line ")[0]  # which of several tensors is named depends on a hash


def make() -> None:
    folder = common.fresh(common.OUT / "safetensors")
    written = []
    for name, (tensors, metadata) in writer_cases().items():
        data = save(tensors, metadata)
        written.append({"name": name, "metadata": metadata, "tensors": [
            {"name": k, "dtype": NAMES[t.dtype], "shape": list(t.shape), "data": raw(t)} for k, t in tensors.items()], "bytes": data.hex()})
    common.write_json(folder / "written.json", written)
    read = []
    for name, rule, data, stricter in reader_cases():
        official = verdict(data)
        assert stricter or (official == "accepts") == (rule == ""), (name, rule, official)
        read.append({"name": name, "rule": rule, "ours": "rejects" if rule else "accepts", "official": official, "bytes": data.hex()})
    common.write_json(folder / "read.json", read)
