"""Folders stored in few bits: ours in transformers with bitsandbytes, and theirs here."""
import json
import logging
import shutil

import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BitsAndBytesConfig

from support import LOGITS, InteropTest, load_base, make_texts, model_folder, reference_logits

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
# LLM.int8's products round activations to 8 bits; ours with --compute f32 do not. Logits here reach 2.
INT8 = 0.05


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

    def check(self, folder, tolerance: float, texts: list, base):
        theirs = reference_logits(load_base(folder, device_map="cpu"), AutoTokenizer.from_pretrained(folder), texts)
        ours = self.logits(folder, texts, "--compute", "f32")
        self.close(ours, theirs, tolerance)
        self.apart(ours, reference_logits(load_base(base), AutoTokenizer.from_pretrained(base), texts), 2e-3)

    def test_ours_there(self):
        base, texts = self.base(), make_texts(model_folder("bert"), 16, 71)
        for flags, tolerance in ((["--type", "nf4"], LOGITS), (["--type", "nf4", "--double-quant"], LOGITS), (["--type", "int8"], INT8),
                                 (["--type", "nf4", "--skip-modules", "query,value"], LOGITS)):
            with self.subTest(flags=flags):
                folder = self.path("quantized")
                self.attune("quantize", base, "--output", folder, *flags)
                self.check(folder, tolerance, texts, base)

    def test_theirs_here(self):
        base, texts = self.base(), make_texts(model_folder("bert"), 16, 72)
        for name, q, tolerance in (("nf4", BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                                              bnb_4bit_compute_dtype=torch.float32), LOGITS),
                                   ("int8", BitsAndBytesConfig(load_in_8bit=True), INT8)):
            with self.subTest(type=name):
                folder = self.path(name)
                load_base(base, quantization_config=q, device_map="cpu", dtype=torch.float32).save_pretrained(folder)
                AutoTokenizer.from_pretrained(base).save_pretrained(folder)
                self.check(folder, tolerance, texts, base)
