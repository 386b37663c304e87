"""Adapters trained here load in peft with our logits, with peft's keys, shapes and settings; and peft's go on training here."""
import json
import unittest

from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, load_peft_weights, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoTokenizer

from support import (DQV, GOLDEN, LOGITS, MERGED, QV, ROOT, InteropTest, adapter_settings, load_adapter, load_base, make_texts, model_folder,
                     reference_logits)

CASES = {
    "plain": ("bert", dict(r=4, lora_alpha=8, target_modules=QV)),
    "defaults": ("bert", dict()),
    "bias_all": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, bias="all")),
    "bias_lora_only": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, bias="lora_only")),
    "rslora": ("bert", dict(r=4, lora_alpha=6, target_modules=["query", "key", "value"], use_rslora=True)),
    "patterns": ("bert", dict(r=4, lora_alpha=8, target_modules=[*QV, "intermediate.dense"],
                              rank_pattern={"layer.1.attention.self.query": 2, "intermediate.dense": 6},
                              alpha_pattern={"^bert.encoder.layer.2.attention.self.value": 32, "query": 3})),
    "all_linear": ("bert", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "regex": ("bert", dict(r=3, lora_alpha=9, target_modules=r".*layer\.[12]\.attention\.self\.(query|key)")),
    "exclude": ("bert", dict(r=4, lora_alpha=8, target_modules=["query", "dense"], exclude_modules=["pooler.dense", "output.dense"])),
    "layers": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, layers_to_transform=[0, 2])),
    "pooler_saved": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, modules_to_save=["classifier", "pooler"])),
    "gaussian": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, init_lora_weights="gaussian")),
    "dropout": ("bert", dict(r=4, lora_alpha=8, target_modules=QV, lora_dropout=0.2)),
    "cased": ("bert_cased", dict(r=4, lora_alpha=8, target_modules=QV)),
    "odd_sizes": ("bert_odd", dict(r=5, lora_alpha=7, target_modules=[*QV, "dense"], exclude_modules=["pooler.dense"])),
    "multi_label": ("bert_multi_label", dict(r=4, lora_alpha=8, target_modules=QV)),
    "regression": ("bert_regression", dict(r=4, lora_alpha=8, target_modules=QV)),
    "distil": ("distilbert", dict(r=4, lora_alpha=8, target_modules=DQV)),
    "distil_bias_all": ("distilbert", dict(r=4, lora_alpha=8, target_modules=["q_lin"], bias="all")),
    "roberta": ("roberta", dict(r=4, lora_alpha=8, target_modules=QV)),
    "electra": ("electra", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "gpt2": ("gpt2", dict(r=4, lora_alpha=8, target_modules=["c_attn"])),
    "gpt2_all_linear": ("gpt2", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "gpt2_bias_all": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "mlp.c_proj"], bias="all")),
    "llama": ("llama", dict()),
    "llama_all_linear": ("llama", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "distil_every_linear": ("distilbert", dict(r=2, lora_alpha=4, target_modules=["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"])),
}
# peft writes these beside the head that counts (bias "all"); they carry nothing
EXTRA = (".original_module.bias", ".modules_to_save.bias")


def expected_shapes(base: str, settings: dict) -> dict:
    peft = get_peft_model(load_base(model_folder(base)), LoraConfig(task_type="SEQ_CLS", **settings))
    return {k: list(v.shape) for k, v in get_peft_model_state_dict(peft, save_embedding_layers=False).items() if not k.endswith(EXTRA)}


