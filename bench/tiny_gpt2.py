"""The training of examples/shakespeare in PyTorch: GPT2LMHeadModel from its own random weights on the same blocks, with the same recipe.

    .venv/bin/python bench/tiny_gpt2.py --seeds 3

Prints the loss, perplexity and bits per byte of validation.txt for each seed, as `attune evaluate runs/shakespeare --data
examples/shakespeare/validation.txt` does. Needs torch and transformers (bench/versus_transformers/requirements.txt).
"""
import argparse
import math
import os
import statistics
import time

import torch
from transformers import AutoConfig, AutoTokenizer, GPT2LMHeadModel, get_linear_schedule_with_warmup

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples", "shakespeare")
EPOCHS, BATCH, BLOCK, RATE, WARMUP, DECAY = 6, 16, 128, 2e-3, 0.05, 0.1  # examples/shakespeare/gpt2.yaml


def blocks(tokenizer, name):
    """The file's tokens in blocks of BLOCK, and how many bytes each token stands for."""
    with open(os.path.join(EXAMPLE, name), encoding="utf-8") as f:
        text = f.read()
    encoded = tokenizer(text, return_offsets_mapping=True)
    sizes = [len(text[a:b].encode()) for a, b in encoded["offset_mapping"]]
    ids = encoded["input_ids"]
    return [(torch.tensor(ids[i:i + BLOCK]), sum(sizes[i + 1:i + BLOCK])) for i in range(0, len(ids), BLOCK)]


def evaluate(model, data):
    """Mean loss over scored tokens, and bits per byte of the text they stand for."""
    model.eval()
    total = tokens = size = 0
    with torch.inference_mode():
        for ids, scored_bytes in data:
            if len(ids) > 1:
                total += model(ids[None], labels=ids[None]).loss.item() * (len(ids) - 1)
                tokens += len(ids) - 1
                size += scored_bytes
    return total / tokens, total / size / math.log(2), tokens


def train(tokenizer, seed):
    torch.manual_seed(seed)
    model = GPT2LMHeadModel(AutoConfig.from_pretrained(os.path.join(EXAMPLE, "gpt2-tiny")))
    data = [ids for ids, _ in blocks(tokenizer, "train.txt")]
    decayed = [p for n, p in model.named_parameters() if p.dim() > 1]
    plain = [p for n, p in model.named_parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}], lr=RATE)
    steps = EPOCHS * math.ceil(len(data) / BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, round(WARMUP * steps), steps)
    model.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(data)).tolist()
        for i in range(0, len(order), BATCH):
            batch = [data[j] for j in order[i:i + BATCH]]
            ids = torch.zeros(len(batch), max(map(len, batch)), dtype=torch.long)
            labels = torch.full_like(ids, -100)
            for row, block in enumerate(batch):
                ids[row, :len(block)] = labels[row, :len(block)] = block
            model(ids, labels=labels).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(EXAMPLE, "gpt2-tiny"))
    validation = blocks(tokenizer, "validation.txt")
    losses = []
    for seed in range(args.seeds):
        start = time.perf_counter()
        model = train(tokenizer, seed)
        loss, bits, tokens = evaluate(model, validation)
        losses.append(loss)
        print(f"seed {seed}: loss {loss:.4f}, perplexity {math.exp(loss):.2f}, bits per byte {bits:.4f}, {tokens} tokens, {time.perf_counter() - start:.0f} s")
    print(f"mean loss {statistics.mean(losses):.4f}")


if __name__ == "__main__":
    main()
