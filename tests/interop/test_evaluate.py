"""`evaluate` on a labelled file: scikit-learn's numbers on transformers' predictions, and PyTorch's loss."""
import numpy as np
import torch
from scipy import stats
from sklearn import metrics as sk

from support import LOGITS, InteropTest, model_and_tokenizer, model_folder, read_rows, reference_logits, write_rows


class Evaluate(InteropTest):
    def test_single_label(self):
        for name in ("bert", "bert_odd", "distilbert"):
            with self.subTest(model=name):
                rows = self.labelled(name, 120, 51)
                model, tokenizer = model_and_tokenizer(model_folder(name))
                logits = reference_logits(model, tokenizer, [r["text"] for r in rows])
                gold = np.array([model.config.label2id[r["label"]] for r in rows])
                predicted = logits.argmax(-1)
                file, predictions = write_rows(self.path("test.jsonl"), rows), self.path("predictions.jsonl")
                ours = self.attune_json("evaluate", model_folder(name), "--data", file, "--predictions", predictions)
                labels = list(range(model.config.num_labels))
                self.assertAlmostEqual(ours["accuracy"], sk.accuracy_score(gold, predicted), delta=1e-9)
                for average in ("macro", "weighted"):
                    self.assertAlmostEqual(ours[f"f1_{average}"], sk.f1_score(gold, predicted, average=average, labels=labels, zero_division=0), delta=1e-9)
                self.assertEqual(ours["confusion_matrix"], sk.confusion_matrix(gold, predicted, labels=labels).tolist())
                p, r, f, s = sk.precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
                for i, label in model.config.id2label.items():
                    got = ours["per_class"][label]
                    for key, value in (("precision", p[i]), ("recall", r[i]), ("f1", f[i]), ("support", s[i])):
                        self.assertAlmostEqual(got[key], value, delta=1e-9, msg=f"{label} {key}")
                loss = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(gold)).item()
                self.assertAlmostEqual(ours["loss"], loss, delta=1e-5)
                written = read_rows(predictions)
                self.assertEqual([w["prediction"] for w in written], [model.config.id2label[int(i)] for i in predicted])
                self.assertEqual([w["gold"] for w in written], [r["label"] for r in rows])

    def test_regression(self):
        rows = self.labelled("bert_regression", 60, 52)
        texts, folder = [r["text"] for r in rows], model_folder("bert_regression")
        model, tokenizer = model_and_tokenizer(folder)
        values = self.logits(folder, texts)[:, 0]
        self.close(values, reference_logits(model, tokenizer, texts)[:, 0], LOGITS)
        gold = np.array([r["label"] for r in rows])
        # on our own values: near ties may rank otherwise in another's rounding
        ours = self.attune_json("evaluate", folder, "--data", write_rows(self.path("test.jsonl"), rows))
        self.assertAlmostEqual(ours["mse"], sk.mean_squared_error(gold, values), delta=1e-5)
        self.assertAlmostEqual(ours["mae"], sk.mean_absolute_error(gold, values), delta=1e-5)
        self.assertAlmostEqual(ours["pearson"], stats.pearsonr(gold, values).statistic, delta=1e-6)
        self.assertAlmostEqual(ours["spearman"], stats.spearmanr(gold, values).statistic, delta=1e-6)
