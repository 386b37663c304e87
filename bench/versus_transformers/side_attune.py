"""The same jobs with attune: runs the program and reads what it leaves."""
import json
import os
import re
import shutil
import statistics
import subprocess
import time

import common

job = common.plan()
options = job["options"]
attune = job["attune"]


def help_of(command):
    return subprocess.run([attune, command, "--help"], check=True, capture_output=True, text=True).stdout


def number_format(command):
    """Flags of the number format, if this attune has them; f32 needs none where there is nothing to choose from."""
    text = help_of(command)
    known = re.search(r"--compute \{([^}]*)\}", text)
    if options["compute"] in (known.group(1).split(",") if known else ["f32"]):
        return ["--compute", options["compute"]] if known else []
    return common.skip(f"`attune {command}` has no `--compute {options['compute']}`")


def run(command, stdout=subprocess.DEVNULL, stderr=None):
    """Runs to the end; its greatest resident memory in MB."""
    process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return usage.ru_maxrss / 1024


def train():
    out = os.path.join(job["work"], "run")
    shutil.rmtree(out, ignore_errors=True)
    command = [attune, "train", "--quiet", "--model", job["model"], "--task", job["task"], "--train-file", job["rows"], "--output-dir", out, "--method", job["method"],
               "--train-sampling-strategy", "sequential", "--max-steps", str(job["all_steps"]), "--batch-size", str(job["batch"]),
               "--learning-rate", str(job["learning_rate"]), "--weight-decay", str(job["weight_decay"]), "--max-length", str(job["max_length"]),
               "--truncation-side", job["truncation_side"], "--threads", str(job["threads"]), "--logging-steps", "1", "--save-strategy", "no", "--eval-strategy", "no",
               *number_format("train")]
    if job["eval_rows"]:
        command += ["--validation-file", job["validation"]]
    if job["doc_stride"]:
        command += ["--doc-stride", str(job["doc_stride"])]
    if job.get("labels"):
        command += ["--labels", ",".join(job["labels"])]
    for key, value in (job["lora"] if job["method"] == "lora" else {}).items():
        command += ["--" + key.replace("_", "-"), ",".join(value) if isinstance(value, list) else str(value)]
    if options.get("quantization"):
        if "--quantization" not in help_of("train"):
            common.skip("`attune train` has no `--quantization`")
        command += ["--quantization", options["quantization"]]
    peak = run(command)
    with open(os.path.join(out, "timings.json"), encoding="utf-8") as f:
        timings = json.load(f)
    with open(os.path.join(out, "all_results.json"), encoding="utf-8") as f:
        results = json.load(f)
    result = {"seconds": [s for s, _ in timings["steps"]], "tokens": [t for _, t in timings["steps"]], "start s": timings["start_runtime"], "peak MB": peak,
              "loss": results["train_loss"], "trainable": results["trainable_parameters"]}
    if job["eval_rows"]:
        result["evaluation rows/s"] = job["eval_rows"] / results["eval_runtime"]
    return result


def predict():
    """Text to label: whole runs of the program over the file less runs over one row of it. Forward alone: what `evaluate` reports."""
    flags = ["--batch-size", str(job["batch"]), "--max-length", str(job["max_length"]), "--threads", str(job["threads"]), "--quiet"]
    form = number_format("predict")
    with open(job["rows"], encoding="utf-8") as f:
        lines = f.readlines()
    one, out = os.path.join(job["work"], "one.jsonl"), os.path.join(job["work"], "predictions.jsonl")
    with open(one, "w", encoding="utf-8") as f:
        f.write(lines[0])

    def whole(path):
        return common.timed(lambda: run([attune, "predict", job["model"], "--input", path, "--output", out, *flags, *form]))
    whole(one)
    seconds = statistics.median(whole(job["rows"]) - whole(one) for _ in range(job["passes"]))
    whole(job["rows"])
    with open(out, encoding="utf-8") as f:
        labels = [int(json.loads(line)["label"].removeprefix("LABEL_")) for line in f][:job["sentences"]]
    result = {"rows/s": len(lines) / seconds, "labels": labels}
    known = re.search(r"--compute \{([^}]*)\}", help_of("evaluate"))
    if options["compute"] in (known.group(1).split(",") if known else ["f32"]):
        command = [attune, "evaluate", job["model"], "--data", job["rows"], "--json", *flags, *(form if known else [])]
        rates = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["samples_per_second"] for _ in range(job["passes"])]
        result["forward rows/s"] = statistics.median(rates)
    return result


def latency():
    """A process from its start to the label; then one that streams: a line in, its label out, through pipes."""
    flags = ["--threads", str(job["threads"]), "--quiet", *number_format("predict")]
    one = [attune, "predict", job["model"], "--text", job["text"], *flags]
    common.first_line_time(one)
    starts = [common.first_line_time(one)[0] for _ in range(3 * job["starts"])]
    command = [attune, "predict", job["model"], "--input", "-", "--output", "-", "--format", "jsonl", "--max-length", str(job["max_length"]), *flags]
    lines = [json.dumps({"text": t}).encode() + b"\n" for t in common.read_rows(job["rows"])[0][:job["sentences"]]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        answers = os.fdopen(os.dup(process.stdout.fileno()), "rb")

        def ask(line):
            begin = time.perf_counter()
            process.stdin.write(line)
            answers.readline()
            return time.perf_counter() - begin
        for line in lines[:20]:
            ask(line)
        p50, p95 = common.percentiles([ask(line) for line in lines])
        process.stdin.close()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return {"start to answer s": statistics.median(starts), "p50 ms": p50, "p95 ms": p95}


def generate():
    """What `attune generate` notes about itself: tokens after the first one a second. A quantised base is a folder of its own."""
    model = job["model_nf4"] if options.get("quantization") else job["model"]
    command = [attune, "generate", model, "--prompt", job["text"], "--greedy", "--min-new-tokens", str(job["new_tokens"]), "--max-new-tokens", str(job["new_tokens"]),
               "--threads", str(job["threads"]), "--json", *number_format("generate")]
    out, notes = (os.path.join(job["work"], name) for name in ("generated.json", "generated.notes"))
    rates, peaks = [], []
    for _ in range(job["passes"]):
        with open(out, "w", encoding="utf-8") as answer, open(notes, "w", encoding="utf-8") as said:
            peaks.append(run(command, stdout=answer, stderr=said))
        with open(notes, encoding="utf-8") as f:
            prompt, rate = re.search(r"(\d+) prompt tokens in .* new tokens, ([\d.]+) tokens/s", f.read()).groups()
        rates.append(float(rate))
    with open(out, encoding="utf-8") as f:
        ids = json.load(f)["token_ids"]
    return {"tokens/s": statistics.median(rates), "prompt tokens": int(prompt), "token_ids": ids, "peak MB": max(peaks)}


common.finish(**{"train": train, "predict": predict, "latency": latency, "generate": generate}[job["kind"]]())
