#!/usr/bin/env python3
"""Writes tests/golden/text: what transformers and tokenizers give for a small vocabulary over hard text.

  vocab.txt           the vocabulary every variant shares
  variants.json       the files of each variant's model folder (without the vocabulary) and what loading them gives
  <variant>.jsonl     one encoding a line: text, options, ids, offsets ...
  decode.json         ids to text
  code_points.json    checksums over every code point, one a block of 4,096
  utf8.json           bytes to code points with errors="replace"

Usage: make_tokenizer_goldens.py [OUTPUT]        (needs transformers == 5.23.0, tokenizers == 0.23.3)
"""
import json
import os
import random
import sys
import tempfile
import unicodedata
import zlib

import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

PINNED = {"tokenizers": "0.23.3", "transformers": "5.23.0"}
BLOCK = 4096
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the quick brown fox jumps over lazy dog hello world day token izer un affable straße naïve cafe café resume résumé i am not
do n't don it 's is was a an and of in to for with this that model train data text word piece test good bad movie film great
über größe señor привет мир слово γεια κόσμε سلام שלום नमस्ते ไทย 한국 안녕 こんにちは カタカナ hello! MASK sep cls Ünï HELLO World Fox""".split()
SUFFIXES = "s ing ed er est ly ness ment able tion al izer affable fox ab bc llo ld et on".split()
SCRIPTS = [(0x21, 0x7E), (0xA1, 0x17F), (0x386, 0x3CE), (0x410, 0x45F), (0x5D0, 0x5EA), (0x621, 0x64A), (0x905, 0x939), (0xE01, 0xE2E),
           (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x10D0, 0x10F0), (0x531, 0x556)]
ODD = "😀👍🏽👩🚀中国人日本語漢字豈㐀𠀀𪜀𪝀𫝀€°©™½²①Ⅷǅﬁ\u0301\u0327\u0308\u093e\u0e33\u302e\U0001D165"


def vocabulary():
    out = list(SPECIALS)
    seen = set(out)

    def add(t):
        if t not in seen and t:
            seen.add(t)
            out.append(t)

    chars = [chr(c) for a, b in SCRIPTS for c in range(a, b + 1)] + list(ODD)
    for c in chars:
        add(c)
    for c in chars:
        if unicodedata.category(c)[0] in "LNM":
            add("##" + c)
    for w in WORDS:
        add(w)
        add(w.lower())
        add("".join(x for x in unicodedata.normalize("NFD", w.lower()) if unicodedata.category(x) != "Mn"))
    for s in SUFFIXES:
        add("##" + s)
    return out


def token(content, **flags):
    out = dict(content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    out.update(flags)
    return out


def variants(vocab):
    ids = {t: i for i, t in enumerate(vocab)}
    added = [dict(id=i, **token(t, special=True)) for i, t in enumerate(SPECIALS)]
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
        "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
                 {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
    }

    def document(**changes):
        doc = {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": template,
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100},
        }
        doc.update(changes)
        return doc

    def bert(**changes):
        return dict(document()["normalizer"], **changes)

    n = len(vocab)
    flagged = added + [dict(id=n + i, **t) for i, t in enumerate([
        token("<e>", lstrip=True, rstrip=True, special=True), token("Day", single_word=True, normalized=True),
        token("tok", lstrip=True, normalized=True), token("[MASK]x"), token("  y", rstrip=True), token("Σ", normalized=True)])]
    return {
        # A class with arguments: only the vocabulary counts, whatever tokenizer.json says.
        "uncased": {"config.json": {"model_type": "bert"}, "vocab.txt": True, "tokenizer_config.json": {
            "tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}},
        "cased": {"config.json": {"model_type": "bert"}, "vocab.txt": True, "tokenizer_config.json": {
            "tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 1000000000000000019884624838656, "truncation_side": "left"}},
        "cased_strip": {"config.json": {"model_type": "distilbert"}, "vocab.txt": True, "tokenizer_config.json": {
            "tokenizer_class": "DistilBertTokenizerFast", "do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}},
        "lower_keep": {"vocab.txt": True, "tokenizer_config.json": {
            "tokenizer_class": "BertTokenizerFast", "strip_accents": False, "clean_up_tokenization_spaces": True,
            "additional_special_tokens": ["<new>", "[UNK]"], "mask_token": {"__type": "AddedToken", **token("[MASK]", lstrip=True, normalized=True)}}},
        "trap": {"tokenizer.json": document(normalizer=bert(lowercase=False), truncation={
            "direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}),
            "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "cls_token": "[MASK]"}},
        # Classes that take the file as it is.
        "as_is": {"config.json": {"model_type": "bert"}, "tokenizer.json": document(
            normalizer=bert(lowercase=False, clean_text=False), padding={
                "strategy": {"Fixed": 16}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}),
            "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True, "mask_token": "[MASK]"}},
        "added": {"tokenizer.json": document(added_tokens=flagged), "tokenizer_config.json": {"tokenizer_class": "TokenizersBackend"}},
        "added_config": {"vocab.txt": True, "config.json": {"model_type": "bert"}, "tokenizer_config.json": {
            "added_tokens_decoder": {str(n + 2): token("zz top", normalized=True), "4": token("[MASK]", lstrip=True, special=True),
                                     str(n + 1): token("<b>", rstrip=True)},
            "extra_special_tokens": ["<x>"], "model_max_length": 7}},
        "legacy": {"vocab.txt": True, "config.json": {"model_type": "bert"}, "added_tokens.json": {"<old>": n, "<older>": n + 1},
                   "special_tokens_map.json": {"unk_token": "[UNK]", "additional_special_tokens": ["<older>"],
                                               "cls_token": token("[CLS]", rstrip=True)}},
        "bare": {"tokenizer.json": document(normalizer={"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]},
                                            pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Whitespace"}]},
                                            post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, decoder=None)},
        "plain": {"tokenizer.json": document(normalizer=None, pre_tokenizer={"type": "WhitespaceSplit"}, post_processor=None,
                                             model={"type": "WordPiece", "unk_token": "[PAD]", "continuing_subword_prefix": "", "max_input_chars_per_word": 5})},
    }


TEXTS = [
    "", " ", "\t\n", "hello", "Hello, World!", " a", "a ", "the quick brown fox jumps over the lazy dog.", "un" + "affable" * 3, "tokenizers", "İa", "İ", "ı I",
    "e\u0301x", "cafe\u0301 café", "a\u00adb", "a\u200db", "a\ufeffb", "\ufeffhello", "你a", "中国人hello日本語", "豈a", "\U0002F800x", "\U00020000\U0002A700\U0002B740\U0002B820\U0002B920\U0002CEB0\U00030000",
    "x" * 100, "x" * 101, "é" * 101, "a" * 99 + "q" * 2, "hello" * 21, "Ω≈ç√∫˜µ≤≥÷", "ΑΣ ὈΔΥΣΣΕΎΣ", "straße STRASSE ẞ", "ﬁ ﬂ ǅ Ⅷ ① ½ ²", "Å Å Å \u212b", "각 가 힣 ᄀ 각",
    "안녕하세요", "こんにちはカタカナが", "か\u3099 が", "ไทยกำ", "नमस्ते दुनिया", "שָׁלוֹם", "مرحبا بالعالم", "Привет, мир!", "ξεσκεπάζω", "ქართული ᲥᲐᲠ", "հայերեն",
    "\U0001D165\U0001D16E\U0001D165a", "a\u0315\u0300\u05ae\u0301b", "\u0344\u0327a", "\u0f73\u0f71a", "q\u0307\u0323", "\u1e9b\u0323", "\u302e\u302fa", "\u0345\u0301", "a\u1ac0b", "\u1734a", "\U0001E130a",
    "👩\u200d🚀 👍🏽 😀😀", "🏳️\u200d🌈 flag", "1\ufe0f\u20e3", "\x00a\x00", "a\x0bb\x0cc\x1cd\x85e", "a\u2028b\u2029c\u3000d\u00a0e\u1680f\u202fg\u205fh", "a\u180eb\u2060c", "\ufffd\ufffda", "\ue000a\U0010FFFDb",
    "[CLS] a [SEP]", "[MASK]", "a[MASK]b", "[mask] [Mask]", "[[MASK]]", "[MASK", "the [MASK] [MASK]x fox", "  y  y z", " <e>  <e> a<e>b", "Day day DAY days Day.", "a tok b  tok tokens", "Σ σ ς ΑΣ",
    "<new> <x> zz top ZZ  top <b>  a <old><older> old", "don't do n't it's I'm", "a.b,c;d!e?f(g)h[i]j{k}l\"m'n-o_p/q\\r@s#t$u%v^w&x*y+z=", "$100 €5 £3 ¥9 ₹7 «quoted» “quoted” ‘q’ … — – ‑",
    "\u2e43 \u061d \u166d \U000111c9 \U00010a50 \u0964", "ꟑ ꟒ Ꟗ \U00016EA0 \U00010570", "ᏸ Ꭰ ꭰ", "ﷺ", "𝕳𝖊𝖑𝖑𝖔 ｈｅｌｌｏ", "a" + "\u0301" * 60 + "b", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "١٢٣ 123 ১২৩", "\u200e\u200fabc\u202a\u202c", "line1\r\nline2\rline3\n\n", "http://example.com/?q=a&b=c", "user@example.com", "C++ C# F#", "3.14159", "--", "hello##s", "##s", "World HELLO Fox hello! Ünï",
]
PAIRS = [("hello world", "good movie"), ("a b c d e f g h i j", "k l m n o p"), ("", "a"), ("a", ""), ("", ""), ("the quick brown fox", "e\u0301 [SEP] 你"), ("a " * 11, "b " * 10), ("a " * 10, "b " * 10), ("a", "b " * 14)]


def random_text(rng):
    pools = [WORDS, SPECIALS + ["<e>", "Day", "tok", "<x>", "zz top"], list(" \t\n\u3000"), list("\u0301\u0327\u0323\u0308\u093c\u05b4\u0e38\u1ab5\U0001d16d"), list(ODD), [chr(c) for c in range(0xA0, 0x590)]]
    out = []
    for _ in range(rng.randint(2, 12)):
        r = rng.random()
        if r < 0.15:
            while True:
                c = chr(rng.randrange(0x20, 0x2FA20))
                if unicodedata.category(c) not in ("Cs", "Cn"):
                    break
            out.append(c)
        else:
            out.append(rng.choice(rng.choice(pools)) + rng.choice(["", "", " "]))
    return "".join(out)


def encoding(e, nested=True):
    out = {"ids": e.ids, "offsets": [x for o in e.offsets for x in o], "types": e.type_ids, "special": e.special_tokens_mask,
           "sequence": [-1 if s is None else s for s in e.sequence_ids], "words": [-1 if w is None else w for w in e.word_ids]}
    if nested and e.overflowing:
        out["overflow"] = [encoding(o, False) for o in e.overflowing]
    return out


def cases(backend, rng, texts=TEXTS, random_text=random_text):
    todo = [dict(text=t) for t in texts] + [dict(text=random_text(rng)) for _ in range(25)] + [dict(text=a, pair=b) for a, b in PAIRS]
    todo += [dict(text=random_text(rng), pair=random_text(rng)) for _ in range(8)]
    todo += [dict(text=t, special_tokens=False) for t in ("hello [SEP] x", "")] + [dict(text="a b", pair="c", special_tokens=False)]
    ten, six = "a b c d e f g h i j", "k l m n o p"
    for side in ("right", "left"):
        for length in (2, 3, 6, 7, 12, 13):
            todo.append(dict(text=ten, max_length=length, side=side))
        todo.append(dict(text=ten, max_length=6, stride=2, side=side, overflow=True))
        todo.append(dict(text=ten, pair=six, max_length=9, stride=1, side=side, overflow=True))
        todo.append(dict(text=six, pair=ten + " " + ten, max_length=15, stride=3, side=side, strategy="only_second", overflow=True))
        todo.append(dict(text=ten + " " + ten, pair=six, max_length=15, stride=3, side=side, strategy="only_first", overflow=True))
        todo.append(dict(text=ten, max_length=5, stride=4, side=side, special_tokens=False, overflow=True))
        todo.append(dict(text=ten, max_length=2, side=side, overflow=True))
    for a in (0, 1, 4, 7, 8):
        for b in (0, 1, 4, 7, 8):
            for length in (3, 4, 8, 9):
                if (a, b, length) in {(7, 8, 9), (8, 7, 9), (8, 8, 8), (8, 8, 9), (1, 8, 9), (8, 1, 8), (4, 8, 9), (7, 7, 4), (0, 8, 8), (8, 0, 9), (4, 4, 3)}:
                    todo.append(dict(text="a " * a, pair="b " * b, max_length=length))
    for case in todo:
        special = case.get("special_tokens", True)
        try:
            if "max_length" in case:
                backend.enable_truncation(case["max_length"], stride=case.get("stride", 0), strategy=case.get("strategy", "longest_first"), direction=case.get("side", "right"))
            else:
                backend.no_truncation()
            e = backend.encode(case["text"], case.get("pair"), add_special_tokens=special)
        except BaseException:  # a panic of the package: ours is an error, tested elsewhere
            continue
        got = encoding(e, case.get("overflow", False))
        if "max_length" in case and len(got["ids"]) > case["max_length"]:
            continue  # no room for the special tokens: ours is an error
        yield dict(case, **got)


def materialise(folder, files, vocab):
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        path = os.path.join(folder, name)
        if name == "vocab.txt":
            content = "".join(t + "\n" for t in vocab)
            open(path, "w", encoding="utf-8").write(content)
            continue
        if name == "tokenizer.json":
            content = json.loads(json.dumps(content))
            content["model"]["vocab"] = {t: i for i, t in enumerate(vocab)}
        json.dump(content, open(path, "w", encoding="utf-8"))


def facts(t):
    limit = t.model_max_length
    return {
        "pad": t.pad_token_id, "mask": t.mask_token_id if t.mask_token else None, "size": len(t), "limit": -1 if limit > 1e20 else limit,
        "side": t.truncation_side, "specials": [t.num_special_tokens_to_add(False), t.num_special_tokens_to_add(True)],
    }


def decodings(t, rng, texts=TEXTS[:60] + ["do not it ' s don ' t ! ?"]):
    out = []
    for i in range(20):
        ids = [rng.randrange(len(t) + 3) for _ in range(rng.randint(0, 12))] + t.encode(rng.choice(texts))
        for skip in (False, True):
            out.append({"ids": ids, "skip": skip, "text": t.decode(ids, skip_special_tokens=skip)})
    return out


def code_point_checksums():
    def blocks(produce):
        out = []
        for first in range(0, 0x110000, BLOCK):
            text = "\0".join(produce(chr(c)) for c in range(first, first + BLOCK) if not 0xD800 <= c <= 0xDFFF)
            out.append(zlib.crc32(text.encode()))
        return out

    def bert(**on):
        options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
        options.update(on)
        n = normalizers.BertNormalizer(**options)
        return lambda c: n.normalize_str("a" + c + "\u0327" + c + "B")

    def added(**flags):
        t = Tokenizer(models.WordLevel({"u": 0}, unk_token="u"))
        t.add_tokens([AddedToken("X", normalized=False, **flags)])
        return lambda c: " ".join(f"{o[0]}-{o[1]}" for o in t.encode(c + "X" + c).offsets)

    def pieces(p):
        return lambda c: " ".join(f"{a}-{b}" for _, (a, b) in p.pre_tokenize_str("a" + c + c + "b"))

    nfd, lower, strip = normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()
    return {
        "block": BLOCK,
        "clean": blocks(bert(clean_text=True)), "chinese": blocks(bert(handle_chinese_chars=True)), "strip": blocks(bert(strip_accents=True)),
        "lower": blocks(bert(lowercase=True)), "all": blocks(bert(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True)),
        "nfd": blocks(lambda c: nfd.normalize_str("\u0301" + c + "\u0327" + c + "\u0345")), "lowercase": blocks(lambda c: lower.normalize_str(c + "A" + c)),
        "strip_accents": blocks(lambda c: strip.normalize_str("a" + c)), "bert_words": blocks(pieces(pre_tokenizers.BertPreTokenizer())),
        "whitespace_words": blocks(pieces(pre_tokenizers.Whitespace())), "single_word": blocks(added(single_word=True)), "strips": blocks(added(lstrip=True, rstrip=True)),
    }


def utf8_cases(rng):
    odd = ["ff", "c0af", "c1bf", "e08080", "e0a0", "e0a041", "eda080", "edbfbf", "f0808080", "f09080", "f0908041", "f4908080", "f5808080", "80", "bf80", "c3", "c328", "e282", "e28228",
           "f09f98", "f09f9841", "61ff62", "00", "efbbbf61", "efbfbf", "f48fbfbf", "e2e282ac", "f0f09f9880", "c2c2a0"]
    for _ in range(60):
        odd.append(bytes(rng.choice([rng.randrange(256), rng.choice(b"\xe2\x82\xac\xf0\x9f\x98\x80a")]) for _ in range(rng.randint(1, 12))).hex())
    return [{"bytes": h, "chars": [ord(c) for c in bytes.fromhex(h).decode("utf-8", "replace")]} for h in odd]


def main():
    for name, module in (("tokenizers", tokenizers), ("transformers", transformers)):
        if module.__version__ != PINNED[name]:
            sys.exit(f"needs {name} {PINNED[name]}, found {module.__version__}")
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "text")
    os.makedirs(out, exist_ok=True)
    dump = lambda x: json.dumps(x, ensure_ascii=False, separators=(",", ":"))
    vocab = vocabulary()
    open(os.path.join(out, "vocab.txt"), "w", encoding="utf-8").write("".join(t + "\n" for t in vocab))
    table, decoded = {}, {}
    for name, files in variants(vocab).items():
        with tempfile.TemporaryDirectory() as folder:
            materialise(folder, files, vocab)
            t = AutoTokenizer.from_pretrained(folder)
            t._tokenizer.no_padding()
            table[name] = {"files": files, "facts": facts(t)}
            rng = random.Random(name)
            with open(os.path.join(out, name + ".jsonl"), "w", encoding="utf-8") as f:
                for case in cases(t._tokenizer, rng):
                    f.write(dump(case) + "\n")
            t._tokenizer.no_truncation()
            decoded[name] = decodings(t, rng)
    open(os.path.join(out, "variants.json"), "w", encoding="utf-8").write("{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in table.items()) + "\n}\n")
    open(os.path.join(out, "decode.json"), "w", encoding="utf-8").write("{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in decoded.items()) + "\n}\n")
    sums = code_point_checksums()
    open(os.path.join(out, "code_points.json"), "w").write("{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in sums.items()) + "\n}\n")
    open(os.path.join(out, "utf8.json"), "w").write("[\n" + ",\n".join(dump(c) for c in utf8_cases(random.Random(1))) + "\n]\n")


if __name__ == "__main__":
    main()
