"""Every learning-rate schedule of transformers as factors of the base rate, update by update.

`factors[k]` is what update k (from 0) is made with; one more entry than there are steps shows the end. "cosine_warmup_with_min_lr" and
"greedy" need settings of their own and are left out; "reduce_lr_on_plateau" follows a metric and comes as a sequence of metric values.
"""
import warnings

import torch
from transformers import get_scheduler

from . import common

PLANS = [(2, 10), (0, 10), (3, 20), (10, 10), (1, 1), (0, 1), (5, 37), (7, 3)]
RATE = 1e-3
KINDS = {
    "linear": [{}], "cosine": [{}, {"num_cycles": 1.5}], "cosine_with_restarts": [{}, {"num_cycles": 2}, {"num_cycles": 3}],
    "polynomial": [{}, {"power": 2.0}, {"lr_end": 1e-5, "power": 0.5}], "constant": [{}], "constant_with_warmup": [{}],
    "inverse_sqrt": [{}, {"timescale": 4}], "cosine_with_min_lr": [{"min_lr_rate": 0.1}, {"min_lr": 2e-4}],
    "warmup_stable_decay": [{"num_decay_steps": 3}, {"num_decay_steps": 3, "decay_type": "linear", "min_lr_ratio": 0.1}],
}


def factors(kind, warmup, total, settings):
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([p], lr=RATE)
    schedule = get_scheduler(kind, optimizer, warmup, total, scheduler_specific_kwargs=settings or None)
    out = []
    for _ in range(total + 1):
        out.append(optimizer.param_groups[0]["lr"] / RATE)
        optimizer.step()
        schedule.step()
    return out


def plateau():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1, threshold=1e-4)
    metric = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.85, 0.81, 0.82, 0.7999999, 0.79, 0.9, 0.9]
    out = []
    for value in metric:
        schedule.step(value)
        out.append(optimizer.param_groups[0]["lr"] / RATE)
    return {"mode": "min", "factor": 0.5, "patience": 1, "threshold": 1e-4, "metric": metric, "factors_after": out}


def make() -> None:
    warnings.filterwarnings("ignore")
    rows = []
    for kind, variants in KINDS.items():
        for settings in variants:
            for warmup, total in PLANS:
                if kind == "warmup_stable_decay" and total < warmup + settings["num_decay_steps"]:
                    continue
                if kind == "polynomial" and warmup == total:
                    continue  # the reference divides by zero
                rows.append({"kind": kind, "settings": settings, "warmup_steps": warmup, "max_steps": total,
                             "factors": factors(kind, warmup, total, settings)})
    common.write_json(common.OUT / "schedules.json", {"learning_rate": RATE, "schedules": rows, "reduce_lr_on_plateau": plateau()})
