"""What the interop tests share: running the program, reading its answers, and the same question put to transformers and peft."""
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
import transformers
from peft import PeftConfig, PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
BINARY = os.environ.get("ATTUNE_BINARY", str(ROOT / "build" / "release" / "attune"))
LOGITS, MERGED, WEIGHTS = 1e-4, 3e-4, 1e-6
QV, DQV = ["query", "value"], ["q_lin", "v_lin"]

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(1)  # the models are tiny


def model_folder(name: str) -> Path:
    return GOLDEN / "models" / name


def words_of(folder: Path) -> list:
    return [w for w in (folder / "vocab.txt").read_text(encoding="utf-8").split("\n") if w.isalpha() and len(w) > 1]


def make_texts(folder: Path, count: int, seed: int, longest: int = 90) -> list:
    """Texts of the model's own words with odd cases between: empty, one word, accents, punctuation, longer than the model takes."""
    r = random.Random(seed)
    words = words_of(folder)
    odd = ["", "!", "Café déjà-vu", "  two   spaces\tand a tab ", "a.b,c(d)", "中文 text", "[MASK] it [SEP] was", "naïve " * 3]
    out = []
    for i in range(count):
        if i % 5 == 4:
            out.append(odd[(i // 5) % len(odd)])
            continue
        n = r.randint(1, longest if i % 7 == 0 else 15)
        out.append(" ".join(r.choice(words) + r.choice(["", "", "s", "ing", ".", "!"]) for _ in range(n)))
    return out


def write_rows(path: Path, rows: list) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def read_rows(path: Path) -> list:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def reference_logits(model, tokenizer, texts: list, pairs=None, max_length=None) -> np.ndarray:
    out = []
    for i, text in enumerate(texts):
        # as lists: a lone pair of "" would be dropped, in a batch it is a segment of no tokens
        row = tokenizer([text], [pairs[i]] if pairs else None, truncation=True, max_length=max_length, return_tensors="pt")
        if model.config.model_type == "gpt2":
            row.pop("token_type_ids", None)  # it would add word embeddings for them; its own tokenizers give none
        with torch.no_grad():
            out.append(model(**row).logits[0].numpy())
    return np.array(out)


def load_base(folder, **kw):
    return AutoModelForSequenceClassification.from_pretrained(folder, **kw).eval()


def load_adapter(base, folder):
    return PeftModel.from_pretrained(load_base(base) if isinstance(base, (str, Path)) else base, folder).eval()


def model_and_tokenizer(folder):
    return load_base(folder), AutoTokenizer.from_pretrained(folder)


class InteropTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="attune-interop-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.count = 0

    def path(self, name: str) -> Path:
        self.count += 1
        return self.folder / f"{self.count:03d}-{name}"

    def attune(self, *args, status: int = 0) -> str:
        command = [BINARY, *map(str, args)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, status, f"{' '.join(command)}\n{done.stderr[-3000:]}")
        return done.stdout

    def attune_json(self, *args):
        return json.loads(self.attune(*args, "--json"))

    def predict(self, model, texts: list, *flags, pairs=None) -> list:
        rows = [{"id": f"row-{i}", "sentence1" if pairs else "text": t, **({"sentence2": pairs[i]} if pairs else {})} for i, t in enumerate(texts)]
        source, target = write_rows(self.path("in.jsonl"), rows), self.path("out.jsonl")
        self.attune("predict", model, "--input", source, "--output", target, "--logits", *flags)
        answers = read_rows(target)
        self.assertEqual([a["id"] for a in answers], [r["id"] for r in rows])
        return answers

    def logits(self, model, texts: list, *flags, pairs=None) -> np.ndarray:
        return np.array([a["logits"] for a in self.predict(model, texts, *flags, pairs=pairs)])

    def close(self, ours, theirs, tolerance: float, what: str = ""):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        self.assertEqual(ours.shape, theirs.shape, what)
        self.assertTrue(np.isfinite(ours).all(), what)
        self.assertLessEqual(float(np.abs(ours - theirs).max()), tolerance, what)

    def apart(self, a, b, least: float, what: str = ""):
        """Guards a test of equality against comparing two things that nothing has changed."""
        self.assertGreater(float(np.abs(np.asarray(a) - np.asarray(b)).max()), least, what)

    def labelled(self, name: str, count: int, seed: int) -> list:
        """Rows a tiny model can learn from, with labels as its configuration names them."""
        config = transformers.AutoConfig.from_pretrained(model_folder(name))
        r = random.Random(seed)
        rows = []
        for text in make_texts(model_folder(name), count, seed, longest=40):
            if config.num_labels == 1:
                label = round(r.uniform(-2, 3), 3)
            elif config.problem_type == "multi_label_classification":
                label = [config.id2label[i] for i in range(config.num_labels) if r.random() < 0.4]
            else:
                label = config.id2label[r.randrange(config.num_labels)]
            rows.append({"text": text or "a", "labels" if isinstance(label, list) else "label": label})
        return rows

    def train(self, name: str, peft: dict, training: dict = None, model=None, rows=None, **more) -> Path:
        """One short run from a YAML file (JSON is YAML); returns the run folder."""
        file = write_rows(self.path("train.jsonl"), rows or self.labelled(name, 32, 7))
        output = self.path("run")
        config = {"model": str(model or model_folder(name)), "task": "text-classification", "output_dir": str(output), "peft": peft,
                  "data": {"train": str(file), **more.pop("data", {})},
                  "training": {"max_steps": 6, "per_device_train_batch_size": 4, "learning_rate": 0.01, "save_strategy": "no",
                               "seed": 3, **(training or {})}, **more}
        yaml = self.path("config.yaml")
        yaml.write_text(json.dumps(config, indent=1))
        self.attune("train", yaml)
        return output


def adapter_settings(folder) -> PeftConfig:
    return PeftConfig.from_pretrained(folder)
