"""Parameter counts as PEFT prints them, for models of published size built from their configuration without memory for weights."""
import torch
from peft import AdaLoraConfig, IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import (AutoModelForCausalLM, AutoModelForQuestionAnswering, AutoModelForSequenceClassification,
                          AutoModelForTokenClassification, BertConfig, DistilBertConfig, GPT2Config)

from . import adapters, common

SHAPES = {
    "distilbert": lambda **kw: DistilBertConfig(**kw),
    "bert-base": lambda **kw: BertConfig(**kw),
    "minilm": lambda **kw: BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, **kw),
    "gpt2": lambda **kw: GPT2Config(pad_token_id=50256, **kw),
}
TASKS = {"seq_cls": AutoModelForSequenceClassification, "token_cls": AutoModelForTokenClassification,
         "question_ans": AutoModelForQuestionAnswering, "causal_lm": AutoModelForCausalLM}
METHODS = {"lora": LoraConfig, "ia3": IA3Config, "adalora": AdaLoraConfig, "prompt_tuning": PromptTuningConfig,
           "prefix_tuning": PrefixTuningConfig}
QV, DQV = ["query", "value"], ["q_lin", "v_lin"]

# name -> shape, task, labels, method, its settings
CASES = {
    "distilbert seq_cls 2 full": ("distilbert", "seq_cls", 2, "full", {}),
    "bert-base seq_cls 2 full": ("bert-base", "seq_cls", 2, "full", {}),
    "minilm seq_cls 2 full": ("minilm", "seq_cls", 2, "full", {}),
    "gpt2 seq_cls 2 full": ("gpt2", "seq_cls", 2, "full", {}),
    "gpt2 causal_lm full": ("gpt2", "causal_lm", 2, "full", {}),
    "distilbert seq_cls q_lin r4": ("distilbert", "seq_cls", 2, "lora", dict(r=4, lora_alpha=32, lora_dropout=0.01, target_modules=["q_lin"])),
    "distilbert seq_cls q_lin,v_lin r16": ("distilbert", "seq_cls", 2, "lora", dict(r=16, target_modules=DQV)),
    "distilbert seq_cls q_lin,v_lin r8": ("distilbert", "seq_cls", 2, "lora", dict(r=8, target_modules=DQV)),
    "distilbert seq_cls q,k,v,out_lin r16": ("distilbert", "seq_cls", 2, "lora", dict(r=16, target_modules=["q_lin", "k_lin", "v_lin", "out_lin"])),
    "distilbert seq_cls q_lin,v_lin r8 bias=all": ("distilbert", "seq_cls", 2, "lora", dict(r=8, target_modules=DQV, bias="all")),
    "distilbert seq_cls q_lin,v_lin r8 bias=lora_only": ("distilbert", "seq_cls", 2, "lora", dict(r=8, target_modules=DQV, bias="lora_only")),
    "distilbert question_ans q_lin,v_lin r16": ("distilbert", "question_ans", 2, "lora", dict(r=16, target_modules=DQV)),
    "distilbert token_cls 9 q_lin,v_lin r8": ("distilbert", "token_cls", 9, "lora", dict(r=8, target_modules=DQV)),
    "bert-base seq_cls query,value r8": ("bert-base", "seq_cls", 2, "lora", dict(r=8, target_modules=QV)),
    "bert-base seq_cls 5 query,value r8 rslora": ("bert-base", "seq_cls", 5, "lora", dict(r=8, target_modules=QV, use_rslora=True)),
    "bert-base seq_cls all-linear r8": ("bert-base", "seq_cls", 2, "lora", dict(r=8, target_modules="all-linear")),
    "bert-base seq_cls query,value r8 patterns": ("bert-base", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, rank_pattern={"query": 4, r"layer\.1[01]\..*value": 16})),
    "bert-base seq_cls query,value r8 layers 8-11": ("bert-base", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, layers_to_transform=[8, 9, 10, 11])),
    "minilm seq_cls query,value r8": ("minilm", "seq_cls", 2, "lora", dict(r=8, target_modules=QV)),
    "minilm seq_cls query,value r8 bias=all": ("minilm", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, bias="all")),
    "minilm seq_cls query,value r8 bias=lora_only": ("minilm", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, bias="lora_only")),
    "minilm seq_cls query,value r8 pooler saved": ("minilm", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, modules_to_save=["classifier", "pooler"])),
    "minilm seq_cls query,value r8 dora": ("minilm", "seq_cls", 2, "lora", dict(r=8, target_modules=QV, use_dora=True)),
    "minilm seq_cls lora defaults": ("minilm", "seq_cls", 2, "lora", {}),
    "minilm seq_cls ia3 default": ("minilm", "seq_cls", 2, "ia3", {}),
    "minilm seq_cls prompt tuning 20": ("minilm", "seq_cls", 2, "prompt_tuning", dict(num_virtual_tokens=20)),
    "minilm seq_cls prefix tuning 20": ("minilm", "seq_cls", 2, "prefix_tuning", dict(num_virtual_tokens=20)),
    "minilm seq_cls adalora init_r12": ("minilm", "seq_cls", 2, "adalora", dict(init_r=12, total_step=1000)),
    "minilm seq_cls adalora init_r12 query,value": ("minilm", "seq_cls", 2, "adalora", dict(init_r=12, target_modules=QV, total_step=1000)),
    "minilm token_cls 9 query,value r16": ("minilm", "token_cls", 9, "lora", dict(r=16, target_modules=QV)),
    "minilm question_ans query,value r16": ("minilm", "question_ans", 2, "lora", dict(r=16, target_modules=QV)),
    "gpt2 seq_cls lora defaults": ("gpt2", "seq_cls", 2, "lora", {}),
    "gpt2 causal_lm c_attn r8": ("gpt2", "causal_lm", 2, "lora", dict(r=8, target_modules=["c_attn"])),
    "gpt2 causal_lm all-linear r8": ("gpt2", "causal_lm", 2, "lora", dict(r=8, target_modules="all-linear")),
}


def build(shape, task, labels, method, settings, device):
    with torch.device(device):
        model = TASKS[task].from_config(SHAPES[shape](num_labels=labels))
        return model if method == "full" else get_peft_model(model, METHODS[method](task_type=task.upper(), **settings))


def count(shape, task, labels, method, settings) -> dict:
    try:
        model = build(shape, task, labels, method, settings, "meta")
    except (RuntimeError, NotImplementedError):  # some methods read the weights they wrap
        model = build(shape, task, labels, method, settings, "cpu")
    record = {"shape": shape, "task": task, "num_labels": labels, "method": method, "settings": dict(settings)}
    if method == "full":
        total = sum(p.numel() for p in model.parameters())
        return {**record, "trainable": total, "all": total,
                "line": f"trainable params: {total:,d} || all params: {total:,d} || trainable%: 100.0000"}
    trainable, everything = model.get_nb_trainable_parameters()
    return {**record, "trainable": trainable, "all": everything, "line": adapters.trainable_line(model),
            "trainable_tensors": sum(p.requires_grad for p in model.parameters())}


def make() -> None:
    common.write_json(common.OUT / "golden_counts.json", {"counts": {name: count(*case) for name, case in CASES.items()}})
    for shape, config in SHAPES.items():
        folder = common.fresh(common.OUT / "shapes" / shape)
        kw = {"architectures": [{"distilbert": "DistilBertForMaskedLM", "gpt2": "GPT2LMHeadModel", "minilm": "BertModel"}.get(shape, "BertForMaskedLM")]}
        config(**kw).save_pretrained(folder)
