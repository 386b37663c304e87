"""Classification and regression metrics of scikit-learn and SciPy on random, skewed and degenerate inputs.

Averages are over all classes; `seen_classes` has the macro averages over the classes of gold and predictions only, scikit-learn's default.
A division by zero counts as 0, as scikit-learn's default (with its warning silenced). NaN is written as null.
"""
import math
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from . import common


def finite(x):
    x = float(x)
    return x if math.isfinite(x) else None


def averages(gold, predicted, labels=None):
    out = {}
    for average in ("micro", "macro", "weighted"):
        p, r, f, _ = sk.precision_recall_fscore_support(gold, predicted, labels=labels, average=average, zero_division=0)
        out.update({f"precision_{average}": float(p), f"recall_{average}": float(r), f"f1_{average}": float(f)})
    p, r, f, s = sk.precision_recall_fscore_support(gold, predicted, labels=labels, average=None, zero_division=0)
    out["per_class"] = [{"precision": float(a), "recall": float(b), "f1": float(c), "support": int(d)} for a, b, c, d in zip(p, r, f, s)]
    return out


def single(name, gold, predicted, classes):
    labels = list(range(classes))
    values, counts = np.unique(gold, return_counts=True)
    case = {"name": name, "classes": classes, "gold": gold, "predicted": predicted,
            "accuracy": sk.accuracy_score(gold, predicted), "matthews": sk.matthews_corrcoef(gold, predicted),
            "cohen_kappa": finite(sk.cohen_kappa_score(gold, predicted)), "majority_rate": counts.max() / len(gold),
            "confusion_matrix": sk.confusion_matrix(gold, predicted, labels=labels).tolist(), **averages(gold, predicted, labels)}
    seen = sk.precision_recall_fscore_support(gold, predicted, average="macro", zero_division=0)
    case["seen_classes"] = {"precision_macro": float(seen[0]), "recall_macro": float(seen[1]), "f1_macro": float(seen[2])}
    present = [c for c in labels if c in set(gold)]
    case["balanced_accuracy"] = float(np.mean([case["per_class"][c]["recall"] for c in present]))
    if classes == 2:
        p, r, f, _ = sk.precision_recall_fscore_support(gold, predicted, average="binary", pos_label=1, labels=[0, 1], zero_division=0)
        case.update(precision_binary=float(p), recall_binary=float(r), f1_binary=float(f))
    return case


def single_cases():
    g = common.rng("metrics single")
    for n, classes in ((1, 2), (7, 2), (50, 2), (40, 3), (200, 5), (500, 12)):
        gold = g.integers(0, classes, n)
        predicted = np.where(g.random(n) < 0.6, gold, g.integers(0, classes, n))
        yield single(f"random {n} of {classes}", gold.tolist(), predicted.tolist(), classes)
    skew = (g.random(300) < 0.03).astype(int)
    yield single("three percent positive", skew.tolist(), (g.random(300) < 0.05).astype(int).tolist(), 2)
    yield single("all right", [0, 1, 2, 1], [0, 1, 2, 1], 3)
    yield single("all wrong", [0, 1, 0, 1], [1, 0, 1, 0], 2)
    yield single("one class predicted", [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], 2)
    yield single("one class in the gold", [1, 1, 1], [0, 1, 1], 2)
    yield single("same class everywhere", [1, 1, 1], [1, 1, 1], 2)
    yield single("class never seen", [0, 2, 2, 0], [0, 0, 2, 2], 4)
    yield single("class only predicted", [0, 1, 0, 1], [0, 3, 3, 1], 4)


def regression(name, gold, predicted):
    constant = len(gold) < 2 or len(set(gold)) == 1 or len(set(predicted)) == 1
    return {"name": name, "gold": gold, "predicted": predicted, "mse": sk.mean_squared_error(gold, predicted),
            "rmse": sk.root_mean_squared_error(gold, predicted), "mae": sk.mean_absolute_error(gold, predicted),
            "r2": finite(sk.r2_score(gold, predicted)) if len(gold) > 1 else None,
            "pearson": None if constant else finite(stats.pearsonr(gold, predicted).statistic),
            "spearman": None if constant else finite(stats.spearmanr(gold, predicted).statistic)}


def regression_cases():
    g = common.rng("metrics regression")
    for n in (2, 5, 60, 400):
        gold = g.normal(2.5, 1.5, n)
        yield regression(f"random {n}", gold.tolist(), (gold + g.normal(0, 1, n)).tolist())
    gold = g.integers(0, 6, 80) / 1.0
    yield regression("many ties", gold.tolist(), (g.integers(0, 11, 80) / 2).tolist())
    yield regression("equal", [1.0, 2.0, 3.5], [1.0, 2.0, 3.5])
    yield regression("reversed", [1.0, 2.0, 3.0, 4.0], [9.0, 7.0, 1.0, 0.5])
    yield regression("constant prediction", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    yield regression("constant gold", [2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    yield regression("one row", [1.0], [2.0])
    yield regression("large offset", (1e6 + g.normal(0, 1, 50)).tolist(), (1e6 + g.normal(0, 1, 50)).tolist())


def multi(name, gold, predicted):
    gold, predicted = np.array(gold), np.array(predicted)
    p, r, f, _ = sk.precision_recall_fscore_support(gold, predicted, average="samples", zero_division=0)
    return {"name": name, "gold": gold.tolist(), "predicted": predicted.tolist(), "subset_accuracy": sk.accuracy_score(gold, predicted),
            "hamming_loss": sk.hamming_loss(gold, predicted), "f1_samples": float(f), **averages(gold, predicted)}


def multi_cases():
    g = common.rng("metrics multi")
    for n, classes, rate in ((1, 2, 0.5), (30, 3, 0.5), (120, 6, 0.2), (60, 4, 0.05)):
        gold = (g.random((n, classes)) < rate).astype(int)
        flips = g.random((n, classes)) < 0.2
        yield multi(f"random {n} of {classes}", gold, np.where(flips, 1 - gold, gold))
    yield multi("nothing predicted", [[1, 0, 1], [0, 1, 0]], [[0, 0, 0], [0, 0, 0]])
    yield multi("nothing in the gold", [[0, 0], [0, 0]], [[1, 0], [0, 1]])
    yield multi("both empty", [[0, 0], [0, 0]], [[0, 0], [0, 0]])
    yield multi("all right", [[1, 0], [0, 1]], [[1, 0], [0, 1]])


def wilson_cases():
    z = stats.norm.ppf(0.975)
    for right, total in ((0, 1), (1, 1), (0, 10), (10, 10), (7, 10), (450, 500), (1, 1000), (500_000, 1_000_000)):
        interval = stats.binomtest(right, total).proportion_ci(0.95, method="wilson")
        yield {"right": right, "total": total, "z": float(z), "low": float(interval.low), "high": float(interval.high)}


def make() -> None:
    warnings.filterwarnings("ignore")
    common.write_json(common.OUT / "metrics.json", {"single_label": list(single_cases()), "regression": list(regression_cases()),
                                                    "multi_label": list(multi_cases()), "wilson_95": list(wilson_cases())})
