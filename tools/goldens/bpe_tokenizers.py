"""Byte-level BPE tokenizers in the shapes of GPT-2, RoBERTa, Llama 3, SmolLM2 and Qwen2, and odd ones, over hard text: tests/golden/bpe.

  models.json       name -> {tokens in the order of their ids, merges}: what was trained
  variants.json     as in tests/golden/text; "model" names the vocabulary and merges of a variant
  <variant>.jsonl   one encoding a line
  decode.json       ids to text
  code_points.json  checksums of how each pre-tokeniser cuts every code point, one a block of 4,096
"""
import json
import os
import random
import tempfile
import zlib
from pathlib import Path

import make_tokenizer_goldens as plain
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer

from . import common

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}|"
         r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = {"gpt2": ["<|endoftext|>"], "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
            "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            "smollm": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<file_sep>"], "chars": ["<unk>", "<pad>"]}
MISSING = [0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)]  # bytes without a token in SmolLM2

CORPUS = plain.WORDS * 8 + """the movie was not very good but the actors were great and I don't think they'll make another one
def main(): return [x for x in range(10) if x % 2 == 0]
It's 2024, and there are 1234567 reasons why we've waited; she'd said that HE'LL come, they're here and I'm not
naïve café résumé über straße señor façade Привет мир слово это не так こんにちは 世界 日本語 中文字符 한국어 안녕 emoji 😀 😃 😄 👍🏽
    indented text with   many    spaces and	tabs

and blank lines, like "this" or 'that' (or {those}) -- and... so on? yes! http://example.com/a/b?c=d&e=f user@example.com""".split("\n") * 6

TEXTS = """don't DON'T I'll i'LL we've they're it's IT'S 's'S x'ſ y'K 'tis '' ' 's ''s a''s a'b
1 12 123 1234 12345 1,234.5 ½ ² ⅷ Ⅷ ① ٣ १२३ 一二三 a1b22c333 x² 3D 1st
the quick brown fox jumped over the lazy dog
İstanbul ẞ ß Straße ﬁ ﬀ ǅ ʼn ŉ İa
<|endoftext|> a<|endoftext|>b <|endoftext|><|endoftext|> <|endoftext|
I <mask> x <mask> a<mask>b<mask>  <mask>	<mask>y
<s> a</s><s>b </s> <pad><unk>
<|begin_of_text|><|start_header_id|>user<|end_header_id|> hi<|eot_id|>
<|im_start|>user hello<|im_end|> <file_sep>
[CLS] [SEP] [MASK] ##ing
é é e\u0301 e\u0301\u0301 \u0301 a\u0301b q\u0307\u0323 \u1e9b\u0323 각 가\u11a8 \u1100\u1161\u11a8 가\u1161 \u09c7\u09be \u212b \u0344 \u0958 ά \u0f73\u0f71
a\u0315\u0300\u05ae\u0301b \u05d0\u05b4\u05bc \u0e33 \u302e\u302fa \U0001d15e\U0001d16e \U00011935\U00011930 \u1b05\u1b35
👩\u200d👩\u200d👧 🏳️\u200d🌈 👍🏽 🇩🇪 1\ufe0f\u20e3 😀😃😄 \U0001fae8 \U0001f979
中文 测试,这是。日本語テスト ไทยกำ हिन्दी עִבְרִית العربية
\u180e a\u180eb \u0085 x\u0085y \u00a0 a\u00a0b \u2028 \u2029 \u3000 \u200b \ufeffa \u1680 \u202f
\ufffd \ufffd\ufffda \ue000 \U0010fffd \x00a\x00 \x01\x02\x13\x04\x1b[0m \x7f
\u1c89\u1c8a \ua7cb\ua7da \U00010d40\U00010d41 \U00010d4a \U00016d40 \U0001ccf0 \u0897 \U00011f50 \U0001e4d0 \u2ffc \u31e4 \U0002ebf0 \U00031350
http://www.example.com/path?x=1&y=2 user.name@mail.example.org C++ C# a_b-c/d\\e {[(<>)]} #!/bin/bash $100 €5 100%""".split("\n")
SPACED = ["", " ", "  ", "   ", "\n", "\n\n", " \n", "\n ", "\t", " a", "  a", "   a", "a ", "a  ", "a  b", "a   b", "a\nb", "a \nb", "a\n b", "a\n\n b", "a\r\nb", "a\r\n\r\n  b",
          "  12", "a  12", "\n\n1. One", "   9", "\t\tx", " \t x", "x \u3000 y", "\u00a0\u00a0a", "(foo)!\n\nbar", "end.\n", "a\n\n\n", "  x", " <mask> x", "x  <mask>  y", " <|endoftext|> x", "hello   ",
          "def f(x):\n    return x ** 2\n\n\nprint(f(10))\n", "a" * 99, "ab" * 40, "hello" * 15, "é" * 25, "😀" * 9, "1" * 25, " " * 40, "!" * 30, "\n" * 20, "a " * 20, "aB" * 12, "Hello, World! It's 2024."]


