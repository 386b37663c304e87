"""Twenty training steps in float64 with a fixed order of rows and no dropout: loss, gradient norm and rate of each step.

The loop is PyTorch's AdamW and clipping, the Trainer's parameter groups and transformers' schedules. With accumulation the loss is
(sum over the micro-batches) / (total count), the definition, and not the sum of micro-batch means that Trainer 5.23 logs.
"""
import copy
import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import get_scheduler
from transformers.trainer_pt_utils import get_parameter_names

from . import common, lora, models

STEPS = 20
NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
BASE = dict(learning_rate=1e-3, weight_decay=0.01, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, max_grad_norm=1.0,
            lr_scheduler_type="linear", warmup_steps=2, max_steps=STEPS, gradient_accumulation_steps=1, label_smoothing_factor=0.0)
QV = dict(r=4, lora_alpha=8, target_modules=["query", "value"])

CURVES = {
    "bert_full": dict(model="bert", method="full"),
    "distilbert_full": dict(model="distilbert", method="full", training=dict(learning_rate=5e-4, warmup_steps=4)),
    "bert_odd_full_cosine": dict(model="bert_odd", method="full", training=dict(lr_scheduler_type="cosine", warmup_steps=3)),
    "bert_full_weighted": dict(model="bert", method="full", weighted=True,
                               training=dict(label_smoothing_factor=0.1, gradient_accumulation_steps=2)),
    "bert_multi_label_full": dict(model="bert_multi_label", method="full", training=dict(max_grad_norm=0.0)),
    "distilbert_regression_full": dict(model="distilbert_regression", method="full", training=dict(lr_scheduler_type="constant_with_warmup")),
    "bert_bitfit": dict(model="bert", method="bitfit", training=dict(learning_rate=5e-3)),
    "bert_lora": dict(model="bert", method="lora", lora=QV, training=dict(learning_rate=5e-3)),
    "bert_lora_accumulation": dict(model="bert", method="lora", lora=QV, training=dict(learning_rate=5e-3, gradient_accumulation_steps=2)),
    "bert_lora_bias_all": dict(model="bert", method="lora", lora={**QV, "bias": "all"},
                               training=dict(learning_rate=5e-3, lr_scheduler_type="cosine")),
    "distilbert_lora": dict(model="distilbert", method="lora", lora=dict(r=4, lora_alpha=8, target_modules=["q_lin", "v_lin"], use_rslora=True),
                            training=dict(learning_rate=5e-3, lr_scheduler_type="polynomial", weight_decay=0.1)),
    "roberta_full": dict(model="roberta", method="full"),
    "gpt2_full": dict(model="gpt2", method="full"),
    "gpt2_lora": dict(model="gpt2", method="lora", lora=dict(r=4, lora_alpha=8, target_modules=["c_attn", "mlp.c_proj"], bias="lora_only"),
                      training=dict(learning_rate=5e-3)),
    "llama_full": dict(model="llama", method="full"),
    "llama_lora": dict(model="llama", method="lora", lora=dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "gate_proj"]),
                       training=dict(learning_rate=5e-3)),
}


def order(g, rows: int, accumulation: int) -> list:
    """Micro-batches of each step; of unequal sizes, so that a mean of means is not the mean."""
    sizes = [3, 5] if accumulation == 2 else [4]
    stream, steps = [], []
    for _ in range(STEPS):
        step = []
        for size in sizes:
            if len(stream) < size:
                stream += [int(i) for i in g.permutation(rows)]
            step.append(stream[:size])
            stream = stream[size:]
        steps.append(step)
    return steps


def summed(config, logits, labels, weight, smoothing):
    """(sum of losses, count or sum of weights) of one micro-batch."""
    kind, target = models.problem(config), models.label_tensor(config, labels, logits.dtype)
    if kind == "regression":
        return F.mse_loss(logits.squeeze(-1), target, reduction="sum"), target.numel()
    if kind == "multi_label_classification":
        return F.binary_cross_entropy_with_logits(logits, target, reduction="sum"), target.numel()
    w = None if weight is None else torch.tensor(weight, dtype=logits.dtype)
    total = F.cross_entropy(logits, target, weight=w, label_smoothing=smoothing, reduction="sum")
    return total, len(labels) if w is None else w[target].sum().item()


