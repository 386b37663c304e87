"""`compare` and `evaluate --predictions` on stored predictions against statsmodels, scikit-learn and seqeval."""
import random

import numpy as np
from scipy import stats
from seqeval import metrics as se
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from support import InteropTest, write_rows


class Compare(InteropTest):
    def classification(self, labels: list, rows: int, right: float, seed: int) -> list:
        r, shared = random.Random(seed), random.Random(1)
        out = []
        for i in range(rows):
            gold = shared.choice(labels)
            prediction = gold if r.random() < right else r.choice(labels)
            weights = [r.random() for _ in labels]
            weights[labels.index(prediction)] = max(weights) + 0.1
            scores = [w / sum(weights) for w in weights]
            out.append({"id": f"r{i}", "gold": gold, "prediction": prediction, "scores": dict(zip(labels, scores))})
        return out

    def write(self, rows: list):
        return write_rows(self.path("predictions.jsonl"), rows)

    def test_stored_predictions_as_scikit_learn(self):
        for labels in (["neg", "pos"], ["a", "b", "c", "d"]):
            rows = self.classification(labels, 300, 0.6, 3)
            ours = self.attune_json("evaluate", "--predictions", self.write(rows))
            gold, predicted = [x["gold"] for x in rows], [x["prediction"] for x in rows]
            scores = np.array([[x["scores"][label] for label in labels] for x in rows])
            expected = {
                "accuracy": sk.accuracy_score(gold, predicted), "balanced_accuracy": sk.balanced_accuracy_score(gold, predicted),
                "f1_macro": sk.f1_score(gold, predicted, average="macro"), "f1_weighted": sk.f1_score(gold, predicted, average="weighted"),
                "matthews_correlation": sk.matthews_corrcoef(gold, predicted), "loss": sk.log_loss(gold, scores, labels=labels),
                "brier": float(np.mean(np.sum((scores - np.array([[g == label for label in labels] for g in gold])) ** 2, axis=1)))}
            for key, value in expected.items():
                self.assertAlmostEqual(ours[key], value, delta=1e-12, msg=f"{key} of {len(labels)} classes")
            self.assertEqual(ours["confusion_matrix"], sk.confusion_matrix(gold, predicted, labels=labels).tolist())

    def test_two_runs(self):
        labels = ["neg", "pos"]
        a, b = self.classification(labels, 400, 0.6, 3), self.classification(labels, 400, 0.75, 4)
        shuffled = b[:]
        random.Random(9).shuffle(shuffled)  # paired by id
        ours = self.attune_json("compare", self.write(a), self.write(shuffled), "--draws", 2000, "--metric", "accuracy", "--metric", "f1_macro", "--metric", "roc_auc", "--metric", "mcc")
        gold = np.array([x["gold"] for x in a])
        right_a, right_b = (np.array([x["gold"] == x["prediction"] for x in run]) for run in (a, b))
        table = [[int(np.sum(right_a & right_b)), int(np.sum(right_a & ~right_b))], [int(np.sum(~right_a & right_b)), int(np.sum(~right_a & ~right_b))]]
        self.assertEqual((ours["mcnemar"]["only_a_right"], ours["mcnemar"]["only_b_right"]), (table[0][1], table[1][0]))
        self.assertAlmostEqual(ours["mcnemar"]["p"], mcnemar(table, exact=True).pvalue, delta=1e-12)
        self.assertAlmostEqual(ours["agreement"]["kappa"], sk.cohen_kappa_score([x["prediction"] for x in a], [x["prediction"] for x in b]), delta=1e-12)
        positive = gold == "pos"
        scores_a, scores_b = (np.array([x["scores"]["pos"] for x in run]) for run in (a, b))
        self.assertAlmostEqual(ours["delong"]["auc_a"], sk.roc_auc_score(positive, scores_a), delta=1e-12)
        self.assertAlmostEqual(ours["delong"]["auc_b"], sk.roc_auc_score(positive, scores_b), delta=1e-12)
        figures = {"accuracy": sk.accuracy_score, "f1_macro": lambda g, p: sk.f1_score(g, p, average="macro"), "mcc": sk.matthews_corrcoef}
        predicted_a, predicted_b = (np.array([x["prediction"] for x in run]) for run in (a, b))
        draws = np.random.default_rng(5)
        for name, figure in figures.items():
            difference = figure(gold, predicted_b) - figure(gold, predicted_a)
            for test in ("paired_bootstrap", "randomisation"):
                self.assertAlmostEqual(ours[test][name]["difference"], difference, delta=1e-12, msg=f"{test} {name}")
            # SciPy's BCa on the same rows: other draws, so only near; rows are not drawn within their class there.
            indices = np.arange(400)
            theirs = stats.bootstrap((indices,), lambda i: figure(gold[i], predicted_b[i]) - figure(gold[i], predicted_a[i]), vectorized=False, n_resamples=1000,
                                     method="BCa", rng=draws).confidence_interval
            self.assertAlmostEqual(ours["paired_bootstrap"][name]["low"], theirs.low, delta=0.02)
            self.assertAlmostEqual(ours["paired_bootstrap"][name]["high"], theirs.high, delta=0.02)

    def test_several_runs_by_holm(self):
        labels = ["a", "b", "c"]
        runs = [self.classification(labels, 250, right, seed) for right, seed in ((0.6, 3), (0.62, 4), (0.7, 5), (0.75, 6))]
        ours = self.attune_json("compare", *map(self.write, runs), "--draws", 200)
        p = [pair["mcnemar"]["p"] for pair in ours["pairs"]]
        self.assertEqual(len(p), 3)
        self.close([h["mcnemar"] for h in ours["holm"]], multipletests(p, method="holm")[1], 1e-12)

    def test_entities_by_document(self):
        tags = ["O", "B-PER", "I-PER", "B-LOC"]

        def run(right, seed):
            r, out, golds = random.Random(seed), [], random.Random(1)
            for i in range(90):
                gold = [golds.choice(tags) for _ in range(golds.randint(1, 9))]
                out.append({"id": str(i), "gold": gold, "prediction": [g if r.random() < right else r.choice(tags) for g in gold], "tokens": ["w"] * len(gold), "group": f"d{i // 5}"})
            return out

        a, b = run(0.5, 3), run(0.9, 4)
        ours = self.attune_json("compare", self.write(a), self.write(b), "--draws", 500)
        for side, rows in (("a", a), ("b", b)):
            gold, predicted = [x["gold"] for x in rows], [x["prediction"] for x in rows]
            self.assertAlmostEqual(ours["metrics"]["overall_f1"][side], se.f1_score(gold, predicted), delta=1e-12)
            alone = self.attune_json("evaluate", "--predictions", self.write(rows))
            self.assertEqual(alone["report"], se.classification_report(gold, predicted, digits=4))
            self.assertAlmostEqual(alone["overall_accuracy"], se.accuracy_score(gold, predicted), delta=1e-12)
        self.assertEqual(ours["units"], {"kind": "documents", "count": 18})
        self.assertGreater(ours["paired_bootstrap"]["overall_f1"]["low"], 0)
