"""attune analyze from end to end: killed and resumed it gives the same report, every number a reader sees stands in a CSV file, and the analysis
of SST-2 with MiniLM (where both are there) has all it promises."""
import csv
import json
import os
import re
import signal
import subprocess
import time

from support import BINARY, ROOT, InteropTest, model_folder, words_of, write_rows

SST2 = ROOT.parent / "shared" / "data" / "sst2"
MINILM = ROOT / "models" / "all-MiniLM-L6-v2"
TIMES = re.compile(r"\b(s|ms|rows/s|tokens/s|step)\b")  # of columns; figures that differ from one run to the next
LAYOUT = ["report.html", "report.md", "results/metrics/analysis.json", "results/metrics/variants.csv", "results/models/models.csv",
          "results/visualizations/variant-scores.svg", "results/visualizations/variant-scores.png", "results/visualizations/variant-scores.csv",
          "results/visualizations/front-parameters.png", "results/visualizations/effects.png", "results/metrics/comparison-reference.csv"]


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in ("cost", "plan", "latency") and not k.startswith("step_seconds")}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def table_without_times(path) -> list:
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    keep = [i for i, name in enumerate(rows[0]) if not TIMES.search(name)]
    return [[row[i] for i in keep if i < len(row)] for row in rows]


def plain(cell: str) -> str:
    return re.sub(r"\\(.)", r"\1", cell).strip().strip("*")


