"""One job with attune: runs the program and reads the files it leaves."""
import json
import os
import shutil
import subprocess

from jobs import JOBS, data_file, rows


def head_of_validation(job, data, count, folder):
    """The first `count` validation rows as JSON Lines, so that both sides evaluate the same rows."""
    texts, labels = rows(data_file(data, job.validation))
    path = os.path.join(folder, f"{job.name}-validation.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        for text, label in zip(texts[:count], labels):
            f.write(json.dumps({"text": text, "label": label}) + "\n")
    return path


def run(attune, name, model, data, steps, eval_rows, threads, folder, by_length=False):
    job = JOBS[name]
    out = os.path.join(folder, f"run-{name}")
    shutil.rmtree(out, ignore_errors=True)
    lora = job.lora
    command = [attune, "train", "--quiet", "--model", model, "--train-file", data_file(data, job.train),
               "--validation-file", head_of_validation(job, data, eval_rows, folder), "--output-dir", out, "--method", "lora",
               "--r", str(lora["r"]), "--lora-alpha", str(lora["lora_alpha"]), "--lora-dropout", str(lora["lora_dropout"]),
               "--target-modules", ",".join(lora["target_modules"]), "--max-steps", str(steps), "--batch-size", str(job.batch),
               "--eval-batch-size", "32", "--learning-rate", str(job.learning_rate), "--weight-decay", str(job.weight_decay),
               "--max-length", str(job.max_length), "--truncation-side", job.side, "--logging-steps", "1", "--threads", str(threads),
               "--save-strategy", "no", "--eval-strategy", "no"]
    if by_length:
        command += ["--train-sampling-strategy", "group_by_length"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    with open(os.path.join(out, "timings.json"), encoding="utf-8") as f:
        timings = json.load(f)
    with open(os.path.join(out, "all_results.json"), encoding="utf-8") as f:
        results = json.load(f)
    return {"seconds": [s for s, _ in timings["steps"]], "tokens": [t for _, t in timings["steps"]],
            "evaluation": results["eval_runtime"], "eval_rows": eval_rows, "start": timings["start_runtime"], "peak_mb": usage.ru_maxrss / 1024}
