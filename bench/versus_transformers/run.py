"""attune against transformers + peft and the inference engines, in one run (README.md). Prints Markdown; --json keeps every round."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import machine
import report
from jobs import JOBS, SIDES

HERE = os.path.dirname(os.path.abspath(__file__))


def chosen_sides(job, wanted):
    """The job's sides in their order: those wanted, or all that need no request."""
    known = JOBS[job].sides
    return [s for s in known if (s in wanted if wanted else not SIDES[s].on_request)]


def script(name, *arguments, environment):
    run = subprocess.run([sys.executable, "-W", "ignore", os.path.join(HERE, name), *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{name} {' '.join(arguments)} ended with status {run.returncode}")
    return run.stdout


def run_side(name, side_name, plan, threads):
    side = SIDES[side_name]
    mine = plan | {"options": side.options} | ({"rows": plan["rows_by_length"]} if side.options.get("by_length") and "rows_by_length" in plan else {})
    path = os.path.join(plan["work"], f"{name}-{side_name}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(mine, f)
    watch, begin = machine.Watch(), time.time()
    result = json.loads(script(side.program, path, environment=machine.environment(threads, side.environment)).strip().splitlines()[-1])
    return result if "skipped" in result else result | {"others": round(watch.others(), 4), "wall_s": round(time.time() - begin, 1)}


def check_same_work(name, one):
    """The sides of a training must have seen the same tokens and trained as many numbers, those of a generation read and made as many tokens."""
    for needed, key, of in (("tokens", "real tokens", lambda r: sum(r["tokens"])), ("tokens", "steps", lambda r: len(r["tokens"])),
                            ("trainable", "trained parameters", lambda r: r["trainable"]), ("token_ids", "prompt tokens", lambda r: r["prompt tokens"]),
                            ("token_ids", "new tokens", lambda r: len(r["token_ids"]))):
        seen = {side: of(r) for side, r in one.items() if needed in r}
        if len(set(seen.values())) > 1:
            raise SystemExit(f"{name}: the sides did not do the same work: {key} {seen}")


def measure(args, work):
    attune, model, smollm, data = (os.path.abspath(p) for p in (args.attune, args.model, args.smollm, args.data))
    wanted = args.sides.split(",") if args.sides else []
    sides = {name: chosen_sides(name, wanted) for name in args.jobs.split(",")}
    settings = {"attune": attune, "model": model, "smollm": smollm, "data": data, "work": work, "threads": args.threads, "sides": sides, "steps": args.steps,
                "eval_rows": args.eval_rows, "passes": args.passes, "sentences": args.sentences, "starts": args.starts}
    path = os.path.join(work, "settings.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(settings, f, indent=1)
    script("prepare.py", path, environment=machine.environment(args.threads, {}))
    kept = {}
    for name in sides:
        with open(os.path.join(work, f"{name}.json"), encoding="utf-8") as f:
            plan = json.load(f)
        kept[name] = {"plan": plan, "rounds": []}
        skipped = {}
        for number in range(args.rounds):
            one = {}
            for side in sides[name]:
                one[side] = skipped.get(side) or run_side(name, side, plan, args.threads)
                if "skipped" in one[side]:
                    skipped[side] = one[side]
                print(f"{name}, round {number + 1}, {side}: {one[side].get('skipped') or str(one[side]['wall_s']) + ' s'}", file=sys.stderr, flush=True)
            check_same_work(name, one)
            kept[name]["rounds"].append(one)
    return kept


def without_paths(kept):
    """Plans name the folders of this machine, which nobody else needs."""
    for entry in kept.values():
        entry["plan"] = {k: v for k, v in entry["plan"].items() if not (isinstance(v, str) and v.startswith("/"))}
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attune", required=True)
    parser.add_argument("--model", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--smollm", help="folder of SmolLM2-135M-Instruct; default: beside --model")
    parser.add_argument("--data", required=True, help="folder with imdb/, sst2/, wikigold/, squad/ and tiny-shakespeare/")
    parser.add_argument("--jobs", default=",".join(JOBS), help=f"of {', '.join(JOBS)}")
    parser.add_argument("--sides", default="", help=f"of {', '.join(SIDES)}; default: all a job has but attune-nf4-f32")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="timed steps of every training; 0: as jobs.py says")
    parser.add_argument("--eval-rows", type=int, help="rows evaluated after every training; 0: none; default: as jobs.py says")
    parser.add_argument("--passes", type=int, default=2, help="passes over the file of `predict`, texts of `generate`, in each round")
    parser.add_argument("--sentences", type=int, default=200, help="sentences of `latency`")
    parser.add_argument("--starts", type=int, default=2, help="processes started in each round of `latency` (attune: three times as many)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", help="folder for models and runs, kept; default: a temporary one")
    parser.add_argument("--json", help="write every round here")
    args = parser.parse_args()
    for known, given in ((JOBS, args.jobs), (SIDES, args.sides)):
        unknown = [n for n in given.split(",") if n and n not in known]
        if unknown:
            parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    args.smollm = args.smollm or os.path.join(os.path.dirname(os.path.abspath(args.model)), "SmolLM2-135M-Instruct")
    if any(JOBS[n].model == "smollm" for n in args.jobs.split(",")) and not os.path.exists(os.path.join(args.smollm, "config.json")):
        parser.error(f"no model in {args.smollm}: scripts/get-smollm2 fetches it; --smollm says where it is, --jobs leaves it out")
    described = machine.describe(os.path.abspath(args.attune), args.threads)
    with tempfile.TemporaryDirectory() as temporary:
        work = os.path.abspath(args.work or temporary)
        os.makedirs(work, exist_ok=True)
        kept = without_paths(measure(args, work))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"machine": described, "jobs": kept}, f, indent=1)
    report.print_report(described, kept)


if __name__ == "__main__":
    main()