def run(model, config, data: dict, t: dict, steps: list, weight):
    """Trains `model` in place; returns the log and the final logits."""
    decay = set(get_parameter_names(model, [nn.LayerNorm], NO_DECAY))
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [{"params": [p for n, p in named if n in decay], "weight_decay": t["weight_decay"]},
              {"params": [p for n, p in named if n not in decay], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=t["learning_rate"], betas=(t["adam_beta1"], t["adam_beta2"]), eps=t["adam_epsilon"])
    schedule = get_scheduler(t["lr_scheduler_type"], optimizer, t["warmup_steps"], t["max_steps"])
    log = []
    for micro in steps:
        optimizer.zero_grad()
        parts = []
        for rows in micro:
            logits = model(**models.pad([data["sequences"][i] for i in rows])).logits
            parts.append(summed(config, logits, [data["labels"][i] for i in rows], weight, t["label_smoothing_factor"]))
        loss = sum(p[0] for p in parts) / sum(p[1] for p in parts)
        loss.backward()
        norm = nn.utils.clip_grad_norm_([p for _, p in named], t["max_grad_norm"] or math.inf)
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()
        log.append({"loss": loss.item(), "grad_norm": norm.item(), "learning_rate": rate})
    with torch.no_grad():
        final = model(**models.pad(data["sequences"])).logits
    return log, final, [n for n, _ in named], decay


def make_one(name: str, spec: dict) -> None:
    config = models.configs()[spec["model"]][0]
    t = {**BASE, **spec.get("training", {})}
    g = common.rng("curve " + name)
    sequences = models.sequences(config, "curve rows " + name, [int(n) for n in g.integers(2, 30, 14)])
    data = {"sequences": sequences, "labels": models.labels_for(config, len(sequences), "curve labels " + name)}
    weight = models.class_weights(config) if spec.get("weighted") else None
    steps = order(g, len(sequences), t["gradient_accumulation_steps"])

    if spec["method"] == "lora":
        model = lora.wrap(spec["model"], name, spec["lora"], trained=False)
        lora.save(model, common.OUT / "curves" / name / "initial")
    else:
        model = models.make_model(spec["model"])
        if spec["method"] == "bitfit":
            for n, p in model.named_parameters():
                p.requires_grad_(n.endswith("bias") or n.startswith("classifier"))
    single = copy.deepcopy(model)
    with torch.no_grad():
        start = model(**models.pad(sequences)).logits
    log, final, trained, decay = run(model.double(), config, data, t, steps, weight)
    log32, final32, _, _ = run(single, config, data, t, steps, weight)
    spread = {k: max(abs(a[k] - b[k]) / abs(a[k]) for a, b in zip(log, log32)) for k in ("loss", "grad_norm")}
    spread["final_logits"] = (final - final32).abs().max().item()
    assert spread["loss"] < 5e-5 and spread["grad_norm"] < 1e-4 and spread["final_logits"] < 5e-4, (name, spread)
    assert (final - start).abs().max() > 0.5, (name, "moves too little to tell a wrong step")
    if spec["method"] == "lora":
        lora.save(model.float(), common.OUT / "curves" / name / "final")

    keys = lambda names: sorted({lora.key_of(n) for n in names})
    common.write_json(common.OUT / "curves" / name / "curve.json", {
        "model": spec["model"], "method": spec["method"], **({"lora": spec["lora"]} if "lora" in spec else {}),
        "training": t, **({"class_weights": weight} if weight else {}), **data,
        "steps": [{"micro_batches": m, **s} for m, s in zip(steps, log)],
        "final_logits": common.f32(final), "float32_spread": spread,
        "trainable": keys(trained), "weight_decay_on": keys(n for n in trained if n in decay)})


def make() -> None:
    common.fresh(common.OUT / "curves")
    for name, spec in CURVES.items():
        make_one(name, spec)
