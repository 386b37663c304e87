"""A small WordPiece vocabulary and the tokenizer files of a model folder, cased and uncased."""
import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import BertTokenizer, DistilBertTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PUNCTUATION = list(".,!?'\"-():")
WORDS = ("the a film movie is was not very good bad great plot actor acting and of but fun dull story i it this never "
         "best worst love hate time ending boring slow").split()
SUFFIXES = "##ing ##ed ##s ##ly ##er ##est ##ness ##ful".split()


def vocabulary(cased: bool) -> list[str]:
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    upper = [c.upper() for c in letters] if cased else []
    pieces = SPECIALS + PUNCTUATION + [str(d) for d in range(10)] + letters + upper + ["##" + c for c in letters] + WORDS + SUFFIXES
    return list(dict.fromkeys(pieces))


def write_tokenizer(folder: Path, model_type: str, cased: bool, max_length: int) -> list[str]:
    words = vocabulary(cased)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    kind = DistilBertTokenizer if model_type == "distilbert" else BertTokenizer
    tokenizer = kind(vocab={w: i for i, w in enumerate(words)}, do_lower_case=not cased, model_max_length=max_length)
    tokenizer.save_pretrained(folder)
    if model_type in ("gpt2", "llama"):  # a prompt gets no special tokens
        file = str(folder / "tokenizer.json")
        plain = Tokenizer.from_file(file)
        text = json.loads(plain.to_str())
        text["post_processor"] = None
        Path(file).write_text(json.dumps(text, indent=2, ensure_ascii=False), encoding="utf-8")
    return words
