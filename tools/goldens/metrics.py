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
            "confusion_matrix": sk.confusion_matrix(gold, predicted, labels=labels).tolist(),
            "confusion_matrix_normalized": sk.confusion_matrix(gold, predicted, labels=labels, normalize="true").tolist(), **averages(gold, predicted, labels)}
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


def ranking(name, positive, scores):
    """A binary problem. Where scikit-learn gives NaN, or a warned-about 0 for want of a positive row, there is no figure: null."""
    case = {"name": name, "positive": positive, "scores": scores, "roc_auc": None, "average_precision": None}
    if 0 < sum(positive) < len(positive):
        case["roc_auc"] = finite(sk.roc_auc_score(positive, scores))
        for key, drop in (("roc_curve", True), ("whole_roc_curve", False)):
            fpr, tpr, thresholds = sk.roc_curve(positive, scores, drop_intermediate=drop)
            case[key] = {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": thresholds[1:].tolist()}  # the first is infinite
    if sum(positive) > 0:
        case["average_precision"] = finite(sk.average_precision_score(positive, scores))
        precision, recall, thresholds = sk.precision_recall_curve(positive, scores)
        case["precision_recall_curve"] = {"precision": precision.tolist(), "recall": recall.tolist(), "thresholds": thresholds.tolist()}
    return case


def ranking_cases():
    g = common.rng("metrics ranking")
    for n, step in ((2, 0), (9, 0.25), (60, 0), (60, 0.1), (300, 0.05), (300, 0.5)):
        positive = (g.random(n) < 0.4).astype(int)
        positive[:2] = [0, 1]
        scores = np.clip(0.25 * positive + 0.75 * g.random(n), 0, 1)
        if step:
            scores = np.round(scores / step) * step
        yield ranking(f"random {n}, step {step}", positive.tolist(), scores.tolist())
    rare = (g.random(200) < 0.03).astype(int)
    rare[7] = 1
    yield ranking("three percent positive", rare.tolist(), np.round(g.normal(rare, 1.0), 1).tolist())
    yield ranking("perfect", [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    yield ranking("worst", [1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9])
    yield ranking("all tied", [0, 1, 1, 0, 1], [0.5] * 5)
    yield ranking("only positives", [1, 1, 1], [0.2, 0.7, 0.7])
    yield ranking("only negatives", [0, 0, 0], [0.2, 0.7, 0.7])
    yield ranking("negative scores", [0, 1, 0, 1], [-5.0, -1.0, -1.0, 3.0])


def calibration_error(gold, probabilities, bins=15):
    """Guo et al. 2017 from its definition, with the bins."""
    confidence, said = probabilities.max(axis=1), probabilities.argmax(axis=1)
    edges = np.arange(bins + 1) / bins
    error, out = 0.0, {"rows": [], "confidence": [], "accuracy": []}
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        rows = int(inside.sum())
        mean, right = (float(confidence[inside].mean()), float((said == gold)[inside].mean())) if rows else (None, None)
        error += rows / len(gold) * abs(right - mean) if rows else 0
        for key, value in (("rows", rows), ("confidence", mean), ("accuracy", right)):
            out[key].append(value)
    return error, out


def probabilistic(name, gold, probabilities):
    """Figures of probabilities. An absent class leaves one-versus-rest figures without a value in the plain mean (scikit-learn: NaN)."""
    gold, probabilities = np.array(gold), np.array(probabilities)
    classes = probabilities.shape[1]
    labels, columns = list(range(classes)), [f"{m}_{a}" for m in ("ovr", "ovo", "average_precision") for a in ("macro", "weighted")]
    case = {"name": name, "gold": gold.tolist(), "probabilities": probabilities.tolist(), **dict.fromkeys(columns), "roc_auc": None, "average_precision": None}
    present = set(gold.tolist())
    one_hot = np.eye(classes)[gold]
    if len(present) > 1:
        for average in ("macro", "weighted"):
            if classes > 2:
                for how in ("ovr", "ovo"):
                    case[f"{how}_{average}"] = finite(sk.roc_auc_score(gold, probabilities, multi_class=how, average=average, labels=labels))
            else:  # both sides of a binary problem, which scikit-learn takes as labels that may go together
                case[f"ovr_{average}"] = finite(sk.roc_auc_score(one_hot, probabilities, average=average))
    for average in ("macro", "weighted"):
        if average == "weighted" or len(present) == classes:
            case[f"average_precision_{average}"] = finite(sk.average_precision_score(one_hot, probabilities, average=average))
    if classes == 2 and len(present) == 2:
        case["roc_auc"] = finite(sk.roc_auc_score(gold, probabilities[:, 1]))
    if classes == 2 and 1 in present:
        case["average_precision"] = finite(sk.average_precision_score(gold, probabilities[:, 1]))
    case["log_loss"] = float(sk.log_loss(gold, probabilities, labels=labels))
    case["brier"] = float(sk.brier_score_loss(gold, probabilities, labels=labels, scale_by_half=False))
    case["ece"], case["reliability"] = calibration_error(gold, probabilities)
    return case


def probabilistic_cases():
    g = common.rng("metrics probabilistic")
    for n, classes, digits in ((30, 2, 1), (200, 2, 6), (40, 3, 1), (150, 4, 6), (300, 7, 2)):
        gold = g.integers(0, classes, n)
        gold[:classes] = np.arange(classes)
        logits = g.normal(0, 1, (n, classes)) + 1.5 * np.eye(classes)[gold]
        probabilities = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), digits)
        yield probabilistic(f"random {n} of {classes}, {digits} digits", gold, probabilities / probabilities.sum(axis=1, keepdims=True))
    thirds = [[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.4, 0.4, 0.2], [0.1, 0.3, 0.6], [0.3, 0.3, 0.4]]
    yield probabilistic("a class without rows", [0, 1, 1, 0, 0], thirds)
    yield probabilistic("one of three", [1, 1, 1, 1, 1], thirds)
    yield probabilistic("perfect", [0, 1, 2], np.eye(3))
    yield probabilistic("worst", [0, 1, 2], np.roll(np.eye(3), 1, axis=1))
    yield probabilistic("uniform", [0, 1, 2, 1], np.full((4, 3), 1 / 3))
    yield probabilistic("one of two", [0, 0, 0], [[0.9, 0.1], [0.4, 0.6], [0.6, 0.4]])
    yield probabilistic("second of two", [1, 1], [[0.9, 0.1], [0.4, 0.6]])
    yield probabilistic("sure and wrong", [0, 1, 1], [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    yield probabilistic("one row", [1], [[0.25, 0.75]])


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


def multi_ranking_cases():
    g = common.rng("metrics multi ranking")
    for n, classes, digits in ((20, 2, 6), (150, 5, 6), (150, 5, 1), (40, 3, 1)):
        gold = (g.random((n, classes)) < 0.3).astype(int)
        scores = np.round(np.clip(0.6 * g.random((n, classes)) + 0.3 * gold, 0, 1), digits)
        case = {"name": f"{n} rows of {classes}, {digits} digits", "gold": gold.tolist(), "scores": scores.tolist()}
        for average in ("macro", "micro"):
            case[f"roc_auc_{average}"] = finite(sk.roc_auc_score(gold, scores, average=average))
            case[f"average_precision_{average}"] = finite(sk.average_precision_score(gold, scores, average=average))
        yield case


def wilson_cases():
    z = stats.norm.ppf(0.975)
    for right, total in ((0, 1), (1, 1), (0, 10), (10, 10), (7, 10), (450, 500), (1, 1000), (500_000, 1_000_000)):
        interval = stats.binomtest(right, total).proportion_ci(0.95, method="wilson")
        yield {"right": right, "total": total, "z": float(z), "low": float(interval.low), "high": float(interval.high)}


def make() -> None:
    warnings.filterwarnings("ignore")
    common.write_json(common.OUT / "metrics.json", {"single_label": list(single_cases()), "regression": list(regression_cases()),
                                                    "multi_label": list(multi_cases()), "multi_label_ranking": list(multi_ranking_cases()),
                                                    "ranking": list(ranking_cases()), "probabilistic": list(probabilistic_cases()),
                                                    "wilson_95": list(wilson_cases())})