def byte_character(b):
    odd = [x for x in range(256) if not (33 <= x <= 126 or 161 <= x <= 172 or x >= 174)]
    return chr(0x100 + odd.index(b)) if b in odd else chr(b)


def learn(name, pre, alphabet, size):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, special_tokens=SPECIALS[name], show_progress=False))
    model = json.loads(t.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {"tokens": tokens, "merges": [" ".join(m) for m in model["merges"]]}


def trained():
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    cut = lambda pattern: pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    out = {"gpt2": learn("gpt2", byte_level, alphabet, 620), "roberta": learn("roberta", byte_level, alphabet, 560),
           "llama3": learn("llama3", cut(LLAMA3), alphabet, 640), "smollm": learn("smollm", digits, alphabet, 560),
           "chars": learn("chars", pre_tokenizers.WhitespaceSplit(), [], 300)}
    lost = {byte_character(b) for b in MISSING}
    model = out["smollm"]
    model["tokens"] = [t for t in model["tokens"] if t not in lost]
    assert not [m for m in model["merges"] if set(m) & lost]
    # "Llama 3": tokens that no merge makes, found only because ignore_merges takes the whole word.
    out["llama3"]["tokens"] += ["ĠWorld!!", "Ġunmergeable", "ĠÃ©Ã©", "xyzzy"]
    out["chars"]["tokens"] += [f"<0x{b:02X}>" for b in range(0x80)] + ["<0xC3>", "<0xA9>"]
    return out


def added(model, names, **flags):
    ids = {t: i for i, t in enumerate(model["tokens"])}
    return [dict(id=ids[n], **plain.token(n, special=True, **flags.get(n, {}))) for n in names]


def document(_, /, **parts):
    out = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": BYTE_DECODER,
           "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                     "byte_fallback": False, "ignore_merges": False}}
    out["model"].update(parts.pop("model", {}))
    out.update(parts)
    return out


def byte_level(add_prefix_space=False, trim_offsets=True, use_regex=True):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets, "use_regex": use_regex}


