"""What bitsandbytes makes of weight matrices on a CPU: NF4 with and without double quantisation, LLM.int8, and layers as it saves them.

`quantized/cases.safetensors`, keys CASE/NAME (a case lacks what would be too large):
  weight                                            [out, in], in F32, or BF16 where the values are
  codes absmax                                      NF4: packed codes, one scale a block of 64
  absmax_codes nested_absmax offset                 double quantisation of these scales
  scales                                            the scales that gives back
  dequantized                                       rows from `first_row` on, code book value times absmax in float32 (NumPy)
  int8_codes scb int8_dequantized                   LLM.int8 of the same weight

bitsandbytes' own NF4 dequantisation is compared with the formula where it is right on every CPU: rows that are multiples of 64 long.

`quantized/linear_*.safetensors`: state dicts of one layer, with the weight it was made from as `original`.
"""
import logging

import numpy as np
import torch
from safetensors.torch import save_file

from . import common

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
import bitsandbytes as bnb  # noqa: E402
from bitsandbytes import functional  # noqa: E402

CODE = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                 -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)
ROWS_KEPT = 10  # of a large matrix


def normal(out: int, columns: int, scale: float = 0.05) -> np.ndarray:
    return (scale * common.rng(f"quantized {out} {columns}").standard_normal((out, columns))).astype(np.float32)


def outliers() -> np.ndarray:
    w = normal(17, 64)
    w[3, 5], w[3, 40], w[16, 63] = 3.0, -2.5, -8.0
    return w


def ties() -> np.ndarray:
    """The largest is 1, so every middle between two codes and its neighbours meet the thresholds as they are; then the same, halved five
    times."""
    middles = (CODE[:-1] + CODE[1:]) / np.float32(2)
    row = np.concatenate([[np.float32(1)], middles, np.nextafter(middles, np.float32(2)), np.nextafter(middles, np.float32(-2)), CODE,
                          [np.float32(-1), np.float32(-0.0)]])
    return np.stack([row, row / np.float32(32)])


def scaled_ties(columns: int) -> np.ndarray:
    """Values about the thresholds of a block whose largest is 0.3: multiplying by the reciprocal (full blocks) and dividing (the short
    last one) round differently."""
    middles = (CODE[:-1] + CODE[1:]) / np.float32(2) * np.float32(0.3)
    row = np.concatenate([[np.float32(0.3)], middles, np.nextafter(middles, np.float32(2)), np.nextafter(middles, np.float32(-2)),
                          np.zeros(18, np.float32)])
    return row[:columns].reshape(1, columns)


def zero_blocks() -> np.ndarray:
    w = normal(3, 64)
    w[1] = 0
    return w


def zero_end() -> np.ndarray:
    """66 weights: the short last block is zero."""
    w = normal(2, 33)
    w[1, 31:] = 0
    return w


def equal_scales() -> np.ndarray:
    """All scales equal their mean: nothing is left for the second quantisation."""
    w = np.clip(normal(4, 64), -0.25, 0.25)
    w[:, 0] = 0.25
    return w


