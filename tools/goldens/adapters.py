"""PEFT adapter folders with trained (non-zero) tensors, and what PEFT computes with them."""
import contextlib
import io

import torch
from safetensors import safe_open

from . import common, lora, models

BERT = {
    "bert_plain": dict(r=4, lora_alpha=8, target_modules=["query", "value"]),
    "bert_bias_all": dict(r=4, lora_alpha=8, target_modules=["query", "value"], bias="all"),
    "bert_bias_lora_only": dict(r=4, lora_alpha=8, target_modules=["query", "value"], bias="lora_only"),
    "bert_rslora": dict(r=4, lora_alpha=6, target_modules=["query", "key", "value"], use_rslora=True),
    "bert_patterns": dict(r=4, lora_alpha=8, target_modules=["query", "value", "intermediate.dense"],
                          rank_pattern={"layer.1.attention.self.query": 2, "intermediate.dense": 6},
                          alpha_pattern={"^bert.encoder.layer.2.attention.self.value": 32, "query": 3}),
    "bert_patterns_rslora": dict(r=4, lora_alpha=8, target_modules=["query", "value"], use_rslora=True,
                                 rank_pattern={r".*\.layer\.[02]\..*query": 3}, alpha_pattern={"value": 5}),
    "bert_all_linear": dict(r=2, lora_alpha=4, target_modules="all-linear"),
    "bert_regex": dict(r=3, lora_alpha=9, target_modules=r".*layer\.[12]\.(attention\.self\.(query|key)|output\.dense)"),
    "bert_exclude": dict(r=4, lora_alpha=8, target_modules=["query", "dense"], exclude_modules=["pooler.dense", "output.dense"]),
    "bert_exclude_regex": dict(r=4, lora_alpha=8, target_modules=["value"], exclude_modules=r".*\.layer\.1\..*"),
    "bert_layers": dict(r=4, lora_alpha=8, target_modules=["query", "value"], layers_to_transform=[0, 2]),
    "bert_layers_pattern": dict(r=4, lora_alpha=8, target_modules=["value"], layers_to_transform=1, layers_pattern="layer"),
    "bert_pooler_saved": dict(r=4, lora_alpha=8, target_modules=["query", "value"], modules_to_save=["classifier", "pooler"]),
    "bert_default_targets": dict(),
}
DISTIL = {
    "distilbert_plain": dict(r=4, lora_alpha=8, target_modules=["q_lin", "v_lin"]),
    "distilbert_bias_all": dict(r=4, lora_alpha=8, target_modules=["q_lin"], bias="all"),
    "distilbert_bias_lora_only": dict(r=2, lora_alpha=8, target_modules=["q_lin", "out_lin"], bias="lora_only"),
    "distilbert_every_linear": dict(r=2, lora_alpha=4, target_modules=["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"], use_rslora=True),
    "distilbert_regex": dict(r=4, lora_alpha=8, target_modules=r"distilbert\.transformer\.layer\.\d\.ffn\.lin[12]"),
}
OTHER = {
    "roberta_plain": ("roberta", dict(r=4, lora_alpha=8)),
    "roberta_all_linear": ("roberta", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "gpt2_default_targets": ("gpt2", dict()),
    "gpt2_all_linear": ("gpt2", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "gpt2_bias_all": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "mlp.c_proj"], bias="all")),
    "gpt2_lm_plain": ("gpt2_lm", dict(r=4, lora_alpha=8, target_modules=["c_attn"])),
    "gpt2_conv_saved": ("gpt2_tokens", dict(r=2, lora_alpha=4, target_modules=["c_attn"], modules_to_save=["h.1.mlp"])),
    "llama_default_targets": ("llama", dict()),
    "llama_all_linear": ("llama_qa", dict(r=2, lora_alpha=4, target_modules="all-linear", exclude_modules=["qa_outputs"])),
    "llama_lm_plain": ("llama_lm", dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "up_proj", "down_proj"])),
    "bert_tokens_plain": ("bert_tokens", dict(r=4, lora_alpha=8, target_modules=["query", "value"])),
    "distilbert_qa_plain": ("distilbert_qa", dict(r=4, lora_alpha=8, target_modules=["q_lin", "v_lin"])),
    "bert_regression_plain": ("bert_regression", dict(r=4, lora_alpha=8, target_modules=["query", "value"])),
    "bert_multi_label_plain": ("bert_multi_label", dict(r=4, lora_alpha=8, target_modules=["query", "value"])),
}


def cases() -> dict:
    return {**{k: ("bert", v) for k, v in BERT.items()}, **{k: ("distilbert", v) for k, v in DISTIL.items()}, **OTHER}


def trainable_line(peft) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        peft.print_trainable_parameters()
    return out.getvalue().strip()


def targets(peft) -> dict:
    """Module path -> rank, scale and alpha as PEFT resolved them."""
    found = {}
    for path, module in peft.base_model.model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            found[path] = {"r": module.r["default"], "lora_alpha": module.lora_alpha["default"], "scale": module.scaling["default"]}
    return dict(sorted(found.items()))


def make_one(name: str, base: str, config: dict) -> None:
    folder = common.OUT / "adapters" / name
    peft = lora.wrap(base, "adapter " + name, config, trained=True)
    line = trainable_line(peft)
    trainable, everything = peft.get_nb_trainable_parameters()
    resolved = targets(peft)
    lora.save(peft, folder)
    rows = models.sequences(peft.config, "adapter rows " + base, [11, 3, 26])
    double = peft.double()
    with torch.no_grad():
        logits = models.forward_all(double, rows)["logits"]
        base_logits = models.forward_all(models.make_model(base).double(), rows)["logits"]
        merged = double.merge_and_unload()
        merged_logits = models.forward_all(merged, rows)["logits"]
    assert (logits - merged_logits).abs().max() < 1e-10, name
    assert (logits - base_logits).abs().max() > 0.1, name
    changed = sorted(k for k, v in merged.state_dict().items() if not torch.equal(v, models.make_model(base).double().state_dict()[k]))
    with safe_open(str(folder / "adapter_model.safetensors"), "pt") as f:
        keys = {k: list(f.get_slice(k).get_shape()) for k in sorted(f.keys())}
    common.write_json(folder / "golden.json", {
        "base": base, "lora": config, "line": line, "trainable_parameters": trainable, "all_parameters": everything, "targets": resolved,
        "keys": keys, "changed_by_merge": changed, "sequences": rows, "logits": common.f32(logits)})


def make() -> None:
    common.fresh(common.OUT / "adapters")
    for name, (base, config) in cases().items():
        make_one(name, base, config)
