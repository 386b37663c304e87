"""Question answering with transformers, as run_qa does it: the other side of the SQuAD rows in docs/results.md.

    .venv/bin/python bench/squad_transformers.py --model models/all-MiniLM-L6-v2 --train $D/squad/squad2-split-train.json --test $D/squad/squad2-split-dev.json

Windows of 384 tokens that share 128, batches grouped by length, AdamW without weight decay, linear decay with 6 % warm-up, clipping at 1. Writes the
predictions as the official script reads them (--predictions) and prints exact and f1 over all, answerable and unanswerable questions.
"""
import argparse
import collections
import json
import os
import re
import string
import sys
import time

import numpy as np
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, DataCollatorWithPadding, get_linear_schedule_with_warmup

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "versus_transformers"))
from prepare import MEGA, read  # noqa: E402
from transformers_rows import answer_span  # noqa: E402

LENGTH, STRIDE, N_BEST, LONGEST = 384, 128, 20, 30


def windows(tokenizer, examples, training):
    encoded = tokenizer([x["question"] for x in examples], [x["context"] for x in examples], truncation="only_second", max_length=LENGTH, stride=STRIDE,
                        return_overflowing_tokens=True, return_offsets_mapping=True)
    rows, places = [], []
    for i, owner in enumerate(encoded["overflow_to_sample_mapping"]):
        offsets, part = encoded["offset_mapping"][i], encoded.sequence_ids(i)
        row = {k: encoded[k][i] for k in ("input_ids", "token_type_ids", "attention_mask")}
        if training:
            row["start_positions"], row["end_positions"] = answer_span(encoded, i, examples[owner]["answers"])
        rows.append(row)
        places.append((owner, [o if p == 1 else None for o, p in zip(offsets, part)]))
    return rows, places


def train(model, rows, collate, args):
    groups = [{"params": [p for p in model.parameters() if p.requires_grad], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate)
    steps = args.epochs * -(-len(rows) // args.batch_size)
    schedule = get_linear_schedule_with_warmup(optimizer, round(0.06 * steps), steps)
    model.train()
    start = time.perf_counter()
    for _ in range(args.epochs):
        order = torch.randperm(len(rows)).tolist()
        mega = args.batch_size * MEGA  # Trainer's group_by_length
        order = [i for m in range(0, len(order), mega) for i in sorted(order[m:m + mega], key=lambda i: -len(rows[i]["input_ids"]))]
        batches = [order[i:i + args.batch_size] for i in range(0, len(order), args.batch_size)]
        for b in torch.randperm(len(batches)).tolist():
            model(**collate([rows[i] for i in batches[b]])).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return time.perf_counter() - start


def answers(model, rows, places, examples, collate):
    model.eval()
    null, best = {}, {}
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    with torch.inference_mode():
        for b in range(0, len(order), 16):
            indices = order[b:b + 16]
            out = model(**collate([rows[i] for i in indices]))
            for i, start, end in zip(indices, out.start_logits.numpy(), out.end_logits.numpy()):
                owner, offsets = places[i]
                null[owner] = min(null.get(owner, np.inf), start[0] + end[0])
                for s in np.argsort(-start)[:N_BEST]:
                    for e in np.argsort(-end)[:N_BEST]:
                        inside = s < len(offsets) and e < len(offsets) and offsets[s] and offsets[e] and s <= e < s + LONGEST
                        if inside and (owner not in best or start[s] + end[e] > best[owner][0]):
                            best[owner] = (start[s] + end[e], offsets[s][0], offsets[e][1])
    negative = any(not x["answers"]["text"] for x in examples)
    given = {}
    for k, x in enumerate(examples):
        score, begin, end = best.get(k, (-np.inf, 0, 0))
        given[x["id"]] = "" if negative and score <= null[k] else x["context"][begin:end]
    return given


def normal(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(gold, given):
    gold, given = normal(gold).split(), normal(given).split()
    if not gold or not given:
        return float(gold == given)
    same = sum((collections.Counter(gold) & collections.Counter(given)).values())
    return 2 * same / (len(gold) + len(given)) if same else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--predictions")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForQuestionAnswering.from_pretrained(args.model)
    collate = DataCollatorWithPadding(tokenizer)
    seconds = train(model, windows(tokenizer, read(args.train), True)[0], collate, args)
    examples = read(args.test)
    given = answers(model, *windows(tokenizer, examples, False), examples, collate)
    if args.predictions:
        with open(args.predictions, "w", encoding="utf-8") as f:
            json.dump(given, f)
    scores = {"all": [], "answerable": [], "unanswerable": []}
    for x in examples:
        gold = x["answers"]["text"] or [""]
        score = max(normal(g) == normal(given[x["id"]]) for g in gold), max(f1(g, given[x["id"]]) for g in gold)
        for name in "all", "answerable" if x["answers"]["text"] else "unanswerable":
            scores[name].append(score)
    for name, values in scores.items():
        if values:
            print(f"{name}: exact {100 * np.mean([v[0] for v in values]):.2f}, f1 {100 * np.mean([v[1] for v in values]):.2f} of {len(values)}")
    print(f"trained in {seconds:.0f} s")


if __name__ == "__main__":
    main()