class AdaptersOut(InteropTest):
    def check(self, base: str, run, what=""):
        texts = make_texts(model_folder(base), 16, 21)
        if base in ("gpt2", "llama"):  # their tokenizers add nothing: an empty text has no tokens
            texts = [t or "it" for t in texts]
        tokenizer = AutoTokenizer.from_pretrained(model_folder(base))
        model = load_adapter(model_folder(base), run)
        loaded = set_peft_model_state_dict(model, load_peft_weights(run))
        self.assertFalse([k for k in loaded.missing_keys if "lora_" in k or "modules_to_save" in k], what)
        self.assertFalse([k for k in loaded.unexpected_keys if not k.endswith(EXTRA)], what)
        theirs = reference_logits(model, tokenizer, texts)
        self.close(self.logits(run, texts), theirs, LOGITS, what)
        self.apart(theirs, reference_logits(load_base(model_folder(base)), tokenizer, texts), 1e-2, "training changed nothing")
        return texts, tokenizer, theirs

    def test_trained_here(self):
        for name, (base, settings) in CASES.items():
            with self.subTest(name):
                run = self.train(base, {"method": "lora", **settings})
                texts, tokenizer, theirs = self.check(base, run)
                ours = {k: list(v.shape) for k, v in load_file(str(run / "adapter_model.safetensors")).items()}
                self.assertEqual({k: v for k, v in ours.items() if not k.endswith(EXTRA)}, expected_shapes(base, settings))
                config = adapter_settings(run)
                self.assertEqual((config.peft_type, config.task_type, config.inference_mode), ("LORA", "SEQ_CLS", True))
                for key in ("r", "lora_alpha", "bias", "use_rslora", "rank_pattern", "alpha_pattern", "lora_dropout", "layers_to_transform"):
                    if key in settings:
                        self.assertEqual(getattr(config, key), settings[key], key)
                output = self.path("merged")
                self.attune("merge", run, "--output", output)
                merged, info = type(load_base(output)).from_pretrained(output, output_loading_info=True)
                self.assertFalse(info["missing_keys"] or info["unexpected_keys"], info)
                self.close(reference_logits(merged.eval(), AutoTokenizer.from_pretrained(output), texts), theirs, MERGED, "merged")
                before = load_base(model_folder(base)).config
                self.assertEqual((merged.config.id2label, merged.config.problem_type or "", merged.config.num_labels),
                                 (before.id2label, before.problem_type or merged.config.problem_type or "", before.num_labels))

    def test_new_head(self):
        """A bare encoder: the head is new, saved in the adapter, and peft needs only the number of labels."""
        folder = self.path("bare")
        folder.mkdir()
        bare = model_folder("bert") / "variants" / "bare"
        for file in (bare / "config.json", bare / "model.safetensors", *(model_folder("bert") / n for n in ("tokenizer.json", "tokenizer_config.json"))):
            (folder / file.name).write_bytes(file.read_bytes())
        rows = [{"text": t or "a", "label": ["no", "yes", "maybe", "never"][i % 4]} for i, t in enumerate(make_texts(model_folder("bert"), 32, 5))]
        run = self.train("bert", {"method": "lora", "r": 4, "target_modules": QV}, model=folder, rows=rows)
        texts = make_texts(model_folder("bert"), 10, 6)
        base = load_base(folder, num_labels=4)
        theirs = reference_logits(load_adapter(base, run), AutoTokenizer.from_pretrained(folder), texts)
        self.close(self.logits(run, texts), theirs, LOGITS)
        answer = self.predict(run, texts[:1])[0]
        self.assertEqual(sorted(answer["scores"]), ["maybe", "never", "no", "yes"])

    @unittest.skipUnless((ROOT / "models" / "all-MiniLM-L6-v2" / "model.safetensors").exists(), "scripts/get-base-model was not run")
    def test_real_weights(self):
        base = ROOT / "models" / "all-MiniLM-L6-v2"
        texts = make_texts(model_folder("bert"), 40, 61, longest=150)
        rows = [{"text": t or "a", "label": ["bad", "good"]["good" in t or "best" in t]} for t in texts]
        run = self.train("bert", {"method": "lora", "r": 8, "lora_alpha": 16, "target_modules": QV}, {"learning_rate": 5e-3}, model=base, rows=rows,
                         data={"max_length": 128})
        tokenizer = AutoTokenizer.from_pretrained(base)
        theirs = reference_logits(load_adapter(load_base(base, num_labels=2), run), tokenizer, texts[:20], max_length=128)
        self.close(self.logits(run, texts[:20]), theirs, LOGITS)
        output = self.path("merged")
        self.attune("merge", run, "--output", output)
        self.close(reference_logits(load_base(output), AutoTokenizer.from_pretrained(output), texts[:20], max_length=128), theirs, MERGED)

    def test_goes_on_training(self):
        """`init_from` starts from peft's adapter: at rate 0 it is written back with the same numbers, at another it moves."""
        source = GOLDEN / "adapters" / "bert_patterns"
        before = load_file(str(source / "adapter_model.safetensors"))
        still = self.train("bert", {"init_from": str(source)}, {"learning_rate": 0.0})
        after = load_file(str(still / "adapter_model.safetensors"))
        self.assertEqual(sorted(after), sorted(before))
        for key in before:
            self.close(after[key], before[key], 0.0, key)
        moved = self.train("bert", {"init_from": str(source)})
        self.apart(load_file(str(moved / "adapter_model.safetensors"))["base_model.model.classifier.weight"],
                   before["base_model.model.classifier.weight"], 1e-3)
        self.check("bert", moved)
        settings = json.loads((moved / "adapter_config.json").read_text())
        original = json.loads((source / "adapter_config.json").read_text())
        for key in ("r", "lora_alpha", "rank_pattern", "alpha_pattern"):
            self.assertEqual(settings[key], original[key], key)
