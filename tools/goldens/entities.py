"""seqeval on noisy, broken and odd tag sequences, in default and strict mode, and the aggregation of transformers' token classification
pipeline on random probabilities.

Schemes are named as seqeval names them; `scheme` is what auto_detect says of the gold ("" where it refuses).
"""
import warnings

import numpy as np
import seqeval.metrics as se
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_prfs
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities, auto_detect

from . import common

SCHEMES = {"IOB1": IOB1, "IOB2": IOB2, "IOBES": IOBES, "BILOU": BILOU}
TYPES = ["PER", "LOC", "ORG", "creative-work", "Ä"]


def entities(g, length, types):
    spans, at = [], 0
    while at < length:
        if g.random() < 0.35:
            end = min(length, at + int(g.integers(1, 4)))
            spans.append((str(g.choice(types)), at, end))
            at = end
        else:
            at += 1
    return spans


def tags(spans, length, scheme):
    out = ["O"] * length
    last = None
    for kind, begin, end in spans:
        touching = last is not None and last[2] == begin and last[0] == kind
        for i in range(begin, end):
            single, first, final = end - begin == 1, i == begin, i == end - 1
            if scheme == "IOB2":
                letter = "B" if first else "I"
            elif scheme == "IOB1":
                letter = "B" if first and touching else "I"
            else:
                close, one = ("E", "S") if scheme == "IOBES" else ("L", "U")
                letter = one if single else "B" if first else close if final else "I"
            out[i] = f"{letter}-{kind}"
        last = (kind, begin, end)
    return out


def noisy(g, gold, letters, types):
    """Some tags replaced by any tag of the scheme, valid in their place or not."""
    return [str(g.choice(["O"] + [f"{x}-{t}" for x in letters for t in types])) if g.random() < 0.2 else t for t in gold]


def averages(prfs, gold, predicted, **options):
    out = {}
    for average in ("micro", "macro", "weighted"):
        p, r, f, s = prfs(gold, predicted, average=average, **options)
        out[average] = [float(p), float(r), float(f), int(s)]
    return out


def case(name, gold, predicted, strict=None):
    out = {"name": name, "gold": gold, "predicted": predicted, "accuracy": float(se.accuracy_score(gold, predicted)),
           "spans": [[list(e) for e in get_entities(s)] for s in predicted],
           **averages(se.sequence_labeling.precision_recall_fscore_support, gold, predicted),
           "report_4": se.classification_report(gold, predicted, digits=4), "report_2": se.classification_report(gold, predicted, digits=2)}
    if strict:
        scheme = SCHEMES[strict]
        try:
            detected = auto_detect(gold).__name__
        except ValueError:
            detected = ""
        out["strict"] = {"scheme": strict, "detected": detected,
                         "spans": [[[e.tag, e.start, e.end] for e in s] for s in Entities(predicted, scheme).entities],
                         **averages(strict_prfs, gold, predicted, scheme=scheme),
                         "report_4": se.classification_report(gold, predicted, digits=4, mode="strict", scheme=scheme)}
    return out


def cases():
    g = common.rng("seqeval")
    letters = {"IOB2": "BI", "IOB1": "BI", "IOBES": "BIES", "BILOU": "BILU"}
    for scheme in letters:
        for sentences, types in ((1, 1), (6, 3), (40, 5)):
            lengths = [int(g.integers(1, 14)) for _ in range(sentences)]
            gold = [tags(entities(g, n, TYPES[:types]) or [(TYPES[0], 0, 1)], n, scheme) for n in lengths]
            yield case(f"{scheme} {sentences}x{types}", gold, [noisy(g, s, letters[scheme], TYPES[:types]) for s in gold], scheme)
    many = [f"T{i:02d}" for i in range(19)]
    gold = [tags(entities(g, 60, many), 60, "IOB2") for _ in range(6)]
    yield case("nineteen types", gold, [noisy(g, s, "BI", many) for s in gold], "IOB2")
    long_name = ["a type whose name is longer than the table's first column"]
    gold = [tags([(long_name[0], 0, 2)], 3, "IOB2")]
    yield case("long name", gold, gold, "IOB2")
    yield case("nothing found", [["B-X", "I-X", "O"]], [["O", "O", "O"]], "IOB2")
    yield case("nothing there", [["O", "O", "O"]], [["O", "B-X", "O"]], "IOB2")
    odd = [["I-PER"], ["B-PER", "I-ORG"], ["B-X", "E-X", "E-X"], ["S-X", "I-X"], ["L-X", "U-X"], ["B", "I", "O"], ["PER"], ["B-A-B", "I-A-B"], ["B-X"], ["I-X"],
           [".", "I-X", ".-X", "I-X"], ["L", "L-_", "B"], ["O", "L", "O"], ["é-X", "I-X"], ["B_X", "I_X"], ["I--X", "B-X-"], ["OTHER", "B-"], ["E", "S", "E", "I"]]
    yield case("odd tags", odd, [list(reversed(s)) for s in odd])
    wild = [str(a) + str(b) for a in "BIESLUO.x" for b in ("", "-A", "-B", "-A-B")]
    for k in range(6):
        gold = [[str(t) for t in g.choice(wild, int(g.integers(1, 9)))] for _ in range(12)]
        yield case(f"wild {k}", gold, [[str(t) for t in g.choice(wild, len(s))] for s in gold])


class FakeTokenizer:
    """What the pipeline's aggregation asks of a tokenizer."""

    def convert_tokens_to_string(self, tokens):
        return " ".join(tokens)


def aggregation_cases():
    from types import SimpleNamespace

    from transformers.pipelines.token_classification import AggregationStrategy, TokenClassificationPipeline

    g = common.rng("aggregation")
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]
    pipeline = object.__new__(TokenClassificationPipeline)
    pipeline.tokenizer = FakeTokenizer()
    pipeline.model = SimpleNamespace(config=SimpleNamespace(id2label=dict(enumerate(labels))))
    for k in range(12):
        n = int(g.integers(1, 16))
        logits = np.round(g.normal(0, 2.5, (n, len(labels))), 3).astype(np.float32)
        if k == 11:
            logits[:, 0] = 20  # all outside
        subword = [bool(i > 0 and g.random() < 0.35) for i in range(n)]
        starts = np.cumsum([2 if s else 4 for s in subword]).tolist()
        scores = np.exp(logits - logits.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        out = {"logits": logits, "subword": [int(s) for s in subword], "starts": starts, "ends": [s + 2 for s in starts], "labels": labels}
        for strategy in AggregationStrategy:
            pre = [{"word": "w", "scores": scores[i], "start": starts[i], "end": starts[i] + 2, "index": i, "is_subword": subword[i]} for i in range(n)]
            found = [e for e in pipeline.aggregate(pre, strategy) if e.get("entity") != "O" and e.get("entity_group") != "O"]
            out[strategy.value] = [[e.get("entity_group", e.get("entity")), int(e["start"]), int(e["end"]), float(e["score"])] for e in found]
        yield out


def make():
    warnings.filterwarnings("ignore")
    common.write_json(common.OUT / "entities.json", {"seqeval": list(cases()), "aggregation": list(aggregation_cases())})
