#!/usr/bin/env python3
"""Loads the tokenizer folders this program saves with transformers and compares every golden encoding; the other direction is text_test.

Usage: check_tokenizer.py PATH/TO/text_test
"""
import json
import logging
import os
import subprocess
import sys
import tempfile

from transformers import AutoTokenizer

GOLDENS = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", name) for name in ("text", "bpe")]
FIELDS = {"ids": "ids", "types": "type_ids", "special": "special_tokens_mask"}


def check(goldens, folder, variant, facts):
    t = AutoTokenizer.from_pretrained(folder)
    backend = t._tokenizer
    count = 0
    for line in open(os.path.join(goldens, variant + ".jsonl"), encoding="utf-8"):
        case = json.loads(line)
        if "max_length" in case:
            backend.enable_truncation(case["max_length"], stride=case.get("stride", 0), strategy=case.get("strategy", "longest_first"),
                                      direction=case.get("side", "right"))
        else:
            backend.no_truncation()
        e = backend.encode(case["text"], case.get("pair"), add_special_tokens=case.get("special_tokens", True))
        for ours, theirs in FIELDS.items():
            assert case[ours] == getattr(e, theirs), (variant, case, ours, getattr(e, theirs))
        assert case["offsets"] == [x for o in e.offsets for x in o], (variant, case)
        if isinstance(case.get("overflow"), list):
            assert [o["ids"] for o in case["overflow"]] == [o.ids for o in e.overflowing], (variant, case)
        count += 1
    backend.no_truncation()
    limit = t.model_max_length
    got = {"pad": t.pad_token_id, "mask": t.mask_token_id if t.mask_token else None, "size": len(t), "limit": -1 if limit > 1e20 else limit,
           "side": t.truncation_side, "specials": [t.num_special_tokens_to_add(False), t.num_special_tokens_to_add(True)]}
    if "bos" in facts:
        got.update(bos=t.bos_token_id if t.bos_token else None, eos=t.eos_token_id if t.eos_token else None)
    assert got == facts, (variant, got, facts)
    for case in json.load(open(os.path.join(goldens, "decode.json"), encoding="utf-8"))[variant]:
        assert t.decode(case["ids"], skip_special_tokens=case["skip"]) == case["text"], (variant, case)
    return count


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "--gtest_filter=*SavedAndLoadedIsTheSame*", "--gtest_brief=1"], check=True, env=dict(os.environ, ATTUNE_INTEROP_DIR=folder),
                       stdout=subprocess.DEVNULL)
        total = count = 0
        for goldens in GOLDENS:
            for name, body in json.load(open(os.path.join(goldens, "variants.json"), encoding="utf-8")).items():
                total += check(goldens, os.path.join(folder, name), name, body["facts"])
                count += 1
    print(f"{total} encodings of {count} saved tokenizers agree")


if __name__ == "__main__":
    main()
