"""What attune convert makes of GGUF files loads in transformers without a missing or unexpected tensor, tokenizer included."""
import unittest

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from support import GOLDEN, ROOT, InteropTest

REAL = ROOT / "models" / "SmolLM2-135M-Instruct"


class Gguf(InteropTest):
    def test_tiny_file(self):
        for dtype in ("float32", "float16"):
            with self.subTest(dtype=dtype):
                folder = self.path(dtype)
                self.attune("convert", GOLDEN / "gguf" / "tiny.gguf", "--output", folder, "--dtype", dtype)
                model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
                for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
                    self.assertFalse(info[kind], kind)
                self.assertEqual(str(model.dtype), "torch." + dtype)
                self.assertEqual(model.config.rope_parameters["rope_theta"], 100000.0)
                self.assertEqual(len(AutoTokenizer.from_pretrained(folder)), model.config.vocab_size)

    @unittest.skipUnless((REAL / "model.safetensors").exists(), "no SmolLM2 in models/; scripts/get-smollm2 fetches it")
    def test_real_logits(self):
        """Rows of queries and keys that were not put back would go unnoticed in the text: the numbers tell (docs/formats.md, GGUF)."""
        model, tokenizer = AutoModelForCausalLM.from_pretrained(REAL).eval(), AutoTokenizer.from_pretrained(REAL)
        ids = tokenizer("The capital of France is")["input_ids"]
        self.assertEqual(ids, [504, 3575, 282, 4649, 314])
        with torch.no_grad():
            top = model(torch.tensor([ids])).logits[0, -1].topk(5)
        self.assertEqual(tokenizer.convert_ids_to_tokens(top.indices.tolist()), ["ĠParis", "Ġthe", "ĠLondon", "ĠLe", "ĠNew"])
        for got, expected in zip(top.values.tolist(), [17.3713, 14.8886, 13.2450, 13.0095, 12.9515]):
            self.assertAlmostEqual(got, expected, delta=2e-3)
