"""Tiny BERT and DistilBERT checkpoints with hidden states, logits, losses and the gradient of every parameter.

Inputs are stored as they are, without padding; the numbers come from a padded and masked batch in eval mode (no dropout), in
float64. The gradient is that of the plain mean loss.
"""
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification, BertModel, DistilBertConfig, DistilBertForSequenceClassification

from . import common
from .tokenizer_files import vocabulary, write_tokenizer

LENGTHS = [9, 1, 17, 2, 33, 6, 24]


def bert(cased=False, **kw):
    base = dict(vocab_size=len(vocabulary(cased)), hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64,
                max_position_embeddings=64, type_vocab_size=2, hidden_act="gelu")
    return BertConfig(**{**base, **kw})


def distilbert(cased=False, **kw):
    base = dict(vocab_size=len(vocabulary(cased)), dim=32, n_layers=3, n_heads=4, hidden_dim=64, max_position_embeddings=64)
    return DistilBertConfig(**{**base, **kw})


def names(*labels):
    return dict(id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)})


def configs():
    """name -> (config, cased)"""
    return {
        "bert": (bert(**names("negative", "neutral", "positive")), False),
        "bert_cased": (bert(cased=True, hidden_size=48, num_attention_heads=3, intermediate_size=80, num_hidden_layers=2, num_labels=2,
                            hidden_act="gelu_new", layer_norm_eps=1e-5), True),
        "bert_odd": (bert(hidden_size=30, num_attention_heads=3, intermediate_size=50, num_labels=5, hidden_act="relu", num_hidden_layers=2,
                          max_position_embeddings=37), False),
        "bert_multi_label": (bert(hidden_size=24, num_attention_heads=2, intermediate_size=40, num_hidden_layers=2,
                                  problem_type="multi_label_classification", **names("fun", "sad", "slow", "loud")), False),
        "bert_regression": (bert(hidden_size=24, num_attention_heads=2, intermediate_size=40, num_hidden_layers=2, num_labels=1,
                                 problem_type="regression"), False),
        "distilbert": (distilbert(num_labels=2), False),
        "distilbert_sinusoidal": (distilbert(dim=40, n_heads=5, hidden_dim=72, n_layers=2, num_labels=3, activation="relu",
                                             sinusoidal_pos_embds=True), False),
        "distilbert_multi_label": (distilbert(dim=24, n_heads=2, hidden_dim=40, n_layers=2, num_labels=3,
                                              problem_type="multi_label_classification"), False),
        "distilbert_regression": (distilbert(dim=24, n_heads=2, hidden_dim=40, n_layers=2, num_labels=1), False),
    }


def randomise(model, key: str) -> None:
    """Every parameter gets values of its own; scales keep activations near 1 and logits between 1 and 5."""
    g = common.rng(key)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if not p.requires_grad:
                continue  # the sinusoidal table is part of the architecture
            noise = g.standard_normal(tuple(p.shape))
            if "norm" in name.lower():
                value = (1.0 if name.endswith("weight") else 0.0) + 0.2 * noise
            elif "embeddings" in name:
                value = 0.6 * noise
            elif name.endswith("bias"):
                value = 0.2 * noise
            else:
                scale = 2.5 if name.startswith("classifier") else 1.4
                value = scale * noise / np.sqrt(p.shape[1])
            p.copy_(torch.from_numpy(value.astype(np.float32)))


def make_model(name: str, **kw):
    config, _ = configs()[name]
    for k, v in kw.items():
        setattr(config, k, v)
    config._attn_implementation = "eager"
    kind = BertForSequenceClassification if config.model_type == "bert" else DistilBertForSequenceClassification
    model = kind(config).eval()
    randomise(model, "model " + name)
    return model


def problem(config) -> str:
    if config.problem_type:
        return config.problem_type
    return "regression" if config.num_labels == 1 else "single_label_classification"


