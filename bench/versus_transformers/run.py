"""attune against transformers + peft, side by side (README.md). Prints a Markdown table with the ratios."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import ours
from jobs import JOBS

SKIP = 3  # first steps: allocation, code paths warming up


def distilbert(model, folder):
    """A DistilBERT with random weights (configuration defaults) and the tokenizer of `model`."""
    path = os.path.join(folder, "distilbert")
    code = ("import sys, torch; from transformers import DistilBertConfig, DistilBertForSequenceClassification as M, AutoTokenizer\n"
            "torch.manual_seed(0); m = M(DistilBertConfig()); m.save_pretrained(sys.argv[2])\n"
            "AutoTokenizer.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])")
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, model, path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def reference(name, model, data, steps, eval_rows, threads, best):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    if best:  # glibc keeps freed memory and uses huge pages
        environment |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "68719476736", "MALLOC_TOP_PAD_": "268435456",
                        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    command = [sys.executable, "-W", "ignore", os.path.join(HERE, "reference.py"), "--job", name, "--model", model, "--data", data,
               "--steps", str(steps), "--eval-rows", str(eval_rows), "--threads", str(threads)] + (["--by-length"] if best else [])
    out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def figures(result):
    seconds, tokens = result["seconds"][SKIP:], result["tokens"][SKIP:]
    return {"median step s": statistics.median(seconds), "real tokens/s": sum(tokens) / sum(seconds),
            "evaluation rows/s": result["eval_rows"] / result["evaluation"], "peak MB": result["peak_mb"], "start s": result["start"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attune", required=True)
    parser.add_argument("--model", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--data", required=True, help="folder with imdb/ and sst2/")
    parser.add_argument("--jobs", default="reference,minilm")
    parser.add_argument("--steps", type=int, default=0, help="0: 40 of the reference job, 80 of MiniLM's")
    parser.add_argument("--eval-rows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write every round here")
    args = parser.parse_args()
    kept = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.jobs.split(","):
            steps = args.steps or (40 if name == "reference" else 80)
            model = distilbert(args.model, folder) if JOBS[name].distilbert else args.model
            rounds = {"transformers, as it comes": [], "transformers, best easy variant": [], "attune": []}
            for _ in range(args.rounds):
                rounds["transformers, as it comes"].append(reference(name, model, args.data, steps, args.eval_rows, args.threads, False))
                rounds["attune"].append(ours.run(args.attune, name, model, args.data, steps, args.eval_rows, args.threads, folder))
                rounds["transformers, best easy variant"].append(reference(name, model, args.data, steps, args.eval_rows, args.threads, True))
            kept[name] = rounds
            table = {who: {k: statistics.median(figures(r)[k] for r in results) for k in figures(results[0])} for who, results in rounds.items()}
            columns = list(table["attune"])
            print(f"\n{name} ({steps} steps, {args.eval_rows} evaluation rows, {args.threads} threads, median of {args.rounds} rounds)\n")
            print("| | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
            for who, row in table.items():
                print(f"| {who} | " + " | ".join(f"{row[c]:,.3f}" if c.endswith(" s") else f"{row[c]:,.0f}" for c in columns) + " |")
            for who in list(table)[:2]:
                ratio = [table["attune"][c] / table[who][c] if c.endswith("/s") else table[who][c] / table["attune"][c] for c in columns]
                print(f"| attune over {who.split(', ')[1]} | " + " | ".join(f"{r:.2f} x" for r in ratio) + " |")
            sys.stdout.flush()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"machine": platform.processor() or platform.machine(), "rounds": kept}, f, indent=1)


if __name__ == "__main__":
    main()
