"""Makes examples/shakespeare: texts and a byte-level BPE tokenizer of 1,024 tokens, trained on them, for a tiny GPT-2 from scratch.

    tools/make_shakespeare_example.py ../shared/data/tiny-shakespeare

Packages: tools/requirements.txt.
"""
import json
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TRAIN, VALIDATION = 400_000, 40_000  # characters that ship; cut at the end of a speech
OUT = pathlib.Path(__file__).parent.parent / "examples/shakespeare"


def first(text, most):
    return text[: text.rindex("\n\n", 0, most) + 2]


def main():
    source = pathlib.Path(sys.argv[1])
    train = first((source / "train.txt").read_text(), TRAIN)
    validation = first((source / "val.txt").read_text(), VALIDATION)
    (OUT / "train.txt").write_text(train)
    (OUT / "validation.txt").write_text(validation)

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([train], trainer)
    folder = OUT / "gpt2-tiny"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    end = "<|endoftext|>"
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "GPT2TokenizerFast", "bos_token": end, "eos_token": end, "unk_token": end, "model_max_length": 128, "add_prefix_space": False}, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": tokenizer.get_vocab_size(), "n_positions": 128, "n_embd": 128, "n_layer": 4, "n_head": 4,
         "n_inner": None, "activation_function": "gelu_new", "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "layer_norm_epsilon": 1e-05,
         "initializer_range": 0.02, "bos_token_id": 0, "eos_token_id": 0}, indent=2) + "\n")


if __name__ == "__main__":
    main()
