"""transformers + peft: a plain loop doing what Trainer does by default, and the model called as a user would."""
import resource
import statistics
import sys
import time

import common
import transformers_rows

job = common.plan()
options = job["options"]
if not options.get("quantization"):
    sys.modules["bitsandbytes"] = None  # peft would import it where it is installed: slower to start, more memory

import torch

torch.set_num_threads(job["threads"])
torch.manual_seed(42)
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(job["model"], truncation_side=job["truncation_side"])


def peak():
    return {"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def encode(texts):
    encoded = tokenizer(texts, truncation=True, max_length=job["max_length"], padding=False)
    return [{key: encoded[key][i] for key in encoded if key in job["inputs"]} for i in range(len(texts))]


model_class, task_type, model_options, training_rows, collate = transformers_rows.of_task(job, tokenizer, encode)


def forward(model):
    def call(rows):
        with torch.inference_mode():
            return model(**collate(rows)).logits.argmax(-1)
    return call


def load(**more):
    if options.get("quantization") == "nf4":
        from transformers import BitsAndBytesConfig
        # The head must be left out by name: with it the 4-bit trace fails in bitsandbytes at the first step.
        more |= {"device_map": {"": "cpu"}, "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32, llm_int8_skip_modules=["classifier", "pre_classifier"])}
    return model_class.from_pretrained(job["model"], **model_options, **more)


def train():
    from transformers import get_linear_schedule_with_warmup
    model = load()
    if options.get("quantization"):
        from peft import prepare_model_for_kbit_training
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if job["method"] == "lora":
        from peft import LoraConfig, get_peft_model
        model = get_peft_model(model, LoraConfig(task_type=task_type, **job["lora"]))
    batches = common.in_slices(training_rows(job["rows"]), job["batch"])[:job["all_steps"]]
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=job["learning_rate"], weight_decay=job["weight_decay"], fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches))
    model.train()
    seconds, tokens, losses = [], [], []

    def step(rows):
        batch = collate(rows)
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step(), schedule.step(), optimizer.zero_grad()
        losses.append(loss.item())
        tokens.append(int(batch["attention_mask"].sum()))

    started = common.since_process_start()
    for rows in batches:
        seconds.append(common.timed(lambda: step(rows)))
    result = {"seconds": seconds, "tokens": tokens, "start s": started, "loss": sum(losses) / len(losses), "trainable": sum(p.numel() for p in parameters)}
    if job["eval_rows"] and options.get("evaluate", True):
        model.eval()
        rows = encode(common.read_rows(job["validation"])[0])
        if options.get("by_length"):
            rows.sort(key=lambda row: len(row["input_ids"]))
        call = forward(model)
        result["evaluation rows/s"] = len(rows) / common.timed(lambda: [call(b) for b in common.in_slices(rows, job["batch"])])
    return result | peak()


class Clock:
    """Notes when the prompt and each token came: a streamer of `generate`."""
    def __init__(self):
        self.at = []

    def put(self, ids):
        self.at.append(time.perf_counter())

    def end(self):
        pass


def generate():
    """Tokens after the first one a second, so neither loading nor the prompt counts."""
    model = load().eval()
    prompt = tokenizer(job["text"], return_tensors="pt")

    def rate_and_ids(tokens):
        clock = Clock()
        ids = model.generate(**prompt, do_sample=False, use_cache=True, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=tokenizer.eos_token_id, streamer=clock)
        return (len(clock.at) - 2) / (clock.at[-1] - clock.at[1]), ids[0, prompt["input_ids"].shape[1]:].tolist()
    with torch.inference_mode():
        rate_and_ids(16)
        runs = [rate_and_ids(job["new_tokens"]) for _ in range(job["passes"])]
    return {"tokens/s": statistics.median(rate for rate, _ in runs), "prompt tokens": prompt["input_ids"].shape[1], "token_ids": runs[-1][1]} | peak()


if job["kind"] in ("train", "generate"):
    common.finish(**{"train": train, "generate": generate}[job["kind"]]())
else:
    common.finish(**common.measure_predictor(job, encode, forward(load().eval()), options.get("by_length", False), lambda row: len(row["input_ids"])))
