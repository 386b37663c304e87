"""Tiny checkpoints of every architecture and head with hidden states, logits, losses and the gradient of every parameter.

Inputs are stored as they are, without padding; the numbers come from a padded and masked batch in eval mode (no dropout), in
float64. The gradient is that of the plain mean loss.
"""
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
import transformers
from transformers import BertConfig, BertForSequenceClassification, DistilBertConfig, ElectraConfig, GPT2Config, LlamaConfig, RobertaConfig, XLMRobertaConfig

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


SMALL = dict(hidden_size=24, num_attention_heads=2, intermediate_size=40, num_hidden_layers=2)


def small_bert(**kw):
    return bert(**{**SMALL, "max_position_embeddings": 40, **kw})


def small_distilbert(**kw):
    return distilbert(**{**dict(dim=24, n_heads=2, hidden_dim=40, n_layers=2, max_position_embeddings=40), **kw})


def roberta(kind=RobertaConfig, **kw):
    return kind(**{**SMALL, **dict(vocab_size=len(vocabulary(False)), max_position_embeddings=42, type_vocab_size=1, layer_norm_eps=1e-5), **kw})


def electra(**kw):
    return ElectraConfig(**{**SMALL, **dict(vocab_size=len(vocabulary(False)), embedding_size=16, max_position_embeddings=40), **kw})


def gpt2(**kw):
    return GPT2Config(**{**dict(vocab_size=len(vocabulary(False)), n_embd=24, n_head=3, n_layer=2, n_positions=40, bos_token_id=2, eos_token_id=3, pad_token_id=0), **kw})


def llama(**kw):
    return LlamaConfig(**{**SMALL, **dict(vocab_size=len(vocabulary(False)), num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
                                          bos_token_id=2, eos_token_id=3, pad_token_id=0, rms_norm_eps=1e-5), **kw})


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
        "roberta": (roberta(num_labels=3), False),
        "gpt2": (gpt2(num_labels=3), False),
        "llama": (llama(num_labels=3), False),
        "bert_tokens": (small_bert(num_labels=4), False),
        "bert_qa": (small_bert(), False),
        "bert_mlm": (small_bert(hidden_act="gelu_new"), False),
        "distilbert_tokens": (small_distilbert(num_labels=3), False),
        "distilbert_qa": (small_distilbert(), False),
        "distilbert_mlm": (small_distilbert(), False),
        "xlm_roberta_tokens": (roberta(XLMRobertaConfig, num_labels=5), False),
        "roberta_qa": (roberta(), False),
        "roberta_mlm": (roberta(hidden_act="relu"), False),
        "electra": (electra(num_labels=2), False),
        "electra_tokens": (electra(num_labels=4, embedding_size=24, hidden_act="relu"), False),
        "electra_qa": (electra(), False),
        "electra_mlm": (electra(), False),
        "gpt2_tokens": (gpt2(num_labels=4), False),
        "gpt2_qa": (gpt2(n_inner=56, scale_attn_by_inverse_layer_idx=True), False),
        "gpt2_lm": (gpt2(n_positions=256), False),
        "gpt2_lm_untied": (gpt2(tie_word_embeddings=False, activation_function="relu", pad_token_id=None), False),
        "llama_tokens": (llama(num_labels=4, num_key_value_heads=1), False),
        "llama_qa": (llama(rope_parameters={"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0}), False),
        "llama_lm": (llama(tie_word_embeddings=True, max_position_embeddings=256,
                           rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                            "original_max_position_embeddings": 16}), False),
        "llama_lm_biased": (llama(num_attention_heads=3, num_key_value_heads=3, head_dim=10, attention_bias=True, mlp_bias=True, hidden_act="gelu",
                                  rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16}), False),
    }


FAMILIES = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta", "xlm-roberta": "XLMRoberta", "electra": "Electra", "gpt2": "GPT2", "llama": "Llama"}
HEADS = {"tokens": "token_classification", "qa": "question_answering", "mlm": "masked_lm", "lm": "causal_lm"}
CLASSES = {"sequence_classification": "ForSequenceClassification", "token_classification": "ForTokenClassification",
           "question_answering": "ForQuestionAnswering", "masked_lm": "ForMaskedLM", "causal_lm": "ForCausalLM"}
PEFT_TASKS = {"sequence_classification": "SEQ_CLS", "token_classification": "TOKEN_CLS", "question_answering": "QUESTION_ANS", "causal_lm": "CAUSAL_LM"}


def head_of(name: str) -> str:
    return next((head for part, head in HEADS.items() if part in name.split("_")), "sequence_classification")


def class_of(name: str, model_type: str):
    kind = FAMILIES[model_type] + CLASSES[head_of(name)]
    return getattr(transformers, {"GPT2ForCausalLM": "GPT2LMHeadModel"}.get(kind, kind))


def randomise(model, key: str) -> None:
    """Every parameter gets values of its own; scales keep activations near 1 and logits between 1 and 5."""
    g = common.rng(key)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if not p.requires_grad:
                continue  # the sinusoidal table is part of the architecture
            noise = g.standard_normal(tuple(p.shape))
            if "norm" in name.lower() or ".ln_" in name:
                value = (1.0 if name.endswith("weight") else 0.0) + 0.2 * noise
            elif any(part in name for part in ("embeddings", "wte", "wpe", "embed_tokens")):
                value = 0.6 * noise
            elif name.endswith("bias"):
                value = 0.2 * noise
            else:
                scale = 2.5 if name.startswith(("classifier", "score", "qa_outputs")) else 1.4
                conv = any(part in name for part in (".c_attn.", ".c_proj.", ".c_fc."))
                value = scale * noise / np.sqrt(p.shape[0 if conv else 1])
            p.copy_(torch.from_numpy(value.astype(np.float32)))