def bf16(w: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(w).bfloat16()


def cases() -> dict:
    plain = {"normal_64x64": normal(64, 64), "normal_48x48": normal(48, 48), "normal_5x3": normal(5, 3), "normal_17x64": normal(17, 64),
             "outliers_17x64": outliers(), "ties_2x64": ties(), "scaled_ties_1x64": scaled_ties(64), "scaled_ties_1x63": scaled_ties(63),
             "zero_blocks_3x64": zero_blocks(), "zero_end_2x33": zero_end(),
             "equal_scales_4x64": equal_scales(), "tiny_2x64": normal(2, 64, 1e-39), "huge_2x64": np.clip(normal(2, 64, 2e38), -3e38, 3e38)}
    return {**{k: torch.from_numpy(v) for k, v in plain.items()},
            "normal_96x128": bf16(normal(96, 128)), "normal_256x130": bf16(normal(256, 130))}


def formula(codes: torch.Tensor, absmax: np.ndarray, shape) -> np.ndarray:
    n = int(np.prod(shape))
    packed = codes.numpy().reshape(-1)
    index = np.stack([packed >> 4, packed & 15], 1).reshape(-1)[:n]
    return (CODE[index] * np.repeat(absmax, 64)[:n]).astype(np.float32).reshape(shape)


def make_case(weight: torch.Tensor) -> dict:
    w = weight.float()
    codes, state = functional.quantize_4bit(w, blocksize=64, quant_type="nf4")
    again, nested = functional.quantize_4bit(w, blocksize=64, quant_type="nf4", compress_statistics=True)
    assert torch.equal(codes, again)
    scales = functional.dequantize_blockwise(nested.absmax, nested.state2) + nested.offset
    values = formula(codes, state.absmax.numpy(), w.shape)
    if w.shape[1] % 64 == 0:
        assert np.array_equal(functional.dequantize_4bit(codes, state).numpy(), values)
    large = w.numel() > 10_000
    first = w.shape[0] // 2 if large else 0
    out = {"weight": weight, "codes": codes.reshape(-1), "absmax": state.absmax,
           "dequantized": torch.from_numpy(values[first:first + ROWS_KEPT] if large else values), "first_row": torch.tensor([first])}
    if torch.isfinite(nested.offset):  # its sum is in float32
        out |= {"absmax_codes": nested.absmax, "nested_absmax": nested.state2.absmax, "offset": nested.offset.reshape(1), "scales": scales}
    if w.abs().amax(1).min() == 0 or w.numel() > 20_000 or w.abs().max() < 1e-36:
        return out  # 127 / 0 is infinite, and what 0 * infinity becomes in int8 is up to the processor
    int8, scb, _ = functional.int8_vectorwise_quant(w.clone())
    out |= {"int8_codes": int8, "scb": scb}
    if w.numel() < 2000:
        out["int8_dequantized"] = functional.int8_vectorwise_dequant(int8, scb)
    return out


def layer(make, weight: torch.Tensor) -> dict:
    """encoder.query of a model, as its state dict has it."""
    linear = make(weight.shape[1], weight.shape[0]).to(weight.dtype)
    linear.load_state_dict({"weight": weight, "bias": torch.zeros(weight.shape[0])})
    model = torch.nn.ModuleDict({"encoder": torch.nn.ModuleDict({"query": linear})}).to("cpu")
    return {**model.state_dict(), "original": weight}


def nf4(double: bool, storage=torch.uint8, kind="nf4"):
    return lambda columns, rows: bnb.nn.Linear4bit(columns, rows, compute_dtype=torch.float32, compress_statistics=double, quant_type=kind,
                                                   quant_storage=storage)


def make() -> None:
    folder = common.fresh(common.OUT / "quantized")
    tensors = {f"{name}/{key}": value for name, weight in cases().items() for key, value in make_case(weight).items()}
    save(folder / "cases.safetensors", tensors)
    w = torch.from_numpy(normal(40, 24))
    save(folder / "linear_nf4.safetensors", layer(nf4(False), w))
    save(folder / "linear_nf4_double.safetensors", layer(nf4(True), bf16(normal(40, 24))))
    save(folder / "linear_fp4.safetensors", layer(nf4(True, kind="fp4"), w))
    save(folder / "linear_nf4_in_bf16.safetensors", layer(nf4(True, storage=torch.bfloat16), w))
    # Linear8bitLt rounds to F16 before it quantises: start from values that stay.
    save(folder / "linear_int8.safetensors", layer(lambda i, o: bnb.nn.Linear8bitLt(i, o, has_fp16_weights=False), w.half().float()))


def save(path, tensors: dict) -> None:
    save_file({k: v.contiguous() for k, v in tensors.items()}, str(path), metadata={"format": "pt"})
