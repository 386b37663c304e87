"""The jobs both sides run: data, recipe, and the order of rows."""
import csv
import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    name: str
    train: str
    validation: str
    batch: int
    max_length: int
    side: str
    learning_rate: float
    weight_decay: float
    lora: dict = field(default_factory=dict)
    distilbert: bool = False


JOBS = {
    "reference": Job("reference", "imdb/train-1k.csv", "imdb/validation-1k.csv", 4, 512, "left", 1e-3, 0.01,
                     {"r": 4, "lora_alpha": 32, "lora_dropout": 0.01, "target_modules": ["q_lin"]}, True),
    "minilm": Job("minilm", "sst2/train-sentences.tsv", "sst2/dev.tsv", 32, 128, "right", 5e-4, 0.0,
                  {"r": 8, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": ["query", "value"]}),
}


def rows(path):
    """Texts and labels of an IMDB CSV or an SST-2 TSV (no quoting)."""
    if path.endswith(".tsv"):
        with open(path, encoding="utf-8") as f:
            pairs = [line.rstrip("\n").rsplit("\t", 1) for line in f][1:]
        return [p[0] for p in pairs], [int(p[1]) for p in pairs]
    csv.field_size_limit(1 << 24)
    with open(path, encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f))
    return [r["text"] for r in table], [int(r["label"]) for r in table]


def data_file(data, name):
    return os.path.join(data, name)
