"""transformers + peft: a plain loop doing what Trainer does by default, and the model called as a user would."""
import resource
import sys

import common

job = common.plan()
options = job["options"]
if not options.get("quantization"):
    sys.modules["bitsandbytes"] = None  # peft would import it where it is installed: slower to start, more memory

import torch

torch.set_num_threads(job["threads"])
torch.manual_seed(42)
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

tokenizer = AutoTokenizer.from_pretrained(job["model"], truncation_side=job["truncation_side"])
collate = DataCollatorWithPadding(tokenizer)


def encode(texts):
    encoded = tokenizer(texts, truncation=True, max_length=job["max_length"], padding=False)
    return [{key: encoded[key][i] for key in encoded if key in job["inputs"]} for i in range(len(texts))]


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
    return AutoModelForSequenceClassification.from_pretrained(job["model"], num_labels=2, **more)


def train():
    from transformers import get_linear_schedule_with_warmup
    model = load()
    if options.get("quantization"):
        from peft import prepare_model_for_kbit_training
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if job["method"] == "lora":
        from peft import LoraConfig, get_peft_model
        model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", **job["lora"]))
    texts, labels = common.read_rows(job["rows"])
    batches = common.in_slices([row | {"labels": label} for row, label in zip(encode(texts), labels)], job["batch"])
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
    return result | {"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if job["kind"] == "train":
    common.finish(**train())
else:
    common.finish(**common.measure_predictor(job, encode, forward(load().eval()), options.get("by_length", False), lambda row: len(row["input_ids"])))
