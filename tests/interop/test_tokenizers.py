"""Ids, tokens, offsets, types and masks equal the fast tokenizers', from tokenizer.json, vocab.txt, vocab.json and merges.txt."""
import json
import random
import unicodedata

from transformers import AutoTokenizer

from support import GOLDEN, ROOT, InteropTest, make_texts, model_folder, read_rows, write_rows


def hard_texts(seed: int, count: int) -> list:
    """Text of every kind of code point: combining marks, controls, CJK, emoji, spaces, private use, and specials in the text."""
    r = random.Random(seed)
    pieces = ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "[mask]", "##ing", "don't", "İstanbul", "ǅ", "ﬁ", "e\u0301", "ẞ", "한국어", "ไทย",
              "हिन्दी", "👩‍👩‍👧", "🇩🇪", "\u00ad", "\u200b", "\ufeff", "\u2028", "\x00", "\x07", "\x85", "\u3000", "…", "¿", "a" * 120, "\U0001d400", "Å", "1,000.5"]
    spaces = [" ", "", "  ", "\t", "\n", "\u00a0"]
    out = []
    for _ in range(count):
        parts = []
        for _ in range(r.randint(1, 10)):
            if r.random() < 0.5:
                parts.append(r.choice(pieces))
            else:
                while True:
                    c = chr(r.choice([r.randrange(0x20, 0x250), r.randrange(0x250, 0x3000), r.randrange(0x3000, 0xD800), r.randrange(0xE000, 0x20000)]))
                    if unicodedata.category(c) != "Cn":
                        break
                parts.append(c)
            parts.append(r.choice(spaces))
        out.append("".join(parts))
    return out


def bpe_texts(seed: int, count: int) -> list:
    """The same with what byte-level tokenizers stumble over: white-space runs, digits, contractions, their special tokens, long words."""
    r = random.Random(seed)
    pieces = ["<|endoftext|>", "<mask>", " <mask> ", "<s>", "</s>", "<pad>", "<|begin_of_text|>", "<|eot_id|>", "<|im_start|>", "'s", "'LL", "'re", "x'ſ", "   ", "\n\n", " \r\n ", "\t\t",
              "123", "1234567", "½²", "١٢", "ab" * 60, "e" * 200, "Hello", " World", "the ", "\u180e", "\u0085", "\x1b", "#include <x>", "a_b", "😀😃", "e\u0301"]
    return ["".join(r.choice(pieces) if r.random() < 0.6 else text for _ in range(r.randint(1, 4))) for text in hard_texts(seed, count)]


