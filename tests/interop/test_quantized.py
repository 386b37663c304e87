"""Folders stored in few bits: ours in transformers with bitsandbytes, and theirs here."""
import json
import logging
import shutil

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BitsAndBytesConfig

from support import LOGITS, InteropTest, load_base, make_texts, model_folder, reference_logits

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


class Quantized(InteropTest):
    def base(self):
        """Rows of 64 and 128: for others bitsandbytes' CPU dequantisation uses wrong scales (docs/formats.md, section 11.1)."""
        folder = self.path("base")
        torch.manual_seed(7)
        source = json.loads((model_folder("bert") / "config.json").read_text())
        config = BertConfig(vocab_size=source["vocab_size"], hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
                            max_position_embeddings=64, initializer_range=0.15, num_labels=3)
        BertForSequenceClassification(config).save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            shutil.copy(model_folder("bert") / name, folder / name)
        return folder

    def check(self, folder, texts: list, base):
        model = load_base(folder, device_map="cpu")
        for module in model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False  # products in bf16, and none for 3 labels
            elif type(module).__name__ == "Linear8bitLt":  # its products round activations to 8 bits
                values = module.weight.data.float() * module.weight.SCB[:, None] / 127
                module.forward = lambda x, w=values, b=module.bias: torch.nn.functional.linear(x, w, b.float())
        theirs = reference_logits(model, AutoTokenizer.from_pretrained(folder), texts)
        ours = self.logits(folder, texts, "--compute", "f32")
        self.close(ours, theirs, LOGITS)
        self.apart(ours, reference_logits(load_base(base), AutoTokenizer.from_pretrained(base), texts), 2e-3)

    def test_ours_there(self):
        base, texts = self.base(), make_texts(model_folder("bert"), 16, 71)
        for flags in (["--type", "nf4"], ["--type", "nf4", "--double-quant"], ["--type", "int8"], ["--type", "nf4", "--skip-modules", "query,value"]):
            with self.subTest(flags=flags):
                folder = self.path("quantized")
                self.attune("quantize", base, "--output", folder, *flags)
                self.check(folder, texts, base)

    def test_theirs_here(self):
        base, texts = self.base(), make_texts(model_folder("bert"), 16, 72)
        for name, q in (("nf4", BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                                   bnb_4bit_compute_dtype=torch.float32)),
                        ("int8", BitsAndBytesConfig(load_in_8bit=True))):
            with self.subTest(type=name):
                folder = self.path(name)
                load_base(base, quantization_config=q, device_map="cpu", dtype=torch.float32).save_pretrained(folder)
                AutoTokenizer.from_pretrained(base).save_pretrained(folder)
                self.check(folder, texts, base)