def sequences(config, key: str, lengths=None) -> list[dict]:
    """Random ids between [CLS] and [SEP]; two segments for BERT; one row holds the padding id as a real token."""
    g = common.rng(key)
    rows = []
    for i, n in enumerate(lengths or LENGTHS):
        n = min(n, config.max_position_embeddings)
        ids = [2] + [int(x) for x in g.integers(5, config.vocab_size, max(0, n - 2))] + ([3] if n > 1 else [])
        row = {"input_ids": ids}
        if i == 2 and n > 8:
            ids[5] = 0
        if config.model_type == "bert":
            cut = n if i % 3 == 0 else int(g.integers(1, n + 1))
            row["token_type_ids"] = [0] * cut + [1] * (n - cut)
        rows.append(row)
    return rows


def labels_for(config, rows: int, key: str):
    g = common.rng(key)
    kind = problem(config)
    if kind == "regression":
        return [float(np.float32(x)) for x in g.normal(0.5, 1.5, rows).round(3)]
    if kind == "multi_label_classification":
        return [[int(x) for x in g.integers(0, 2, config.num_labels)] for _ in range(rows)]
    return [int(x) for x in g.integers(0, config.num_labels, rows)]


def pad(rows: list[dict], pad_id=0) -> dict:
    longest = max(len(r["input_ids"]) for r in rows)
    fill = lambda values, v: values + [v] * (longest - len(values))
    batch = {"input_ids": torch.tensor([fill(r["input_ids"], pad_id) for r in rows]),
             "attention_mask": torch.tensor([fill([1] * len(r["input_ids"]), 0) for r in rows])}
    if "token_type_ids" in rows[0]:
        batch["token_type_ids"] = torch.tensor([fill(r["token_type_ids"], 0) for r in rows])
    return batch


def label_tensor(config, labels, dtype=torch.float64):
    return torch.tensor(labels) if problem(config) == "single_label_classification" else torch.tensor(labels, dtype=dtype)


def losses(config, logits, labels) -> dict:
    """Named mean losses, as tensors that can be differentiated."""
    kind, target = problem(config), label_tensor(config, labels, logits.dtype)
    if kind == "regression":
        return {"plain": F.mse_loss(logits.squeeze(-1), target)}
    if kind == "multi_label_classification":
        return {"plain": F.binary_cross_entropy_with_logits(logits, target)}
    weight = torch.tensor(class_weights(config), dtype=logits.dtype)
    return {"plain": F.cross_entropy(logits, target),
            "label_smoothing_0.1": F.cross_entropy(logits, target, label_smoothing=0.1),
            "class_weights": F.cross_entropy(logits, target, weight=weight),
            "class_weights_label_smoothing_0.1": F.cross_entropy(logits, target, weight=weight, label_smoothing=0.1)}


def class_weights(config):
    return [[0.5, 2.0, 1.25, 3.0, 0.75][i] for i in range(config.num_labels)]


def packed(hidden, mask):
    return hidden[mask.bool()]


def forward_all(model, rows) -> dict:
    """Hidden states packed over real tokens (0 = after the embeddings), pooler output where there is one, logits."""
    batch = pad(rows)
    seen = {}
    hook = model.bert.pooler.register_forward_hook(lambda m, i, o: seen.update(pooled=o)) if hasattr(model, "bert") else None
    out = model(**batch, output_hidden_states=True)
    if hook:
        hook.remove()
    result = {f"hidden.{i}": packed(h, batch["attention_mask"]) for i, h in enumerate(out.hidden_states)}
    result.update(seen)
    result["logits"] = out.logits
    return result


def save_model(model, folder: Path, **kw) -> None:
    model.save_pretrained(folder, **kw)
    for extra in ("README.md", "generation_config.json"):
        (folder / extra).unlink(missing_ok=True)


