"""What 8-bit products cost in accuracy: MiniLM + LoRA on four data sets, several seeds, four ways to hold and multiply the frozen base.

    bench/quantization_gate/run.py --attune build/release/attune --model models/all-MiniLM-L6-v2 --data ../shared/data --work build/gate

Each run's predictions are kept in --work, so a stopped run goes on where it was. Prints the tables of docs/quantization.md: accuracy, and the
difference of each 8-bit variant to its twin with F32 products, paired by row and seed, with its 95 % interval (errors clustered both by row
and by seed). Exit status 1 when a lower bound is under the gate: -1.5 points on a data set, -0.5 over all.
"""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys

COMMON = ["--method", "lora", "--r", "8", "--lora-alpha", "16", "--lora-dropout", "0.1", "--target-modules", "query,value", "--warmup-ratio", "0.06",
          "--save-strategy", "no", "--eval-strategy", "no", "--quiet", "--overwrite"]
SETS = {
    "SST-2": ["sst2/train-sentences.tsv", "sst2/dev.tsv", ["--learning-rate", "5e-4", "--epochs", "1", "--batch-size", "32", "--max-length", "128"]],
    "MRPC": ["glue/mrpc-train.tsv", "glue/mrpc-test.tsv", ["--learning-rate", "2e-3", "--epochs", "1", "--batch-size", "32", "--max-length", "128"]],
    "RTE": ["glue/rte-train.tsv", "glue/rte-dev.tsv", ["--learning-rate", "2e-3", "--epochs", "1", "--batch-size", "16", "--max-length", "256"]],
    "IMDB": ["imdb/train-1k.csv", "imdb/validation-1k.csv", ["--learning-rate", "2e-3", "--epochs", "1", "--batch-size", "8", "--max-length", "256", "--truncation-side", "left"]],
}
VARIANTS = {
    "lora f32": ["--compute", "f32"],
    "lora int8": ["--compute", "int8"],
    "nf4 f32": ["--quantization.type", "nf4", "--compute", "f32"],
    "nf4 int8": ["--quantization.type", "nf4", "--compute", "int8"],
}
TWINS = [("lora int8", "lora f32"), ("nf4 int8", "nf4 f32")]
SET_GATE, POOLED_GATE = -1.5, -0.5


def run_one(args, name, variant, seed):
    """Correct or not, row by row, and the metrics; from --work when it is there."""
    kept = os.path.join(args.work, f"{name}-{variant.replace(' ', '-')}-{seed}.json")
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as f:
            return json.load(f)
    train, evaluate, recipe = SETS[name]
    out = os.path.join(args.work, "run")
    command = [args.attune, "train", "--model", args.model, "--train-file", os.path.join(args.data, train), "--validation-file",
               os.path.join(args.data, evaluate), "--seed", str(seed), "--threads", str(args.threads), "--output-dir", out, *COMMON, *recipe, *VARIANTS[variant]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(out, "predictions.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    with open(os.path.join(out, "all_results.json"), encoding="utf-8") as f:
        results = json.load(f)
    result = {"correct": [int(r["gold"] == r["prediction"]) for r in rows], "accuracy": results["eval_accuracy"],
              "f32_base": results.get("eval_accuracy_on_f32_base", results["eval_accuracy"]), "least_cosine": results.get("int8_least_cosine"),
              "tokens_per_second": results["train_tokens_per_second"]}
    shutil.rmtree(out)
    with open(kept, "w", encoding="utf-8") as f:
        json.dump(result, f)
    print(f"{name} {variant} seed {seed}: {100 * result['accuracy']:.2f}", file=sys.stderr)
    return result


def paired(ours, theirs):
    """Mean difference in points over cells (seed, row) and its standard error, clustered by row and by seed."""
    cells = [[a - b for a, b in zip(x["correct"], y["correct"])] for x, y in zip(ours, theirs)]
    seeds, rows = len(cells), len(cells[0])
    mean = sum(map(sum, cells)) / (seeds * rows)
    by_row = sum((sum(c[i] for c in cells) - seeds * mean) ** 2 for i in range(rows))
    by_seed = sum((sum(c) - rows * mean) ** 2 for c in cells)
    by_cell = sum((d - mean) ** 2 for c in cells for d in c)
    variance = max(by_row + by_seed - by_cell, by_row) / (seeds * rows) ** 2
    return 100 * mean, 100 * math.sqrt(variance), seeds * rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attune", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    sets = args.sets.split(",")
    table = {name: {v: [] for v in VARIANTS} for name in sets}
    for seed in range(args.seeds):
        for name in sets:
            for variant in VARIANTS:
                table[name][variant].append(run_one(args, name, variant, seed))

    print(f"Accuracy, %, mean (standard deviation) of {args.seeds} seeds; in brackets the same adapters on the F32 base.\n")
    print("| | rows | " + " | ".join(VARIANTS) + " |\n| --- | ---: |" + " ---: |" * len(VARIANTS))
    for name in sets:
        line = []
        for variant in VARIANTS:
            accuracy = [100 * r["accuracy"] for r in table[name][variant]]
            spread = f" ({statistics.stdev(accuracy):.2f})" if len(accuracy) > 1 else ""
            line.append(f"{statistics.mean(accuracy):.2f}{spread} [{100 * statistics.mean(r['f32_base'] for r in table[name][variant]):.2f}]")
        print(f"| {name} | {len(table[name]['lora f32'][0]['correct']):,} | " + " | ".join(line) + " |")

    print("\nDifference to the twin with F32 products, points, with its 95 % interval; least gradient cosine of the self-checks.\n")
    print("| | " + " | ".join(f"{a} - {b}" for a, b in TWINS) + " | least cosine |\n| --- |" + " ---: |" * (len(TWINS) + 1))
    passed = True
    pooled = {a: [] for a, _ in TWINS}
    for name in sets:
        line = []
        for ours, theirs in TWINS:
            mean, error, cells = paired(table[name][ours], table[name][theirs])
            pooled[ours].append((mean, error, cells))
            low, high = mean - 1.96 * error, mean + 1.96 * error
            passed &= low > SET_GATE
            line.append(f"{mean:+.2f} ({low:+.2f} to {high:+.2f})")
        cosine = min(r["least_cosine"] for a, _ in TWINS for r in table[name][a])
        print(f"| {name} | " + " | ".join(line) + f" | {cosine:.4f} |")
    line = []
    for ours, _ in TWINS:
        total = sum(c for _, _, c in pooled[ours])
        mean = sum(m * c for m, _, c in pooled[ours]) / total
        error = math.sqrt(sum((e * c) ** 2 for _, e, c in pooled[ours])) / total
        passed &= mean - 1.96 * error > POOLED_GATE
        line.append(f"{mean:+.2f} ({mean - 1.96 * error:+.2f} to {mean + 1.96 * error:+.2f})")
    print("| all | " + " | ".join(line) + " | |")
    print(f"\nGate (lower bounds above {SET_GATE} on each set, above {POOLED_GATE} over all): {'passed' if passed else 'NOT passed'}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
