"""SQuAD scores of noisy predictions, and n-best answers of random logits.

The functions below are written from docs/formats.md, sections 10.2 and 10.3, in the terms of the two reference programs: the official
evaluation script of SQuAD 2.0 (Rajpurkar, Jia, Liang, 2018) and postprocess_qa_predictions of transformers' run_qa example. With
SQUAD_METRICS_FILE and UTILS_QA_FILE (squad_metrics.py of a transformers 4 wheel; the example's utils_qa.py) the originals are run
beside them and must agree.
"""
import collections
import os
import re
import string
import types

import numpy as np

from . import common

HARD = ["The  cat's An a", "a.an", "theatre the-end", "École, the!", "‘the’ — x", "_the_ a_b", "U.S.", "the", "", "   ", "İstanbul", "ΑΣ ΟΔΟΣ", "ΑΣ.Α", "ΣΑΣ'", "the\u0301 cat",
        "a\u00a0b the\u2003an", "ＴＨＥ ａ", "An\u200ban", "２００ the²", "1,000 a1 a", "Straße THE", "ǅ the ǅ", "the\x1cend\x85a", "ªan an", "中the文 the", "a'b", "$5.00–$6", "Ⅷ THE ⅷ", "ꙮ the a"]


def normalize(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def f1(gold, predicted):
    g, p = normalize(gold).split(), normalize(predicted).split()
    if not g or not p:
        return float(g == p)
    same = sum((collections.Counter(g) & collections.Counter(p)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(p), same / len(g)
    return 2 * precision * recall / (precision + recall)


def raw(questions, predictions):
    exact, f = {}, {}
    for key, gold in questions.items():
        golds = [a for a in gold if normalize(a)] or [""]
        exact[key] = max(float(normalize(a) == normalize(predictions[key])) for a in golds)
        f[key] = max(f1(a, predictions[key]) for a in golds)
    return exact, f


def mean(scores, keys=None):
    keys = list(scores) if keys is None else keys
    return 100.0 * sum(scores[k] for k in keys) / len(keys)


def best(questions, predictions, scores, odds):
    now = top = sum(1 for g in questions.values() if not g)
    threshold = 0.0
    for key in sorted(odds, key=lambda k: odds[k]):
        now += scores[key] if questions[key] else (-1 if predictions[key] else 0)
        if now > top:
            top, threshold = now, odds[key]
    return 100.0 * top / len(scores), threshold


def evaluate(questions, predictions, odds, limit):
    exact, f = raw(questions, predictions)
    out = {}
    shown = [({k: float(not questions[k]) if odds[k] > limit else v for k, v in s.items()} if limit is not None else s) for s in (exact, f)]
    for prefix, keys in (("", list(questions)), ("HasAns_", [k for k in questions if questions[k]]), ("NoAns_", [k for k in questions if not questions[k]])):
        if keys:
            out[prefix + "exact"], out[prefix + "f1"], out[prefix + "total"] = mean(shown[0], keys), mean(shown[1], keys), len(keys)
    out["best_exact"], out["best_exact_thresh"] = best(questions, predictions, exact, odds)
    out["best_f1"], out["best_f1_thresh"] = best(questions, predictions, f, odds)
    return out


def original(variable, name):
    path = os.environ.get(variable)
    if not path:
        return None
    source = open(path, encoding="utf-8").read()
    source = re.sub(r"^from \.\.\..*$", "", source, flags=re.M).replace("logger = logging.get_logger(__name__)", "import logging; logger = logging.getLogger('x')")
    module = types.ModuleType(name)
    exec(compile(source, path, "exec"), module.__dict__)
    return module


def score_case(g, name, count, noise, no_answers, limit, check):
    words = ["the", "a", "Normans", "in", "France", "10th", "century", "U.S.", "école", "Straße", "—", "an", "'s"]
    text = lambda: " ".join(str(w) for w in g.choice(words, int(g.integers(1, 6)))) if g.random() > 0.1 else str(g.choice(HARD))
    questions, predictions, odds = {}, {}, {}
    for i in range(count):
        key = f"q{i}"
        questions[key] = [] if g.random() < no_answers else [text() for _ in range(int(g.integers(1, 4)))]
        u = g.random()
        predictions[key] = str(g.choice(questions[key])) if questions[key] and u > noise else "" if u < noise / 2 else text()
        odds[key] = round(float(g.normal(0, 4)), 2)
    result = evaluate(questions, predictions, odds, limit)
    if check:
        examples = [types.SimpleNamespace(qas_id=k, answers=[{"text": t} for t in v]) for k, v in questions.items()]
        theirs = check.squad_evaluate(examples, predictions, odds, 1e9 if limit is None else limit)
        assert dict(theirs).keys() == result.keys() and all(abs(theirs[k] - result[k]) < 1e-9 for k in result), (theirs, result)
    return {"name": name, "limit": limit, "gold": list(questions.values()), "predicted": list(predictions.values()), "odds": list(odds.values()), "result": result}


def answers(context, windows, none, n_best, longest, threshold):
    """windows: (start logits, end logits, offsets or None)."""
    null, found = None, []
    for start, end, offsets in windows:
        score = start[0] + end[0]
        if null is None or null["score"] > score:
            null = {"offsets": (0, 0), "score": score, "start_logit": start[0], "end_logit": end[0]}
        for s in np.argsort(start)[::-1][:n_best]:
            for e in np.argsort(end)[::-1][:n_best]:
                if offsets[s] is None or offsets[e] is None or e < s or e - s + 1 > longest:
                    continue
                found.append({"offsets": (offsets[s][0], offsets[e][1]), "score": start[s] + end[e], "start_logit": start[s], "end_logit": end[e]})
    if none:
        found.append(null)
    kept = sorted(found, key=lambda x: x["score"], reverse=True)[:n_best]
    if none and not any(p["offsets"] == (0, 0) for p in kept):
        kept.append(null)
    kept = [{"text": context[p["offsets"][0]:p["offsets"][1]], **p} for p in kept]
    if not kept or (len(kept) == 1 and kept[0]["text"] == ""):
        kept.insert(0, {"text": "empty", "start_logit": 0.0, "end_logit": 0.0, "score": 0.0})
    scores = np.array([p["score"] for p in kept], dtype=np.float64)
    weights = np.exp(scores - scores.max())
    for p, w in zip(kept, weights / weights.sum()):
        p["probability"] = float(w)
    answer, difference = kept[0]["text"], None
    if none:
        first = next(p for p in kept if p["text"])
        difference = float(null["score"] - first["start_logit"] - first["end_logit"])
        answer = "" if difference > threshold else first["text"]
    return answer, difference, kept


def answer_case(g, k, check):
    letters = "abc défghi 中文 jklm nop"
    context = "".join(str(c) for c in g.choice(list(letters), 60))
    offsets = [(i, i + 2) for i in range(0, 60, 2)]
    windows, at = [], 0
    question = int(g.integers(1, 5))
    size = int(g.integers(6, 20))
    while True:
        part = offsets[at:at + size]
        n = 1 + question + 1 + len(part) + 1
        start, end = (g.normal(0, 3, n).astype(np.float32) for _ in range(2))
        if k == 7:
            start[:], end[:] = -9 - np.arange(n) / 100, -9 - np.arange(n) / 100
            start[0] = end[0] = 5
        windows.append((start, end, [None] * (question + 2) + part + [None]))
        if at + size >= len(offsets):
            break
        at += max(1, size // 2)
    none, n_best = bool(k % 2), [20, 3, 1, 5][k % 4]
    longest, threshold = [30, 3, 8][k % 3], [0.0, -6.0, 2.5][k % 3]
    answer, difference, kept = answers(context, windows, none, n_best, longest, threshold)
    if check:
        width = max(len(w[0]) for w in windows)
        pad = lambda x: np.pad(x, (0, width - len(x)), constant_values=-1e9)
        features = [{"example_id": "x", "offset_mapping": w[2] + [None] * (width - len(w[2]))} for w in windows]

        class Examples(list):
            def __getitem__(self, i):
                return [x["id"] for x in self] if i == "id" else super().__getitem__(i)

        check.tqdm = lambda x: x
        theirs = check.postprocess_qa_predictions(Examples([{"id": "x", "context": context}]), features, (np.stack([pad(w[0]) for w in windows]), np.stack([pad(w[1]) for w in windows])),
                                                  none, n_best, longest, threshold)
        assert theirs["x"] == answer, (theirs, answer)
    return {"context": context, "may_have_none": none, "n_best_size": n_best, "max_answer_length": longest, "threshold": threshold,
            "windows": [{"start": w[0], "end": w[1], "offsets": [list(o) if o else [-1, -1] for o in w[2]]} for w in windows],
            "answer": answer, "null_odds": difference,
            "candidates": [{"text": p["text"], "score": float(p["score"]), "probability": p["probability"]} for p in kept]}


def make():
    scorer, searcher = original("SQUAD_METRICS_FILE", "squad_metrics"), original("UTILS_QA_FILE", "utils_qa")
    g = common.rng("squad")
    if scorer:
        assert all(scorer.normalize_answer(t) == normalize(t) for t in HARD)
    cases = [score_case(g, f"{n} questions, noise {noise}, {no:.0%} without answer, limit {limit}", n, noise, no, limit, scorer)
             for n, noise, no, limit in ((1, 0.0, 0.0, None), (40, 0.4, 0.0, None), (40, 0.4, 0.5, None), (200, 0.5, 0.5, 1.0), (60, 1.0, 0.9, 0.0), (30, 0.7, 1.0, None))]
    common.write_json(common.OUT / "squad.json", {"normalized": [[t, normalize(t)] for t in HARD], "pairs": [[a, b, f1(a, b)] for a in HARD[:12] for b in HARD[:12]],
                                                  "scores": cases, "answers": [answer_case(g, k, searcher) for k in range(12)]})
