"""One job with transformers + peft: a plain loop doing what Trainer does by default. Prints one JSON object."""
import argparse
import json
import os
import resource
import time

START = time.time()
os.environ.setdefault("HF_HUB_OFFLINE", "1")
parser = argparse.ArgumentParser()
parser.add_argument("--job", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--eval-rows", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--by-length", action="store_true")
parser.add_argument("--seed", type=int, default=42)
args = parser.parse_args()

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, get_linear_schedule_with_warmup
from transformers.trainer_pt_utils import LengthGroupedSampler

from jobs import JOBS, data_file, rows

torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
job = JOBS[args.job]
tokenizer = AutoTokenizer.from_pretrained(args.model, truncation_side=job.side)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2)
model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", **job.lora))


def encode(file, count=None):
    texts, labels = rows(data_file(args.data, file))
    encoded = tokenizer(texts[:count], truncation=True, max_length=job.max_length, padding=False)
    keys = [k for k in encoded if not (job.distilbert and k == "token_type_ids")]
    return [{**{k: encoded[k][i] for k in keys}, "labels": labels[i]} for i in range(len(encoded["input_ids"]))]


train, validation = encode(job.train), encode(job.validation, args.eval_rows)
collate = DataCollatorWithPadding(tokenizer)


def batches():
    """The batches of each epoch: Trainer's permutation (seed + epoch), or grouped by length."""
    epoch = 0
    while True:
        generator = torch.Generator().manual_seed(args.seed + epoch)
        if args.by_length:
            order = list(LengthGroupedSampler(job.batch, lengths=[len(r["input_ids"]) for r in train], generator=generator))
        else:
            order = torch.randperm(len(train), generator=generator).tolist()
        for i in range(0, len(order), job.batch):
            yield order[i:i + job.batch]
        epoch += 1


parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=job.learning_rate, weight_decay=job.weight_decay, fused=True)
schedule = get_linear_schedule_with_warmup(optimizer, 0, args.steps)
model.train()
seconds, tokens = [], []
started = time.time() - START
for step, chosen in zip(range(args.steps), batches()):
    begin = time.perf_counter()
    batch = collate([train[i] for i in chosen])
    model(**batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step(), schedule.step(), optimizer.zero_grad()
    seconds.append(time.perf_counter() - begin)
    tokens.append(int(batch["attention_mask"].sum()))
train_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

model.eval()
order = sorted(range(len(validation)), key=lambda i: len(validation[i]["input_ids"])) if args.by_length else range(len(validation))
begin = time.perf_counter()
with torch.inference_mode():
    for i in range(0, len(validation), job.batch):
        batch = collate([validation[j] for j in list(order)[i:i + job.batch]])
        batch.pop("labels")
        model(**batch).logits.argmax(-1)
evaluation = time.perf_counter() - begin
print(json.dumps({"seconds": seconds, "tokens": tokens, "evaluation": evaluation, "eval_rows": len(validation), "start": started,
                  "peak_mb": train_peak / 1024}))
