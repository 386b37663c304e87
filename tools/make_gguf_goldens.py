#!/usr/bin/env python3
"""Writes tests/golden/gguf with the `gguf` package, llama.cpp's own.

  blocks.json   type -> {bytes: blocks as hexadecimal digits, values: what the package reads in them, as bits of F32}
  tiny.gguf     a llama of two layers with a SmolLM2-like tokenizer, every readable type among its tensors, alignment 64
  tiny.json     the same in Hugging Face's names and row order: shape and CRC-32 of the F32 bytes of each tensor

Usage: make_gguf_goldens.py        (needs gguf == 0.19.0 and numpy; tests/golden/bpe/models.json is where the tokenizer comes from)
"""
import importlib.metadata
import json
import sys
import zlib
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, TokenType, quants
from gguf.constants import GGML_QUANT_SIZES

PINNED = "0.19.0"
ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "tests" / "golden" / "gguf"
TYPES = [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q4_K, T.Q5_K, T.Q6_K]
SCALES = {T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}  # where a block has halves
HIDDEN, HEADS, KV, INNER, LAYERS, VOCAB = 32, 4, 2, 256, 2, 300
HEAD = HIDDEN // HEADS


def rng(key):
    return np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))


def random_blocks(kind, blocks, key):
    """Bytes of any value, the scales finite halves of ordinary size."""
    g = rng(f"{key} {kind.name}")
    size = GGML_QUANT_SIZES[kind][1]
    if kind == T.F32:
        return g.standard_normal(blocks).astype(np.float32).view(np.uint8).reshape(blocks, 4)
    if kind == T.F16:
        return g.standard_normal(blocks).astype(np.float16).view(np.uint8).reshape(blocks, 2)
    if kind == T.BF16:
        return (g.standard_normal(blocks).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8).reshape(blocks, 2)
    data = g.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in SCALES[kind]:
        data[:, at:at + 2] = (g.standard_normal(blocks) * 0.02).astype(np.float16).view(np.uint8).reshape(blocks, 2)
    return data


def block_cases():
    out = {}
    for kind in TYPES:
        count = 64 if GGML_QUANT_SIZES[kind][0] == 1 else 3
        data = random_blocks(kind, count, "blocks")
        if kind == T.F16:  # subnormal, zeros, largest
            data = np.concatenate([data, np.array([0x0001, 0x03FF, 0x8000, 0x0000, 0x7BFF, 0xFBFF, 0x0400], np.uint16).view(np.uint8).reshape(-1, 2)])
        values = quants.dequantize(data.reshape(1, -1), kind).astype(np.float32).ravel() if kind != T.F32 else data.view(np.float32).ravel()
        out[kind.name] = {"bytes": data.tobytes().hex(), "values": [int(b) for b in values.view(np.uint32)]}
    return out


def rows(kind, shape, key):
    block, size = GGML_QUANT_SIZES[kind]
    return random_blocks(kind, shape[0] * shape[1] // block, key).reshape(shape[0], shape[1] // block * size)


def hugging_face_rows(values, heads):
    """GGUF row h d + 2 i + s is Hugging Face's row h d + s d / 2 + i."""
    d = values.shape[0] // heads
    return values.reshape(heads, d // 2, 2, -1).transpose(0, 2, 1, 3).reshape(values.shape)


def tiny():
    model = json.loads((ROOT / "tests/golden/bpe/models.json").read_text(encoding="utf-8"))["smollm"]
    tokens = model["tokens"][:VOCAB]
    merges = [m for m in model["merges"] if m.replace(" ", "") in tokens]
    w = GGUFWriter(OUT / "tiny.gguf", "llama")
    w.add_custom_alignment(64)
    w.add_name("tiny")
    w.add_context_length(128)
    w.add_embedding_length(HIDDEN)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(INNER)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(100000.0)
    w.add_rope_dimension_count(HEAD)
    w.add_vocab_size(VOCAB)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types([TokenType.CONTROL if i < 4 else TokenType.NORMAL for i in range(VOCAB)])
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_pad_token_id(2)
    w.add_add_bos_token(False)
    w.add_chat_template("{{ messages }}")

    expected = {}

    def add(name, to, kind, shape, heads=0):
        if len(shape) == 1:
            data = (1 + 0.1 * rng(name).standard_normal(shape)).astype(np.float32)
            w.add_tensor(name, data)
            values = data
        else:
            data = rows(kind, shape, name)
            plain = {T.F32: np.float32, T.F16: np.float16}.get(kind)
            w.add_tensor(name, data.view(plain) if plain else data, raw_dtype=None if plain else kind)
            values = data.view(np.float32) if kind == T.F32 else quants.dequantize(data, kind).astype(np.float32)
        if heads:
            values = hugging_face_rows(values, heads)
        assert values.shape == tuple(shape), (name, values.shape, shape)
        expected[to] = {"shape": list(shape), "crc": zlib.crc32(np.ascontiguousarray(values).tobytes())}

    add("token_embd.weight", "model.embed_tokens.weight", T.Q8_0, (VOCAB, HIDDEN))
    kinds = [[T.F32, T.F16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q6_K], [T.Q4_1, T.BF16, T.F16, T.Q8_0, T.F32, T.Q4_0, T.Q4_K]]
    for layer in range(LAYERS):
        a, b = f"blk.{layer}.", f"model.layers.{layer}."
        k = kinds[layer]
        add(a + "attn_norm.weight", b + "input_layernorm.weight", T.F32, (HIDDEN,))
        add(a + "ffn_norm.weight", b + "post_attention_layernorm.weight", T.F32, (HIDDEN,))
        add(a + "attn_q.weight", b + "self_attn.q_proj.weight", k[0], (HIDDEN, HIDDEN), HEADS)
        add(a + "attn_k.weight", b + "self_attn.k_proj.weight", k[1], (KV * HEAD, HIDDEN), KV)
        add(a + "attn_v.weight", b + "self_attn.v_proj.weight", k[2], (KV * HEAD, HIDDEN))
        add(a + "attn_output.weight", b + "self_attn.o_proj.weight", k[3], (HIDDEN, HIDDEN))
        add(a + "ffn_gate.weight", b + "mlp.gate_proj.weight", k[4], (INNER, HIDDEN))
        add(a + "ffn_up.weight", b + "mlp.up_proj.weight", k[5], (INNER, HIDDEN))
        add(a + "ffn_down.weight", b + "mlp.down_proj.weight", k[6], (HIDDEN, INNER))
    add("output_norm.weight", "model.norm.weight", T.F32, (HIDDEN,))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return expected


def main():
    if importlib.metadata.version("gguf") != PINNED:
        sys.exit(f"needs gguf {PINNED}, found {importlib.metadata.version('gguf')}")
    OUT.mkdir(parents=True, exist_ok=True)
    dump = lambda table: "{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in table.items()) + "\n}\n"
    (OUT / "blocks.json").write_text(dump(block_cases()))
    (OUT / "tiny.json").write_text(dump(tiny()))


if __name__ == "__main__":
    main()
