"""What every golden maker shares: the output folder, random numbers, and writers whose bytes do not change from run to run.

Weights come from NumPy's PCG64 keyed by a text, never from a library's initialiser, so a new release of torch or transformers
gives the same inputs. Expected numbers are computed in float64 and rounded once to float32.
"""
import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "golden"


def rng(key: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _plain(value):
    """Tensors and NumPy values as Python numbers; floats that came from float32 keep their short spelling."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, torch.Tensor):
        return _plain(value.detach().numpy())
    if isinstance(value, np.ndarray):
        return _plain(value.tolist()) if value.dtype != np.float32 else _plain32(value)
    if isinstance(value, np.generic):
        return _plain(value.item()) if value.dtype != np.float32 else float(str(value))
    return value


def _plain32(array):
    if array.ndim == 0:
        return float(str(np.float32(array)))
    return [_plain32(row) if row.ndim else float(str(row)) for row in array]


def write_json(path: Path, value) -> None:
    """Lists of numbers on one line, everything else indented: small and still readable in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_dump(_plain(value), 0) + "\n", encoding="utf-8")


def _dump(value, depth):
    pad = "  " * (depth + 1)
    if isinstance(value, dict) and value:
        body = ",\n".join(f"{pad}{json.dumps(k, ensure_ascii=False)}: {_dump(v, depth + 1)}" for k, v in value.items())
        return "{\n" + body + "\n" + "  " * depth + "}"
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return "[\n" + ",\n".join(pad + _dump(v, depth + 1) for v in value) + "\n" + "  " * depth + "]"
    return json.dumps(value, ensure_ascii=False)


def write_tensors(path: Path, tensors: dict) -> None:
    """float64 tensors are rounded to float32; integers stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: f32(v) if v.is_floating_point() else v.contiguous() for k, v in tensors.items()}, str(path), metadata={"format": "pt"})


def f32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to(torch.float32).contiguous().clone()
