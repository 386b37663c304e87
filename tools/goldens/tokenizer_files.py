"""A small WordPiece vocabulary and the tokenizer files of a model folder, cased and uncased."""
from pathlib import Path

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
    kind = BertTokenizer if model_type == "bert" else DistilBertTokenizer
    tokenizer = kind(vocab={w: i for i, w in enumerate(words)}, do_lower_case=not cased, model_max_length=max_length)
    tokenizer.save_pretrained(folder)
    return words