BYTE_DECODER = byte_level(True, True, True)


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def pre(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def template(model, before="", pair_types=(0, 1)):
    ids = {t: i for i, t in enumerate(model["tokens"])}
    special = lambda kind: [{"SpecialToken": {"id": before, "type_id": kind}}] if before else []
    text = lambda name, kind: [{"Sequence": {"id": name, "type_id": kind}}]
    return {"type": "TemplateProcessing", "single": special(0) + text("A", 0), "pair": special(pair_types[0]) + text("A", pair_types[0]) + special(pair_types[1]) + text("B", pair_types[1]),
            "special_tokens": {before: {"id": before, "ids": [ids[before]], "tokens": [before]}} if before else {}}


def variants(trained):
    g, r, l, s, c = (trained[k] for k in ("gpt2", "roberta", "llama3", "smollm", "chars"))
    fast = {"tokenizer_class": "PreTrainedTokenizerFast"}
    mask = {"<mask>": {"lstrip": True}}
    roberta = dict(type="RobertaProcessing", sep=["</s>", 2], cls=["<s>", 0])
    n = len(s["tokens"])
    return {
        "gpt2": ("gpt2", {"vocab.json": True, "merges.txt": True, "config.json": {"model_type": "gpt2"}, "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024}}),
        "gpt2_prefix": ("gpt2", {"tokenizer.json": document(g, pre_tokenizer=byte_level(), post_processor=byte_level(True, True), added_tokens=added(g, SPECIALS["gpt2"])),
                                 "tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True, "pad_token": "<|endoftext|>", "add_bos_token": True}}),
        "gpt2_bos": ("gpt2", {"vocab.json": True, "merges.txt": True, "config.json": {"model_type": "gpt2"}, "tokenizer_config.json": {"add_bos_token": True, "clean_up_tokenization_spaces": True}}),
        "gpt2_trim": ("gpt2", {"tokenizer.json": document(g, pre_tokenizer=byte_level(), post_processor=byte_level(False, True), added_tokens=added(g, SPECIALS["gpt2"])), "tokenizer_config.json": fast}),
        "roberta": ("roberta", {"vocab.json": True, "merges.txt": True, "config.json": {"model_type": "roberta"}, "tokenizer_config.json": {
            "tokenizer_class": "RobertaTokenizer", "model_max_length": 512, "mask_token": {"__type": "AddedToken", **plain.token("<mask>", lstrip=True, special=True)}}}),
        "roberta_bare": ("roberta", {"vocab.json": True, "merges.txt": True, "config.json": {"model_type": "roberta"}}),
        "roberta_file": ("roberta", {"tokenizer.json": document(r, pre_tokenizer=byte_level(True), added_tokens=added(r, SPECIALS["roberta"], **mask), post_processor=dict(roberta, trim_offsets=True, add_prefix_space=True)),
                                     "tokenizer_config.json": dict(fast, mask_token="<mask>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", truncation_side="left")}),
        "roberta_untrimmed": ("roberta", {"tokenizer.json": document(r, pre_tokenizer=byte_level(), added_tokens=added(r, SPECIALS["roberta"], **{"<mask>": {"rstrip": True}, "<pad>": {"lstrip": True, "rstrip": True}}),
                                                                     post_processor=dict(roberta, trim_offsets=False, add_prefix_space=False)), "tokenizer_config.json": {"tokenizer_class": "RobertaTokenizerFast", "trim_offsets": False, "add_prefix_space": True}}),
        "llama3": ("llama3", {"tokenizer.json": document(l, pre_tokenizer=pre(split(LLAMA3), byte_level(False, True, False)), added_tokens=added(l, SPECIALS["llama3"]), model={"ignore_merges": True},
                                                         post_processor={"type": "Sequence", "processors": [byte_level(True, False, True), template(l, "<|begin_of_text|>")]}),
                              "config.json": {"model_type": "llama"}, "tokenizer_config.json": dict(fast, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", clean_up_tokenization_spaces=True, model_max_length=131072)}),
        "llama3_trim": ("llama3", {"tokenizer.json": document(l, pre_tokenizer=pre(split(CASED, "Removed", True), byte_level(True, True, False)), added_tokens=added(l, SPECIALS["llama3"], **{"<|eot_id|>": {"rstrip": True, "lstrip": True}}),
                                                              post_processor={"type": "Sequence", "processors": [byte_level(True, True, True), template(l, "<|begin_of_text|>", (0, 0))]}),
                                   "tokenizer_config.json": dict(fast, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")}),
        "smollm": ("smollm", {"tokenizer.json": document(s, pre_tokenizer=pre({"type": "Digits", "individual_digits": True}, byte_level()), added_tokens=added(s, SPECIALS["smollm"])),
                              "config.json": {"model_type": "llama"}, "chat_template.jinja": True,
                              "tokenizer_config.json": dict(fast, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>", unk_token="<|endoftext|>", model_max_length=8192)}),
        # What transformers makes of the same file under the class the published folder names: the file's pre-tokeniser is not used.
        "smollm_class": ("smollm", {"tokenizer.json": document(s, pre_tokenizer=pre({"type": "Digits", "individual_digits": True}, byte_level()), added_tokens=added(s, SPECIALS["smollm"])),
                                    "config.json": {"model_type": "llama"}, "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}}),
        "qwen2": ("llama3", {"tokenizer.json": document(l, normalizer={"type": "NFC"}, pre_tokenizer=pre(split(QWEN2), byte_level(False, False, False)), post_processor=byte_level(False, False, False),
                                                        added_tokens=added(l, SPECIALS["llama3"]) + [dict(id=len(l["tokens"]), **plain.token("café", normalized=True, single_word=True))]),
                             "tokenizer_config.json": dict(fast, eos_token="<|eot_id|>")}),
        "spaces": ("gpt2", {"tokenizer.json": document(g, pre_tokenizer=pre(split(" ", "MergedWithNext", kind="String"), split(r"\p{N}+", "Contiguous"), split(r"[\p{P}\p{S}]", "MergedWithPrevious"), byte_level(False, True, True)),
                                                       post_processor=byte_level(False, True)), "tokenizer_config.json": fast}),
        "splits": ("gpt2", {"tokenizer.json": document(g, pre_tokenizer=pre(split(r"\s*[\r\n]+|\p{L}*", "MergedWithNext"), split("o", "Removed", kind="String"), {"type": "Digits", "individual_digits": False}, split("[aeiou]", "MergedWithPrevious", True),
                                                                            split("(?<=l)l|^t|d$", "Isolated"), byte_level(True, True, False))), "tokenizer_config.json": fast}),
        "chars": ("chars", {"tokenizer.json": document(c, pre_tokenizer={"type": "WhitespaceSplit"}, decoder=None, model={"unk_token": "<unk>", "fuse_unk": True}, added_tokens=added(c, SPECIALS["chars"])), "tokenizer_config.json": fast}),
        "chars_bytes": ("chars", {"tokenizer.json": document(c, normalizer={"type": "Lowercase"}, decoder=None, model={"unk_token": "<unk>", "byte_fallback": True}), "tokenizer_config.json": fast}),
        "chars_lost": ("chars", {"tokenizer.json": document(c, normalizer={"type": "NFD"}, pre_tokenizer=pre({"type": "BertPreTokenizer"}), decoder=None, model={"continuing_subword_prefix": "", "end_of_word_suffix": ""}), "tokenizer_config.json": fast}),
    }


def materialise(folder, files, model):
    for name, content in files.items():
        path = folder / name
        if name == "vocab.json":
            path.write_text(json.dumps({t: i for i, t in enumerate(model["tokens"])}, ensure_ascii=False), encoding="utf-8")
        elif name == "merges.txt":
            path.write_text("#version: 0.2\n" + "".join(m + "\n" for m in model["merges"]), encoding="utf-8")
        elif name == "chat_template.jinja":
            path.write_text("{{ messages }}", encoding="utf-8")
        else:
            content = json.loads(json.dumps(content))
            if name == "tokenizer.json":
                content["model"]["vocab"] = {t: i for i, t in enumerate(model["tokens"])}
                content["model"]["merges"] = [m.split(" ") for m in model["merges"]]
            path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def random_text(rng):
    pools = [plain.WORDS, [s for names in SPECIALS.values() for s in names], list(" \t\n\u3000\r") + ["  ", "\n\n"], list("0123456789²½٣"), list("'\u0301\u0327\u0323") + ["'s", "'LL", "'re"], list(plain.ODD), SPACED[10:40]]
    out = []
    for _ in range(rng.randint(2, 12)):
        if rng.random() < 0.15:
            while True:
                c = chr(rng.randrange(0x20, 0x32000))
                if plain.unicodedata.category(c) != "Cs":
                    break
            out.append(c)
        else:
            out.append(rng.choice(rng.choice(pools)) + rng.choice(["", "", " "]))
    return "".join(out)


def code_point_checksums():
    """Of the pieces (their offsets) of a text that holds every code point of a block in several places."""
    def block_texts(form):
        for first in range(0, 0x110000, plain.BLOCK):
            yield "".join(form(chr(c)) for c in range(first, first + plain.BLOCK) if not 0xD800 <= c <= 0xDFFF)

    def blocks(p):
        cut = (p.pre_tokenize_str(text) for text in block_texts(lambda c: f"a{c}1{c}.{c} {c}{c}'{c}\n"))
        return [zlib.crc32(" ".join(f"{a}-{b}" for _, (a, b) in pieces).encode()) for pieces in cut]

    nfc = normalizers.NFC()
    composed = [zlib.crc32(nfc.normalize_str(text).encode()) for text in block_texts(lambda c: f"e{c}\u0301{c}\u0345\u1161")]
    split_by = lambda pattern: pre_tokenizers.Split(Regex(pattern), "isolated")
    return {"block": plain.BLOCK, "gpt2": blocks(pre_tokenizers.ByteLevel(add_prefix_space=False)), "llama3": blocks(split_by(LLAMA3)), "cased": blocks(split_by(CASED)),
            "punctuation": blocks(split_by(r"[\p{P}\p{S}]+|\p{M}+|\p{Z}|\p{C}")), "digits": blocks(pre_tokenizers.Digits(individual_digits=True)),
            "nfc": composed, "patterns": {"llama3": LLAMA3, "cased": CASED, "punctuation": r"[\p{P}\p{S}]+|\p{M}+|\p{Z}|\p{C}"}}


def make():
    out = common.fresh(common.OUT / "bpe")
    dump = lambda x: json.dumps(x, ensure_ascii=False, separators=(",", ":"))
    rows = lambda table: "{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in table.items()) + "\n}\n"
    models_by_name = trained()
    table, decoded = {}, {}
    texts = TEXTS + SPACED + plain.TEXTS[7:60:7]
    for name, (model, files) in variants(models_by_name).items():
        with tempfile.TemporaryDirectory() as temporary:
            materialise(Path(temporary), files, models_by_name[model])
            t = AutoTokenizer.from_pretrained(temporary)
            t._tokenizer.no_padding()
            facts = dict(plain.facts(t), bos=t.bos_token_id if t.bos_token else None, eos=t.eos_token_id if t.eos_token else None)
            table[name] = {"model": model, "files": files, "facts": facts}
            rng = random.Random(name)
            with open(out / (name + ".jsonl"), "w", encoding="utf-8") as f:
                for case in plain.cases(t._tokenizer, rng, texts, random_text):
                    f.write(dump(case) + "\n")
            t._tokenizer.no_truncation()
            decoded[name] = plain.decodings(t, rng, texts)
    (out / "models.json").write_text(rows(models_by_name), encoding="utf-8")
    (out / "variants.json").write_text(rows(table), encoding="utf-8")
    (out / "decode.json").write_text(rows(decoded), encoding="utf-8")
    (out / "code_points.json").write_text(rows(code_point_checksums()), encoding="utf-8")