class Tokenizers(InteropTest):
    def same(self, folder, tokenizer, texts, pairs=None, flags=(), **keywords):
        rows = [{"sentence1": t, "sentence2": pairs[i]} if pairs else {"text": t} for i, t in enumerate(texts)]
        source, target = write_rows(self.path("in.jsonl"), rows), self.path("out.jsonl")
        self.attune("tokenize", folder, "--input", source, "--output", target, *flags)
        ours = read_rows(target)
        self.assertEqual(len(ours), len(texts))
        for i, text in enumerate(texts):
            theirs = tokenizer([text], [pairs[i]] if pairs else None, return_offsets_mapping=True, return_special_tokens_mask=True,
                               return_token_type_ids=True, truncation=True, **keywords)
            theirs = {key: values[0] for key, values in theirs.items()}
            what = f"{text!r} {pairs[i] if pairs else ''!r}"
            self.assertEqual(ours[i]["input_ids"], theirs["input_ids"], what)
            self.assertEqual(ours[i]["tokens"], tokenizer.convert_ids_to_tokens(theirs["input_ids"]), what)
            self.assertEqual([list(o) for o in ours[i]["offset_mapping"]], [list(o) for o in theirs["offset_mapping"]], what)
            self.assertEqual(ours[i]["token_type_ids"], theirs["token_type_ids"], what)
            self.assertEqual(ours[i]["special_tokens_mask"], theirs["special_tokens_mask"], what)

    def folders(self):
        for name in ("bert", "bert_cased", "distilbert"):
            yield model_folder(name)
        real = ROOT / "models" / "all-MiniLM-L6-v2"
        if (real / "tokenizer.json").exists():
            yield real

    def bpe_folders(self):
        """The variants of tests/golden/bpe that a model could have, and the real SmolLM2."""
        variants = json.loads((GOLDEN / "bpe" / "variants.json").read_text(encoding="utf-8"))
        models = json.loads((GOLDEN / "bpe" / "models.json").read_text(encoding="utf-8"))
        for name in ("gpt2", "gpt2_prefix", "gpt2_bos", "gpt2_trim", "roberta", "roberta_file", "roberta_untrimmed", "llama3", "llama3_trim", "smollm", "smollm_class", "qwen2", "spaces", "splits", "chars_bytes"):
            model = models[variants[name]["model"]]
            vocabulary = {t: i for i, t in enumerate(model["tokens"])}
            folder = self.path("bpe_" + name)
            folder.mkdir()
            for file, content in variants[name]["files"].items():
                if file == "merges.txt":
                    content = "#version: 0.2\n" + "".join(m + "\n" for m in model["merges"])
                elif file == "chat_template.jinja":
                    content = "{{ messages }}"
                elif file == "vocab.json":
                    content = json.dumps(vocabulary)
                else:
                    if file == "tokenizer.json":
                        content["model"].update(vocab=vocabulary, merges=[m.split(" ") for m in model["merges"]])
                    content = json.dumps(content)
                (folder / file).write_text(content, encoding="utf-8")
            if not (folder / "config.json").exists():
                (folder / "config.json").write_text("{}", encoding="utf-8")
            yield folder
        real = ROOT / "models" / "SmolLM2-135M-Instruct"
        if (real / "tokenizer.json").exists():
            yield real

    def test_byte_level(self):
        for number, folder in enumerate(self.bpe_folders()):
            with self.subTest(folder=folder.name):
                tokenizer = AutoTokenizer.from_pretrained(folder)
                texts = bpe_texts(60 + number, 150) + hard_texts(90 + number, 50)
                self.same(folder, tokenizer, texts, flags=("--max-length", 4096), max_length=4096)
                self.same(folder, tokenizer, texts[:60], flags=("--max-length", 4096, "--no-special-tokens"), max_length=4096, add_special_tokens=False)
                for side in ("left", "right"):
                    tokenizer.truncation_side = side
                    flags = ("--max-length", 12, "--truncation-side", side)
                    self.same(folder, tokenizer, texts[:60], flags=flags, max_length=12)
                    self.same(folder, tokenizer, texts[:60], texts[60:120], flags=flags, max_length=12)

    def test_hard_texts(self):
        for folder in self.folders():
            with self.subTest(folder=folder.name):
                tokenizer = AutoTokenizer.from_pretrained(folder)
                self.same(folder, tokenizer, hard_texts(41, 400), flags=("--max-length", 512), max_length=512)
                self.same(folder, tokenizer, hard_texts(42, 100), flags=("--max-length", 512, "--no-special-tokens"), max_length=512,
                          add_special_tokens=False)

    def test_truncation(self):
        for folder in self.folders():
            tokenizer = AutoTokenizer.from_pretrained(folder)
            texts, pairs = hard_texts(43, 60) + ["", "", "a"], hard_texts(44, 60) + ["", "b c d e f g h i j k", ""]
            for side in ("left", "right"):
                tokenizer.truncation_side = side
                for length in (5, 9, 20):
                    with self.subTest(folder=folder.name, side=side, length=length):
                        flags = ("--max-length", length, "--truncation-side", side)
                        self.same(folder, tokenizer, texts, flags=flags, max_length=length)
                        self.same(folder, tokenizer, texts, pairs, flags=flags, max_length=length)

    def test_windows(self):
        """--stride gives every window of a long text, in order."""
        for folder in self.folders():
            tokenizer = AutoTokenizer.from_pretrained(folder)
            texts = hard_texts(47, 40) + ["", "a"]
            for length, stride in ((8, 2), (12, 5), (30, 0)):
                with self.subTest(folder=folder.name, length=length, stride=stride):
                    theirs = tokenizer(texts, truncation=True, max_length=length, stride=stride, return_overflowing_tokens=True,
                                       return_offsets_mapping=True)
                    source, target = write_rows(self.path("in.jsonl"), [{"text": t} for t in texts]), self.path("out.jsonl")
                    self.attune("tokenize", folder, "--input", source, "--output", target, "--max-length", length, "--stride", stride)
                    ours = read_rows(target)
                    if stride == 0:  # no overlap asked for: one window a text
                        first = [theirs["overflow_to_sample_mapping"].index(i) for i in range(len(texts))]
                        theirs = {k: [theirs[k][i] for i in first] for k in ("input_ids", "offset_mapping")}
                    self.assertEqual([o["input_ids"] for o in ours], theirs["input_ids"])
                    self.assertEqual([[tuple(p) for p in o["offset_mapping"]] for o in ours], theirs["offset_mapping"])

    def test_vocabulary_file_alone(self):
        for name in ("bert", "bert_cased", "distilbert"):
            with self.subTest(model=name):
                folder = self.path(name)
                folder.mkdir()
                for file in ("config.json", "vocab.txt", "tokenizer_config.json"):
                    (folder / file).write_bytes((model_folder(name) / file).read_bytes())
                self.same(folder, AutoTokenizer.from_pretrained(model_folder(name)), hard_texts(45, 150) + make_texts(model_folder(name), 20, 46),
                          flags=("--max-length", 512), max_length=512)
