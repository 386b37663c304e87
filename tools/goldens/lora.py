"""Wraps a tiny model with PEFT and gives its trainable tensors values of our own."""
import json
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model

from . import common, models


def wrap(base_name: str, key: str, lora: dict, trained: bool):
    """`trained`: B, the heads and trainable biases move away from their start; otherwise B is zero and the rest is the base's."""
    model = models.make_model(base_name)
    peft = get_peft_model(model, LoraConfig(task_type=models.PEFT_TASKS[models.head_of(base_name)], **lora)).eval()
    peft.peft_config["default"].base_model_name_or_path = f"tests/golden/models/{base_name}"
    g = common.rng("lora " + key)
    with torch.no_grad():
        for name, p in sorted(peft.named_parameters()):
            if not p.requires_grad:
                continue
            noise = torch.from_numpy(g.standard_normal(tuple(p.shape)).astype(np.float32))
            if ".lora_A." in name:
                p.copy_(noise / np.sqrt(p.shape[1]))
            elif ".lora_B." in name:
                p.copy_(0.15 * noise) if trained else p.zero_()
            elif trained:
                p.add_(0.1 * noise)
    return peft


def key_of(name: str) -> str:
    """The checkpoint key behind a parameter name of a wrapped model."""
    for infix in (".default", ".modules_to_save", ".base_layer"):
        name = name.replace(infix, "")
    return name.removeprefix("base_model.model.")


def save(peft, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    peft.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["peft_version"] == "0.21.2", config["peft_version"]
