"""Markdown from the rounds: a table a job, then the summary with ratios and targets. `report.py A.json [B.json ...]` prints those of files
run.py wrote; of a job that is in several, the last counts."""
import json
import os
import statistics
import sys

from jobs import JOBS, METRICS, ROWS, SIDES, WARM_UP


def figures(job, result):
    """The metrics of one run of one side."""
    values = {m: result[m] for m in METRICS[JOBS[job].kind] if m in result}
    if "seconds" in result:
        seconds, tokens = result["seconds"][WARM_UP:], result["tokens"][WARM_UP:]
        values |= {"step s": statistics.mean(seconds), "real tokens/s": sum(tokens) / sum(seconds)}
    return values


def job_rounds(kept, job):
    """[{side: {metric: value}}] of the sides that ran."""
    return [{side: figures(job, r) for side, r in one.items() if "skipped" not in r} for one in kept.get(job, {}).get("rounds", [])]


def median_of(rounds, side, metric):
    values = [r[side][metric] for r in rounds if metric in r.get(side, {})]
    return statistics.median(values) if values else None


def ratios(rounds, row):
    """Round by round, so that noise both sides shared cancels."""
    pairs = [(r[row.side][row.metric], r[row.against][row.metric]) for r in rounds if row.metric in r.get(row.side, {}) and row.metric in r.get(row.against, {})]
    more_is_better = METRICS[JOBS[row.job].kind][row.metric][1]
    return [a / b if row.share or more_is_better else b / a for a, b in pairs]


def job_table(job, kept):
    entry, rounds, metrics = kept[job], job_rounds(kept, job), METRICS[JOBS[job].kind]
    plan = entry["plan"]
    shown = [m for m in metrics if any(m in r.get(s, {}) for r in rounds for s in r)]
    what = f"batch {plan['batch']}"
    if "real_tokens" in plan:
        what = f"{plan['steps']} timed steps of {plan['batch']} rows, {plan['real_tokens']:,} real tokens, {plan['eval_rows']} evaluation rows"
    elif plan["kind"] == "generate":
        what = f"one text of {plan['new_tokens']} tokens after {plan['prompt_tokens']}"
    lines = [f"### {job}", "", f"{what}, {plan['threads']} threads, median of {len(rounds)} round{'s' * (len(rounds) != 1)}.", "",
             "| | " + " | ".join(shown) + " |", "| --- |" + " ---: |" * len(shown)]
    sides = [s for s in SIDES if any(s in r for r in rounds)]
    for side in sides:
        values = [median_of(rounds, side, m) for m in shown]
        lines.append(f"| {SIDES[side].label} | " + " | ".join("" if v is None else f"{v:,.{metrics[m][0]}f}" for v, m in zip(values, shown)) + " |")
    return "\n".join(lines + [""] + notes(job, entry, rounds))


def notes(job, entry, rounds):
    plan, lines = entry["plan"], []
    if "rows_padding" in plan:
        lines.append(f"Padded tokens for each real one: {plan['rows_padding']:.2f} as it comes, {plan['rows_by_length_padding']:.2f} by length.")
    for side, reason in {s: r["skipped"] for one in entry["rounds"] for s, r in one.items() if "skipped" in r}.items():
        lines.append(f"Not run: {SIDES[side].label}: {reason}.")
    others = [r["others"] for one in entry["rounds"] for r in one.values() if "others" in r]
    if others and max(others) > 0.03:
        lines.append(f"Other programs used up to {max(others):.0%} of the processor (median {statistics.median(others):.0%}): **disturbed**.")
    first = entry["rounds"][0] if entry["rounds"] else {}
    answers = {s: r["labels"] for s, r in first.items() if "labels" in r}
    if "default" in answers:
        same = {s: sum(a == b for a, b in zip(v, answers["default"])) for s, v in answers.items() if s != "default"}
        lines.append(f"Labels equal to those of transformers, of {len(answers['default'])}: " + ", ".join(f"{SIDES[s].label} {n}" for s, n in same.items()) + ".")
    texts = {s: r["token_ids"] for s, r in first.items() if "token_ids" in r}
    if "default" in texts:
        same = {s: len(os.path.commonprefix([v, texts["default"]])) for s, v in texts.items() if s != "default"}
        lines.append(f"Tokens as those of transformers before the first other one, of {len(texts['default'])}: " + ", ".join(f"{SIDES[s].label} {n}" for s, n in same.items()) + ".")
    return lines + [""] if lines else []


def summary(kept):
    lines = ["### Summary", "", "| | figure | rounds | target | |", "| --- | ---: | --- | ---: | --- |"]
    for row in ROWS:
        rounds = job_rounds(kept, row.job)
        values = ratios(rounds, row) if row.against else [r[row.side][row.metric] for r in rounds if row.metric in r.get(row.side, {})]
        if not values:
            continue
        value = statistics.median(values)
        at_least = row.against and not row.share
        decimals, unit = (2, " x" if at_least else "") if row.against else (METRICS[JOBS[row.job].kind][row.metric][0], "")
        show = lambda v: f"{v:,.{decimals}f}"
        target, verdict = "", ""
        if row.target is not None:
            met = value >= row.target if at_least else value <= row.target
            target = f"{'at least' if at_least else 'at most'} {row.target:g}{unit}"
            verdict = "met" if met else f"**missed**: target {row.target:g}{unit}, got {show(value)}{unit}"
        lines.append(f"| {row.text} | {show(value)}{unit} | {', '.join(map(show, values)) if len(values) > 1 else ''} | {target} | {verdict} |")
    return "\n".join(lines)


def heading(machine):
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v)
    left_out = f" Left out of every side's environment: {', '.join(machine['environment_left_out'])}." if machine["environment_left_out"] else ""
    return (f"{machine['date']}, commit {machine['commit'][:12]}{' with changes' if machine['uncommitted'] else ''}; {machine['cpu']} (family/model {machine['cpu_family_model']}; "
            f"{', '.join(machine['features'])}), {machine['cores']} cores, {machine['memory_gb']} GB, {machine['threads']} threads; Python {machine['python']}, {versions}.{left_out}")


def print_report(machine, kept):
    print(heading(machine) + "\n")
    for job in kept:
        print(job_table(job, kept))
    print(summary(kept))


if __name__ == "__main__":
    merged, described = {}, None
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            one = json.load(f)
        merged |= one["jobs"]
        described = one["machine"]
    if described is None:
        raise SystemExit(__doc__)
    print_report(described, merged)