def tables_of_markdown(text: str) -> list:
    """(headings, rows) of each table."""
    out, lines = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([plain(c) for c in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif lines:
            out.append((lines[0], lines[2:]))
            lines = []
    return out


def tables_of_csv(folder) -> list:
    """(file, columns, rows), rows as {column: text}."""
    out = []
    for path in sorted(folder.rglob("*.csv")):
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.reader(f))
        out.append((path, rows[0], [dict(zip(rows[0], row)) for row in rows[1:]]))
    return out


def shows(text: str, number: str, scale: int = 1) -> bool:
    """`text` is the number of a CSV file, rounded to the digits it has."""
    text = text.replace(",", "")
    return number != "" and abs(scale * float(number) - float(text)) <= 0.5000001 * 10 ** -len(text.partition(".")[2])


def cell_shows(cell: str, row: dict, column: str) -> bool:
    number = r"-?[\d,]+(?:\.\d+)?"
    if cell in ("–", ""):
        return row[column] == ""
    if interval := re.fullmatch(rf"({number}) \[({number}), ({number})\]", cell):
        return all(shows(t, row[column + end]) for t, end in zip(interval.groups(), ("", "_low", "_high")))
    if share := re.fullmatch(rf"({number}) %", cell):
        return shows(share.group(1), row[column], 100)
    if re.fullmatch(number, cell):
        return shows(cell, row[column])
    return float(row[column]) < 5e-5 if cell == "< 0.0001" else cell == row[column]


class Analysis(InteropTest):
    def start(self, *args):
        log = open(self.folder / "log.txt", "a", encoding="utf-8")
        return subprocess.Popen([BINARY, "analyze", *map(str, args)], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def kill_after(self, cells: int, output, *args):
        """Starts the analysis and kills it, cells and all, once so many are complete and another one is on its way."""
        process = self.start(*args)
        while process.poll() is None:
            if len(list(output.glob("cells/*/cell.json"))) >= cells:
                time.sleep(0.02)
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
        self.assertEqual(process.returncode, -signal.SIGKILL, "it ended before it could be killed")
        self.assertFalse((output / "report.html").exists())

    def config(self, name: str, content: dict):
        path = self.path(name)
        path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        return path

    def tiny(self, output):
        words = words_of(model_folder("bert"))
        rows = [{"text": f"{words[i % 97 % len(words)]} {words[(7 * i) % len(words)]} {words[(i * i) % len(words)]}", "label": ["negative", "neutral", "positive"][(i * 5 // 3) % 3]} for i in range(160)]
        files = {split: str(write_rows(self.path(split + ".jsonl"), part)) for split, part in (("train", rows[:96]), ("validation", rows[96:128]), ("test", rows[128:]))}
        return self.config("tiny.yaml", {
            "model": str(model_folder("bert")), "task": "text-classification", "data": {**files, "max_length": 16},
            "peft": {"method": "lora", "r": 4, "target_modules": ["query", "value"]},
            "training": {"num_train_epochs": 20, "per_device_train_batch_size": 8, "learning_rate": 1e-2, "seed": 0},
            "baselines": ["majority", "bow"],
            "variants": {"list": ["base", "lora", {"name": "wide", "peft.r": 8}, {"name": "nope", "peft.target_modules": ["nowhere"]}, "full"], "seeds": 3},
            "analysis": {"draws": 200, "jobs": 2}, "output_dir": str(output)})

    def test_killed_and_resumed_is_the_same_report(self):
        whole, broken = self.folder / "whole", self.folder / "out"
        config = self.tiny(broken)
        self.attune("analyze", config)
        broken.rename(whole)
        self.kill_after(2, broken, config)
        self.kill_after(6, broken, config)
        self.attune("analyze", config)
        self.assertEqual(without_times(json.loads((whole / "results/metrics/analysis.json").read_text())), without_times(json.loads((broken / "results/metrics/analysis.json").read_text())))
        cells = sorted(p.name for p in (whole / "cells").iterdir())
        self.assertEqual(cells, sorted(p.name for p in (broken / "cells").iterdir()))
        self.assertEqual(len(cells), 15)
        for cell in cells:
            for name in ("adapter_model.safetensors", "model.safetensors", "predictions.jsonl", "validation_predictions.jsonl"):
                a, b = whole / "cells" / cell / name, broken / "cells" / cell / name
                self.assertEqual(a.exists(), b.exists(), f"{cell}/{name}")
                if a.exists():
                    self.assertEqual(a.read_bytes(), b.read_bytes(), f"{cell}/{name}")
        for path in sorted((whole / "results").rglob("*.csv")):
            name = path.relative_to(whole)
            if name.name in ("front-step.csv", "front-latency.csv", "time.csv"):
                continue  # of times alone
            self.assertEqual(table_without_times(path), table_without_times(broken / name), str(name))

    def every_number_is_in_csv(self, folder):
        """Every table is one of the CSV files, cell by cell; the numbers of the verdict with decimals stand in one of them."""
        files = tables_of_csv(folder / "results")
        text = (folder / "report.md").read_text(encoding="utf-8")
        tables = tables_of_markdown(text)
        self.assertGreater(len(tables), 5)
        matrices = [sorted(row["value"] for row in rows if "value" in row) for _, _, rows in files]
        for headings, rows in tables:
            if headings[0].startswith("gold"):  # a matrix is a list of its cells there
                self.assertIn(sorted(re.match(r"[\d,]+", c).group().replace(",", "") for row in rows for c in row[1:]), matrices)
                continue
            alike = [f for f in files if [c for c in f[1] if not (c.endswith(("_low", "_high")))] == headings and len(f[2]) == len(rows)]
            wrong = {f[0].name: [(row[0], h, c) for row, found in zip(rows, f[2]) for h, c in zip(headings, row) if not cell_shows(c, found, h)] for f in alike}
            self.assertTrue(any(not w for w in wrong.values()), f"the table of {headings} is in no CSV file: {wrong}")
        told = [rows for path, _, rows in files if path.parent.name == "metrics" or path.name == "variant-scores.csv"]  # that one has the majority rate
        have = [abs(float(c)) for rows in told for row in rows for c in row.values() if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", c)]
        shown = [n for line in text.splitlines() if line.startswith(">") for n in re.findall(r"(?<![\w.])\d[\d,]*\.\d+", line.replace("p \\< 0.001", ""))]
        self.assertGreater(len(shown), 5)
        for number in shown:  # scores are in percent there; "worse by 3" is a difference of -3
            self.assertTrue(any(shows(number, str(x), by) for x in have for by in (1, 100)), f"{number} of the verdict stands in no table of metrics/")

    def test_every_number_of_the_report_is_in_a_csv_file(self):
        output = self.folder / "out"
        self.attune("analyze", self.tiny(output))
        self.every_number_is_in_csv(output)

    def test_sst2_with_minilm(self):
        if not (SST2 / "train-sentences.tsv").exists() or not MINILM.exists():
            self.skipTest("needs ../shared/data/sst2 and models/all-MiniLM-L6-v2")
        output = self.folder / "sst2"
        config = self.config("sst2.yaml", {
            "model": str(MINILM), "task": "text-classification",
            "data": {"train": str(SST2 / "train-sentences.tsv"), "validation": str(SST2 / "dev.tsv"), "test": str(SST2 / "test.tsv"), "max_length": 48,
                     "max_train_samples": 2000, "max_validation_samples": 100, "max_test_samples": 400, "stratify": True},
            "peft": {"method": "lora", "r": 8, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": ["query", "value"]},
            "training": {"num_train_epochs": 1, "per_device_train_batch_size": 32, "learning_rate": 2e-3, "warmup_ratio": 0.06, "seed": 0},
            "baselines": ["bow"],
            "variants": {"list": ["base", "lora", "lora_r4", "query_only", "selective", "bias_training", "qlora_int8", "qlora_nf4", "full"], "seeds": 3},
            "analysis": {"draws": 500}, "output_dir": str(output)})
        self.kill_after(4, output, config)
        self.attune_slowly("analyze", config)
        for name in LAYOUT:
            self.assertTrue((output / name).exists(), name)
        report = json.loads((output / "results/metrics/analysis.json").read_text())
        self.assertEqual(len(list((output / "results/models").glob("*-seed-*"))), 27)
        variants = {v["name"]: v for v in report["variants"]}
        self.assertEqual(len(variants), 9)
        base = variants.pop("base")
        for name, v in variants.items():
            self.assertEqual(len(v["seeds"]), 3, name)
            self.assertGreater(v["mean"], base["mean"], f"{name} learned nothing")
        self.assertLess(abs(base["mean"] - 0.5), 0.1, "an untrained head knows nothing")
        self.assertGreater(max(v["mean"] for v in variants.values()), 0.8)
        text = (output / "report.md").read_text(encoding="utf-8")
        self.assertIn("Which variant should I ship, and how sure am I?", text)
        self.assertIn("head=random-init(seed=0)", text)
        self.every_number_is_in_csv(output)

    def attune_slowly(self, *args):
        done = subprocess.run([BINARY, *map(str, args)], cwd=ROOT, capture_output=True, text=True, timeout=1800)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