def make_model(name: str, **kw):
    config, _ = configs()[name]
    for k, v in kw.items():
        setattr(config, k, v)
    config._attn_implementation = "eager"
    model = class_of(name, config.model_type)(config).eval()
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
        n = min(n, config.max_position_embeddings - (config.pad_token_id + 1 if "roberta" in config.model_type else 0))
        ids = [2] + [int(x) for x in g.integers(5, config.vocab_size, max(0, n - 2))] + ([3] if n > 1 else [])
        row = {"input_ids": ids}
        if i == 2 and n > 8:
            ids[5] = config.pad_token_id or 0
        if i == 4 and config.model_type in ("gpt2", "llama"):
            ids[-1] = 0  # a real token like the padding: classifiers read the one before it
        if config.model_type in ("bert", "electra"):
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
    pooler = getattr(getattr(model, "bert", None), "pooler", None)
    hook = pooler.register_forward_hook(lambda m, i, o: seen.update(pooled=o)) if pooler else None
    out = model(**batch, output_hidden_states=True)
    if hook:
        hook.remove()
    result = {f"hidden.{i}": packed(h, batch["attention_mask"]) for i, h in enumerate(out.hidden_states)}
    result.update(seen)
    if hasattr(out, "start_logits"):
        result["logits"] = packed(torch.stack([out.start_logits, out.end_logits], -1), batch["attention_mask"])
    else:
        result["logits"] = out.logits if out.logits.dim() == 2 else packed(out.logits, batch["attention_mask"])
    return result


def save_model(model, folder: Path, **kw) -> None:
    model.save_pretrained(folder, **kw)
    for extra in ("README.md", "generation_config.json"):
        (folder / extra).unlink(missing_ok=True)


def targets_for(name, config, rows) -> list:
    """What each token is to say, -100 nothing; of a causal model already shifted. Question answering: a start and an end a row."""
    g = common.rng("labels " + name)
    head = head_of(name)
    if head == "question_answering":
        return [sorted(int(x) for x in g.integers(0, len(r["input_ids"]), 2)) for r in rows]
    if head == "causal_lm":
        return [[-100] * (len(r["input_ids"]) // 3) + r["input_ids"][1:][len(r["input_ids"]) // 3:] + [-100] for r in rows]
    classes = config.num_labels if head == "token_classification" else config.vocab_size
    return [[int(x) if keep < 0.6 else -100 for x, keep in zip(g.integers(0, classes, len(r["input_ids"])), g.random(len(r["input_ids"])))] for r in rows]


def token_loss(name, logits, rows, targets):
    """The mean loss over what is labelled; of spans per row, without padding."""
    if head_of(name) != "question_answering":
        return F.cross_entropy(logits, torch.tensor(sum(targets, [])))
    parts, at = [], 0
    for row, (start, end) in zip(rows, targets):
        own = logits[at:at + len(row["input_ids"])]
        at += len(row["input_ids"])
        parts += [F.cross_entropy(own[:, i][None], torch.tensor([place])) for i, place in enumerate((start, end))]
    return torch.stack(parts).mean()


def own_loss(name, model, rows, targets):
    """The same by the model (in F32 for causal ones), on its own idea of labels; of spans only where no row is padded."""
    head = head_of(name)
    if head == "question_answering":
        losses = [model(**pad([r]), start_positions=torch.tensor([s]), end_positions=torch.tensor([e])).loss for r, (s, e) in zip(rows, targets)]
        return torch.stack(losses).mean()
    if head == "causal_lm":
        targets = [[-100] + t[:-1] for t in targets]
    longest = max(len(t) for t in targets)
    return model(**pad(rows), labels=torch.tensor([t + [-100] * (longest - len(t)) for t in targets])).loss


def make_token_level(name: str, model, rows) -> None:
    """Heads that say something of every token: the logits lie in golden.safetensors."""
    folder = common.OUT / "models" / name
    config = model.config
    targets = targets_for(name, config, rows)
    with torch.no_grad():
        single = forward_all(model, rows)["logits"]
    model.double()
    out = forward_all(model, rows)
    loss = token_loss(name, out["logits"], rows, targets)
    own = own_loss(name, model, rows, targets)
    assert abs(own.item() - loss.item()) < 1e-5, (name, own.item(), loss.item())
    spread = (single.double() - out["logits"]).abs().max().item()
    assert spread < 1e-4 and 0.5 < out["logits"].abs().max() < 30, (name, spread, out["logits"].abs().max())
    common.write_tensors(folder / "golden.safetensors", dict(out))
    loss.backward()
    common.write_tensors(folder / "golden_grads.safetensors", {k: p.grad for k, p in model.named_parameters() if p.grad is not None})
    labels = {"question_answering": 2, "token_classification": config.num_labels}.get(head_of(name), config.vocab_size)
    common.write_json(folder / "golden.json", {"model_type": config.model_type, "head": head_of(name), "num_labels": labels, "sequences": rows,
                                               "targets": targets, "loss": {"plain": loss.item()}, "float32_spread": spread})


def make_one(name: str) -> None:
    config, cased = configs()[name]
    folder = common.fresh(common.OUT / "models" / name)
    model = make_model(name)
    save_model(model, folder)
    write_tokenizer(folder, config.model_type, cased, config.max_position_embeddings - (config.pad_token_id + 1 if "roberta" in config.model_type else 0))

    rows = sequences(config, "rows " + name)
    if head_of(name) != "sequence_classification":
        return make_token_level(name, model, rows)
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
