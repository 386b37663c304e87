"""Focal losses and their gradients by autograd in float64, written as in Lin et al. 2017 and as torchvision.ops.sigmoid_focal_loss.

`sum` is over rows (and outputs), not yet divided; `grad` is its gradient with respect to the logits.
"""
import torch
import torch.nn.functional as F

from . import common


def softmax_case(name, logits, labels, weight, gamma):
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(labels)
    w = torch.ones(z.shape[1], dtype=torch.float64) if weight is None else torch.tensor(weight, dtype=torch.float64)
    kept = y != -100
    log_p = F.log_softmax(z[kept], dim=1).gather(1, y[kept, None])[:, 0]
    loss = -(w[y[kept]] * (1 - log_p.exp()) ** gamma * log_p).sum()
    loss.backward()
    if gamma == 0:
        plain = F.cross_entropy(z, y, weight=w, reduction="sum")
        assert torch.allclose(plain, loss)
    return {"name": name, "gamma": gamma, "logits": logits, "labels": labels, "weight": weight or [], "sum": float(loss.detach()),
            "count": float(w[y[kept]].sum()), "grad": z.grad.tolist()}


def sigmoid_case(name, logits, targets, gamma):
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    t = torch.tensor(targets, dtype=torch.float64)
    # torchvision.ops.sigmoid_focal_loss(inputs, targets, alpha=-1, gamma, reduction="sum")
    p = torch.sigmoid(z)
    ce = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    loss = (ce * ((1 - p_t) ** gamma)).sum()
    loss.backward()
    return {"name": name, "gamma": gamma, "logits": logits, "targets": targets, "sum": float(loss.detach()), "grad": z.grad.tolist()}


def rounded(x):
    return [[float(f"{v:.3f}") for v in row] for row in x]


def make():
    g = common.rng("focal")
    out = {"softmax": [], "sigmoid": []}
    for classes in (2, 3, 5):
        logits = rounded(g.normal(0, 3, (6, classes)))
        labels = [int(v) for v in g.integers(0, classes, 6)]
        labels[4] = -100
        weight = [float(f"{v:.2f}") for v in g.uniform(0.3, 3, classes)]
        for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
            out["softmax"].append(softmax_case(f"{classes} classes, gamma {gamma}", logits, labels, None, gamma))
            out["softmax"].append(softmax_case(f"{classes} classes, gamma {gamma}, weights", logits, labels, weight, gamma))
        targets = [[int(v) for v in row] for row in g.integers(0, 2, (6, classes))]
        for gamma in (0.0, 0.5, 2.0, 5.0):
            out["sigmoid"].append(sigmoid_case(f"{classes} outputs, gamma {gamma}", logits, targets, gamma))
    common.write_json(common.OUT / "focal.json", out)