def make_one(name: str) -> None:
    config, cased = configs()[name]
    folder = common.fresh(common.OUT / "models" / name)
    model = make_model(name)
    save_model(model, folder)
    write_tokenizer(folder, config.model_type, cased, config.max_position_embeddings)

    rows = sequences(config, "rows " + name)
    labels = labels_for(config, len(rows), "labels " + name)
    with torch.no_grad():
        single = forward_all(model, rows)["logits"]
    model.double()
    out = forward_all(model, rows)
    named = losses(config, out["logits"], labels)
    check = model(**pad(rows), labels=label_tensor(config, labels)).loss
    assert abs(check.item() - named["plain"].item()) < 1e-12, "the plain loss is the model's own"
    spread = (single.double() - out["logits"]).abs().max().item()
    assert spread < 1e-4 and 0.5 < out["logits"].abs().max() < 12, (spread, out["logits"].abs().max())

    tensors = {k: v for k, v in out.items()}
    for key, loss in named.items():
        tensors["dlogits." + key] = torch.autograd.grad(loss, out["logits"], retain_graph=True)[0]
    common.write_tensors(folder / "golden.safetensors", tensors)
    named["plain"].backward()
    common.write_tensors(folder / "golden_grads.safetensors", {k: p.grad for k, p in model.named_parameters() if p.grad is not None})
    golden = {"model_type": config.model_type, "problem_type": problem(config), "num_labels": config.num_labels,
              "sequences": rows, "labels": labels, "loss": {k: v.item() for k, v in named.items()}}
    if "class_weights" in named:
        golden["class_weights"] = class_weights(config)
    golden["logits"] = common.f32(out["logits"])
    golden["float32_spread"] = spread
    common.write_json(folder / "golden.json", golden)


def write_variant(parent: Path, name: str, tensors: dict, config: dict) -> Path:
    folder = parent / "variants" / name
    folder.mkdir(parents=True)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return folder


def make_variants(name: str, prefix: str) -> None:
    """The same weights under the other names and containers found in the wild. `expected.json` says what a loader reports."""
    parent = common.OUT / "models" / name
    full = load_file(str(parent / "model.safetensors"))
    config = json.loads((parent / "config.json").read_text())
    encoder = {k: v for k, v in full.items() if k.startswith(prefix)}
    head = {k: v for k, v in full.items() if not k.startswith(prefix)}
    bare = {k[len(prefix):]: v for k, v in encoder.items()}
    bare_config = {k: v for k, v in config.items() if k not in ("id2label", "label2id", "problem_type")}
    bare_config["architectures"] = ["BertModel" if prefix == "bert." else "DistilBertModel"]

    note = lambda folder, **kw: common.write_json(folder / "expected.json", {"missing": [], "unexpected": [], "logits": "same", **kw})
    note(write_variant(parent, "bare", bare, bare_config), missing=sorted(head), logits="head is new")
    note(write_variant(parent, "bare_with_head", {**bare, **head}, config))
    if prefix != "bert.":
        note(write_variant(parent, "prefixed_no_head", encoder, config), missing=sorted(head), logits="head is new")
        return
    extra = {"cls.seq_relationship.bias": torch.zeros(2), "cls.predictions.bias": torch.zeros(config["vocab_size"])}
    note(write_variant(parent, "pretraining", {**encoder, **extra}, config), missing=sorted(head), unexpected=sorted(extra), logits="head is new")
    old = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in full.items()}
    old["bert.embeddings.position_ids"] = torch.arange(config["max_position_embeddings"]).unsqueeze(0)
    note(write_variant(parent, "gamma_beta", old, config))
    sharded = parent / "variants" / "sharded"
    model = BertForSequenceClassification.from_pretrained(parent)
    save_model(model, sharded, max_shard_size="60KB")
    note(sharded)
    rows = json.loads((parent / "golden.json").read_text())["sequences"]
    for dtype, text in ((torch.float16, "float16"), (torch.bfloat16, "bfloat16")):
        rounded = {k: v.to(dtype) for k, v in full.items()}
        folder = write_variant(parent, text, rounded, {**config, "dtype": text})
        model.load_state_dict({k: v.float() for k, v in rounded.items()})
        with torch.no_grad():
            logits = model.double().eval()(**pad(rows)).logits
        note(folder, logits=common.f32(logits))
        model.float()


def make() -> None:
    for name in configs():
        make_one(name)
    make_variants("bert", "bert.")
    make_variants("distilbert", "distilbert.")
