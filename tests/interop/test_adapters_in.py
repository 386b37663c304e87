"""Adapters written by peft give peft's logits here, unmerged and merged."""
import json
import shutil

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from support import (GOLDEN, LOGITS, MERGED, WEIGHTS, InteropTest, load_adapter, load_base, make_texts, model_folder, reference_logits)

# Those that label whole texts; adapters of other tasks are compared in peft_test.
ADAPTERS = sorted(p.name for p in (GOLDEN / "adapters").iterdir() if json.loads((p / "adapter_config.json").read_text())["task_type"] == "SEQ_CLS")


def base_of(name: str) -> str:
    return json.loads((GOLDEN / "adapters" / name / "golden.json").read_text())["base"]


class AdaptersIn(InteropTest):
    def expected(self, name: str):
        base = model_folder(base_of(name))
        texts = make_texts(base, 16, 11)
        tokenizer = AutoTokenizer.from_pretrained(base)
        theirs = reference_logits(load_adapter(base, GOLDEN / "adapters" / name), tokenizer, texts)
        self.apart(theirs, reference_logits(load_base(base), tokenizer, texts), 0.1, name)
        return base, tokenizer, texts, theirs

    def test_logits(self):
        for name in ADAPTERS:
            with self.subTest(adapter=name):
                base, _, texts, theirs = self.expected(name)
                self.close(self.logits(GOLDEN / "adapters" / name, texts), theirs, LOGITS, "base from adapter_config.json")
                self.close(self.logits(GOLDEN / "adapters" / name, texts, "--base-model", base), theirs, LOGITS, "--base-model")

    def test_merge(self):
        for name in ADAPTERS:
            with self.subTest(adapter=name):
                base, tokenizer, texts, theirs = self.expected(name)
                output = self.path("merged")
                self.attune("merge", GOLDEN / "adapters" / name, "--output", output)
                merged, info = type(load_base(base)).from_pretrained(output, output_loading_info=True)
                self.assertFalse(info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"], info)
                self.close(reference_logits(merged.eval(), tokenizer, texts), theirs, MERGED, "merged, in transformers")
                self.close(self.logits(output, texts), theirs, MERGED, "merged, here")
                self.same_as_peft_merge(name, base, output)
                again = AutoTokenizer.from_pretrained(output)
                self.assertEqual([again(t)["input_ids"] for t in texts], [tokenizer(t)["input_ids"] for t in texts])

    def same_as_peft_merge(self, name, base, output):
        merged = load_adapter(base, GOLDEN / "adapters" / name).merge_and_unload().state_dict()
        ours = load_file(str(output / "model.safetensors"))
        self.assertEqual(sorted(ours), sorted(merged))
        for key, tensor in merged.items():
            self.close(ours[key], tensor, WEIGHTS, key)
        with safe_open(str(output / "model.safetensors"), "pt") as f:
            self.assertEqual(f.metadata(), {"format": "pt"})

    def variant(self, name: str, rename=None, keep=None):
        folder = self.path(name)
        shutil.copytree(GOLDEN / "adapters" / name, folder)
        if rename:
            tensors = load_file(str(folder / "adapter_model.safetensors"))
            save_file({rename(k): v for k, v in tensors.items()}, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
        if keep:
            file = folder / "adapter_config.json"
            config = json.loads(file.read_text())
            file.write_text(json.dumps({k: v for k, v in config.items() if k in keep}))
        return folder

    def test_other_spellings(self):
        """Names with the adapter's own name, the bias names of peft 0.20, configurations of old releases."""
        old = {"base_model_name_or_path", "bias", "lora_alpha", "lora_dropout", "modules_to_save", "peft_type", "r", "target_modules", "task_type"}
        cases = {"adapter name in the keys": ("bert_plain", lambda k: k.replace("lora_A.", "lora_A.default.").replace("lora_B.", "lora_B.default."), None),
                 "no prefix": ("bert_plain", lambda k: k.removeprefix("base_model.model."), None),
                 "bias without base_layer": ("bert_bias_lora_only", lambda k: k.replace(".base_layer.bias", ".bias"), None),
                 "few config keys": ("bert_plain", None, old)}
        for what, (name, rename, keep) in cases.items():
            with self.subTest(what):
                _, _, texts, theirs = self.expected(name)
                self.close(self.logits(self.variant(name, rename, keep), texts), theirs, LOGITS)

    def test_half_precision_file(self):
        folder = self.variant("distilbert_plain")
        file = str(folder / "adapter_model.safetensors")
        save_file({k: v.to(torch.bfloat16) for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
        base = model_folder("distilbert")
        texts = make_texts(base, 10, 12)
        theirs = reference_logits(load_adapter(base, folder).float(), AutoTokenizer.from_pretrained(base), texts)
        self.close(self.logits(folder, texts), theirs, LOGITS)
