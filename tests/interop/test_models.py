"""Model folders written by transformers give transformers' logits here, under every name and container."""
import json

import numpy as np

from support import GOLDEN, LOGITS, InteropTest, load_base, make_texts, model_and_tokenizer, model_folder, reference_logits

# Those that label whole texts; other heads are compared in models_test, tagging and answering in test_tagging_answering.py.
MODELS = sorted(p.name for p in (GOLDEN / "models").iterdir()
                if json.loads((p / "config.json").read_text())["architectures"][0].endswith("ForSequenceClassification"))


class Models(InteropTest):
    def test_logits(self):
        for name in MODELS:
            with self.subTest(model=name):
                texts = make_texts(model_folder(name), 30, 1)
                model, tokenizer = model_and_tokenizer(model_folder(name))
                self.close(self.logits(model_folder(name), texts), reference_logits(model, tokenizer, texts), LOGITS)

    def test_pairs(self):
        for name in ("bert", "bert_cased", "distilbert"):
            with self.subTest(model=name):
                first, second = make_texts(model_folder(name), 20, 2), make_texts(model_folder(name), 20, 3)
                model, tokenizer = model_and_tokenizer(model_folder(name))
                theirs = reference_logits(model, tokenizer, first, second)
                self.close(self.logits(model_folder(name), first, pairs=second), theirs, LOGITS)
                self.apart(theirs, reference_logits(model, tokenizer, first), 0.01)

    def test_max_length_and_side(self):
        texts = make_texts(model_folder("bert"), 20, 4)
        model, tokenizer = model_and_tokenizer(model_folder("bert"))
        for side in ("left", "right"):
            tokenizer.truncation_side = side
            theirs = reference_logits(model, tokenizer, texts, max_length=11)
            self.close(self.logits(model_folder("bert"), texts, "--max-length", 11, "--truncation-side", side), theirs, LOGITS, side)

    def test_variants(self):
        for name in ("bert", "distilbert"):
            texts = make_texts(model_folder(name), 12, 5)
            _, tokenizer = model_and_tokenizer(model_folder(name))
            for variant in sorted((model_folder(name) / "variants").iterdir()):
                expected = json.loads((variant / "expected.json").read_text())
                if expected["missing"]:
                    continue  # a new head has values of its own on each side
                with self.subTest(model=name, variant=variant.name):
                    folder = self.path(variant.name)
                    folder.mkdir()
                    for file in [*variant.iterdir(), *(model_folder(name) / n for n in ("tokenizer.json", "tokenizer_config.json"))]:
                        (folder / file.name).write_bytes(file.read_bytes())
                    theirs = reference_logits(load_base(variant, dtype="float32"), tokenizer, texts)
                    self.close(self.logits(folder, texts), theirs, LOGITS)

    def test_labels_and_scores(self):
        texts = make_texts(model_folder("bert"), 10, 6)
        model, tokenizer = model_and_tokenizer(model_folder("bert"))
        theirs = reference_logits(model, tokenizer, texts)
        for row, answer in zip(theirs, self.predict(model_folder("bert"), texts)):
            p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
            self.assertEqual(answer["label"], model.config.id2label[int(row.argmax())])
            self.assertAlmostEqual(answer["score"], p.max(), delta=1e-4)
            for i, label in model.config.id2label.items():
                self.assertAlmostEqual(answer["scores"][label], p[i], delta=1e-4)
