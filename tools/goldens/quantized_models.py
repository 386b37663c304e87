"""Whole models as transformers and bitsandbytes save them: `quantized_models/NAME/`, with the logits of the values they hold.

transformers quantises every linear layer of a classifier, head and pooler too. The logits come from the weights dequantised by the
formulas (docs/formats.md, section 11) in float64: bitsandbytes' own CPU code uses wrong scales for rows that are no multiple of 64.
"""
import json

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification, BitsAndBytesConfig

from . import common, models
from .quantized import formula
from .tokenizer_files import write_tokenizer

from bitsandbytes import functional

BASE = "bert_odd"  # rows of 30 and 50: blocks of 64 cross them
CONFIGS = {"bert_nf4": BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32),
           "bert_int8": BitsAndBytesConfig(load_in_8bit=True)}
STATE = ".quant_state.bitsandbytes__nf4"


def scales(stored: dict, key: str, state: dict) -> np.ndarray:
    blockwise = functional.QuantState(absmax=stored[key + ".nested_absmax"], blocksize=state["nested_blocksize"], code=stored[key + ".nested_quant_map"],
                                      dtype=torch.float32)
    return (functional.dequantize_blockwise(stored[key + ".absmax"], blockwise) + state["nested_offset"]).numpy()


def values(stored: dict) -> dict:
    """The state dict of the plain model."""
    out = {}
    for key, tensor in stored.items():
        layer = key.removesuffix(".weight")
        if key + STATE in stored:
            state = json.loads(stored[key + STATE].numpy().tobytes())
            out[key] = torch.from_numpy(formula(tensor, scales(stored, key, state), state["shape"]))
        elif key.endswith(".weight") and layer + ".SCB" in stored:
            out[key] = tensor.float() * stored[layer + ".SCB"][:, None] / 127
        elif ".weight." not in key and not key.endswith((".SCB", ".weight_format")):
            out[key] = tensor
    return out


def make() -> None:
    source = common.OUT / "models" / BASE
    config, cased = models.configs()[BASE]
    rows = json.loads((source / "golden.json").read_text())["sequences"]
    for name, quantization in CONFIGS.items():
        folder = common.fresh(common.OUT / "quantized_models" / name)
        model = BertForSequenceClassification.from_pretrained(source, quantization_config=quantization, device_map="cpu", dtype=torch.float32)
        models.save_model(model, folder)
        (folder / "model.safetensors").chmod(0o644)
        write_tokenizer(folder, config.model_type, cased, config.max_position_embeddings)
        plain = BertForSequenceClassification(BertConfig.from_pretrained(source, attn_implementation="eager"))
        plain.load_state_dict(values(load_file(str(folder / "model.safetensors"))))
        with torch.no_grad():
            logits = plain.double().eval()(**models.pad(rows)).logits
        common.write_json(folder / "golden.json", {"base": BASE, "sequences": rows, "logits": common.f32(logits)})
