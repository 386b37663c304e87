"""Thresholds by brute force over scikit-learn's curves, and temperatures by SciPy's minimize_scalar.

`thresholds`: of scores with and without ties: the best F1 over precision_recall_curve, the best balanced accuracy and Youden's J over
roc_curve with every score kept, and how many rows each best cut calls positive (a list where several are equally good).
`temperatures`: T and loss of the bounded minimum over log T; null where there is no minimum.
"""
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import metrics as sk

from . import common


def cuts(scores, thresholds, values):
    best = max(values)
    return best, sorted(int((scores >= t).sum()) for t, v in zip(thresholds, values) if abs(v - best) < 1e-12)


def threshold_case(name, positive, scores):
    positive, scores = np.array(positive), np.array(scores)
    case = {"name": name, "positive": positive.tolist(), "scores": scores.tolist()}
    p, r, t = sk.precision_recall_curve(positive, scores)
    f1 = [2 * a * b / (a + b) if a + b > 0 else 0.0 for a, b in zip(p[:-1], r[:-1])]
    case["f1"], case["f1_said"] = cuts(scores, t, f1)
    if 0 < positive.sum() < len(positive):
        fpr, tpr, t = sk.roc_curve(positive, scores, drop_intermediate=False)
        fpr, tpr, t = fpr[1:], tpr[1:], t[1:]  # the first calls nothing positive
        case["balanced_accuracy"], case["balanced_accuracy_said"] = cuts(scores, t, [(b + 1 - a) / 2 for a, b in zip(fpr, tpr)])
        case["youden"], case["youden_said"] = cuts(scores, t, [b - a for a, b in zip(fpr, tpr)])
    return case


def threshold_cases():
    g = common.rng("thresholds")
    for n in (2, 7, 40, 120):
        for share in (0.5, 0.1):
            for decimals in (1, 2, 17):
                positive = (g.uniform(size=n) < share).astype(int)
                positive[0] = 1
                positive[-1] = 0
                scores = np.clip(0.3 * positive + g.uniform(0, 0.7, n), 0, 1)
                if decimals < 17:
                    scores = np.round(scores, decimals)
                yield threshold_case(f"{n} rows, {share}, {decimals} decimals", positive, scores)
    yield threshold_case("all positive", [1, 1, 1], [0.2, 0.5, 0.9])
    yield threshold_case("upside down", [1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9])
    yield threshold_case("one score", [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])


def temperature_case(name, logits, gold):
    z, y = np.array(logits), np.array(gold)

    def loss(log_t):
        return float(-log_softmax(z / np.exp(log_t), axis=1)[np.arange(len(y)), y].mean())

    found = minimize_scalar(loss, bounds=(np.log(1e-3), np.log(1e3)), method="bounded", options={"xatol": 1e-12, "maxiter": 500})
    inside = np.log(1e-3) + 0.01 < found.x < np.log(1e3) - 0.01 and found.fun > 1e-12  # else it only falls
    return {"name": name, "logits": logits, "gold": gold, "temperature": float(np.exp(found.x)) if inside else None,
            "loss": float(found.fun) if inside else None, "loss_at_1": loss(0.0)}


def temperature_cases():
    g = common.rng("temperatures")
    for n, classes in ((30, 2), (60, 3), (80, 4)):
        for scale in (0.3, 1.0, 4.0):
            gold = g.integers(0, classes, n)
            z = g.normal(0, 1, (n, classes))
            z[np.arange(n), gold] += 1
            yield temperature_case(f"{n} rows, {classes} classes, times {scale}", [[float(np.float32(round(v, 3))) for v in row] for row in scale * z], gold.tolist())
    yield temperature_case("all right", [[2.0, 1.0], [0.0, 3.0]], [0, 1])
    yield temperature_case("all wrong", [[2.0, 1.0], [0.0, 3.0]], [1, 0])


def make():
    common.write_json(common.OUT / "decisions.json", {"thresholds": list(threshold_cases()), "temperatures": list(temperature_cases())})
