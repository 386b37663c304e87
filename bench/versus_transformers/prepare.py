"""Makes what the jobs need in a work folder, in a process of its own: `prepare.py SETTINGS` writes WORK/JOB.json, the plan all sides read.

The timed rows of a training are the same on all sides. They come from mega-batches as the Trainer's group_by_length makes them (50 batches of
random rows, sorted by length): evenly spaced batches of those, so that few steps still see every length. As it comes, the same rows are
shuffled; of many shuffles the one with the median padding is taken, since a dozen batches can have good or bad luck."""
import csv
import json
import os
import random
import subprocess
import sys
from dataclasses import asdict

from tokenizers import Tokenizer

from jobs import JOBS, SIDES, WARM_UP

MEGA = 50  # batches, transformers.trainer_pt_utils.get_length_grouped_indices


def read(path):
    """Rows of an IMDB CSV, an SST-2 TSV (no quoting), a CoNLL file or a SQuAD file."""
    csv.field_size_limit(1 << 24)
    with open(path, encoding="utf-8", newline="" if path.endswith(".csv") else None) as f:
        if path.endswith(".csv"):
            return [{"text": row["text"], "label": int(row["label"])} for row in csv.DictReader(f)]
        if path.endswith(".tsv"):
            pairs = [line.rstrip("\n").rsplit("\t", 1) for line in f][1:]
            return [{"text": text, "label": int(label)} for text, label in pairs]
        if path.endswith(".conll"):
            sentences = [[line.split("\t") for line in block.splitlines()] for block in f.read().strip().split("\n\n")]
            return [{"tokens": [word for word, _ in s], "ner_tags": [tag for _, tag in s]} for s in sentences]
        answers = lambda q: {"text": [a["text"] for a in q["answers"]], "answer_start": [a["answer_start"] for a in q["answers"]]}
        return [{"id": q["id"], "question": q["question"].strip(), "context": p["context"], "answers": answers(q)}
                for article in json.load(f)["data"] for p in article["paragraphs"] for q in p["qas"]]


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")
    return path


def sized(job, model, rows):
    """Rows and their tokens. Texts are cut; sentences of tags and questions longer than `max_length`, which become several windows, are left out."""
    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if job.task == "text-classification":
        tokenizer.enable_truncation(job.max_length, direction=job.truncation_side)
    content = {"text-classification": lambda row: row["text"], "token-classification": lambda row: row["tokens"],
               "question-answering": lambda row: (row["question"], row["context"])}[job.task]
    encoded = tokenizer.encode_batch([content(row) for row in rows], is_pretokenized=job.task == "token-classification")
    pairs = [(row, len(e.ids)) for row, e in zip(rows, encoded) if len(e.ids) <= job.max_length]
    return [row for row, _ in pairs], [length for _, length in pairs]


def slices(items, n):
    return [items[i:i + n] for i in range(0, len(items), n)]


def padded(order, lengths, batch):
    return sum(len(b) * max(lengths[i] for i in b) for b in slices(order, batch))


def training_orders(lengths, batch, steps):
    """Indices of the warm-up batches, and of the timed ones shuffled and by length."""
    rng = random.Random(42)
    pool = list(range(len(lengths)))
    rng.shuffle(pool)
    longest = sorted(pool, key=lambda i: -lengths[i])[:batch]
    pool = [i for i in pool if i not in set(longest)]
    warm, pool = longest + pool[:(WARM_UP - 1) * batch], pool[(WARM_UP - 1) * batch:]
    if steps * batch > len(pool):
        raise SystemExit(f"{steps} steps of {batch} rows are more than the {len(pool)} rows there are")
    pool = pool[:max(steps, MEGA * -(-steps // MEGA)) * batch]
    pool = pool[:len(pool) // batch * batch]
    batches = [b for mega in slices(pool, MEGA * batch) for b in slices(sorted(mega, key=lambda i: -lengths[i]), batch)]
    by_length = [i for k in range(steps) for i in batches[(2 * k + 1) * len(batches) // (2 * steps)]]
    shuffles = []
    for _ in range(101):
        order = by_length[:]
        rng.shuffle(order)
        shuffles.append((padded(order, lengths, batch), order))
    return warm, sorted(shuffles)[50][1], by_length


def distilbert(model, folder):
    """A DistilBERT with random weights (configuration defaults) and the tokenizer of `model`."""
    if not os.path.exists(os.path.join(folder, "tokenizer.json")):
        import torch
        from transformers import AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification
        torch.manual_seed(0)
        DistilBertForSequenceClassification(DistilBertConfig()).save_pretrained(folder)
        AutoTokenizer.from_pretrained(model).save_pretrained(folder)
    return folder


def gpt2(text, folder):
    """A GPT-2 with random weights (configuration defaults: small). Its byte-level tokenizer is learned from `text` and filled up to the whole vocabulary."""
    if not os.path.exists(os.path.join(folder, "model.safetensors")):
        import torch
        from tokenizers import ByteLevelBPETokenizer
        from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
        size, end = GPT2Config().vocab_size, "<|endoftext|>"
        learned = ByteLevelBPETokenizer()
        learned.train(text, vocab_size=8192, special_tokens=[end], show_progress=False)
        state = json.loads(learned.to_str())
        state["model"]["vocab"] |= {f"<unused{i}>": i for i in range(learned.get_vocab_size(), size)}
        end_id = learned.token_to_id(end)
        torch.manual_seed(0)
        GPT2LMHeadModel(GPT2Config(bos_token_id=end_id, eos_token_id=end_id)).save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)), bos_token=end, eos_token=end, unk_token=end).save_pretrained(folder)
    return folder


def quantized(settings, model, folder):
    if not os.path.exists(os.path.join(folder, "model.safetensors")):
        subprocess.run([settings["attune"], "quantize", model, "--type", "nf4", "--output", folder, "--overwrite", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return folder


def classifier(settings, folder):
    """MiniLM with a head of two labels, trained for a moment: what it answers does not matter here, only that all sides answer the same."""
    if not os.path.exists(os.path.join(folder, "model.safetensors")):
        run = folder + "-run"
        for command in (["train", "--model", settings["model"], "--train-file", os.path.join(settings["data"], "sst2/train-sentences.tsv"), "--method", "lora",
                         "--r", "8", "--lora-alpha", "16", "--target-modules", "query,value", "--learning-rate", "1e-3", "--max-steps", "60", "--batch-size", "32",
                         "--max-length", "128", "--save-strategy", "no", "--output-dir", run, "--overwrite"],
                        ["merge", run, "--output", folder, "--overwrite"]):
            subprocess.run([settings["attune"], *command, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return folder


def onnx_files(model, folder):
    """The classifier as ONNX, f32, and dynamically quantised (8-bit weights, activations quantised as they come)."""
    full, int8 = os.path.join(folder, "model.onnx"), os.path.join(folder, "model-int8.onnx")
    if not os.path.exists(int8):
        import torch
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        class Logits(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = AutoModelForSequenceClassification.from_pretrained(model, attn_implementation="eager").eval()

            def forward(self, input_ids, attention_mask, token_type_ids):
                return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits

        encoded = AutoTokenizer.from_pretrained(model)(["a b c", "d e f g"], return_tensors="pt", padding=True)
        names = ["input_ids", "attention_mask", "token_type_ids"]
        how = dict(input_names=names, output_names=["logits"], opset_version=17)
        inputs = tuple(encoded[n] for n in names)
        os.makedirs(folder, exist_ok=True)
        torch.onnx.export(Logits(), inputs, full, dynamo=False, dynamic_axes={n: {0: "rows", 1: "tokens"} for n in names}, **how)
        quantize_dynamic(full, int8, weight_type=QuantType.QInt8)
    return {"onnx": full, "onnx_int8": int8}


def blocks_of_text(name, job, plan, source):
    """The beginning of a text, a block longer than the steps need: all blocks are full, in the file's order on all sides."""
    blocks = plan["all_steps"] * job.batch
    with open(source, encoding="utf-8") as f:
        text = f.read()
    end = Tokenizer.from_file(os.path.join(plan["model"], "tokenizer.json")).encode(text).offsets[(blocks + 1) * job.max_length][1]
    plan["rows"] = os.path.join(plan["work"], f"{name}.txt")
    with open(plan["rows"], "w", encoding="utf-8") as f:
        f.write(text[:end])
    plan["real_tokens"] = plan["steps"] * job.batch * job.max_length
    return plan


def training_rows(settings, name, job, plan, source):
    rows, lengths = sized(job, plan["model"], read(source))
    warm, shuffled, by_length = training_orders(lengths, job.batch, plan["steps"])
    for key, order in (("rows", shuffled), ("rows_by_length", by_length)):
        plan[key] = write(os.path.join(plan["work"], f"{name}-{key}.jsonl"), [rows[i] for i in warm + order])
        plan[key + "_padding"] = padded(order, lengths, job.batch) / sum(lengths[i] for i in order)
    if job.task == "token-classification":
        plan["labels"] = sorted({tag for row in rows for tag in row["ner_tags"]})
    if plan["eval_rows"]:
        validation = read(os.path.join(settings["data"], job.validation))
        if plan["eval_rows"] < len(validation):  # every class and length: the file may be sorted
            validation = random.Random(42).sample(validation, plan["eval_rows"])
        plan["eval_rows"] = len(validation)
        plan["validation"] = write(os.path.join(plan["work"], f"{name}-validation.jsonl"), validation)
    plan["real_tokens"] = sum(lengths[i] for i in shuffled)
    return plan


def prompt(model, source, tokens):
    with open(source, encoding="utf-8") as f:
        text = f.read()
    return text[:Tokenizer.from_file(os.path.join(model, "tokenizer.json")).encode(text).offsets[tokens - 1][1]]


def prepare(settings, name):
    job = JOBS[name]
    work = settings["work"]
    model = {"distilbert": lambda: distilbert(settings["model"], os.path.join(work, "distilbert")), "minilm": lambda: settings["model"],
             "classifier": lambda: classifier(settings, os.path.join(work, "classifier")), "smollm": lambda: settings["smollm"],
             "gpt2": lambda: gpt2(os.path.join(settings["data"], "tiny-shakespeare/train.txt"), os.path.join(work, "gpt2"))}[job.model]()
    source = os.path.join(settings["data"], job.rows)
    plan = asdict(job) | {"model": model, "work": work, "attune": settings["attune"], "threads": settings["threads"],
                          "inputs": ["input_ids", "attention_mask"] + (["token_type_ids"] if job.model in ("minilm", "classifier") else [])}
    if job.kind == "train":
        plan["steps"] = settings["steps"] or job.steps
        plan["all_steps"] = WARM_UP + plan["steps"]
        plan["eval_rows"] = job.eval_rows if settings["eval_rows"] is None or not job.validation else settings["eval_rows"]
        return blocks_of_text(name, job, plan, source) if job.task == "text-generation" else training_rows(settings, name, job, plan, source)
    if job.kind == "generate":
        if any(SIDES[side].options.get("quantization") for side in settings["sides"][name]):
            plan["model_nf4"] = quantized(settings, model, os.path.join(work, f"{job.model}-nf4"))
        return plan | {"text": prompt(model, source, job.prompt_tokens), "passes": settings["passes"]}
    if any(side.startswith(("onnx", "openvino")) for side in settings["sides"][name]):
        plan |= onnx_files(model, os.path.join(work, "onnx"))
    return plan | {"rows": write(os.path.join(work, f"{name}.jsonl"), read(source)), "text": "a gorgeous , witty , seductive movie that stays with you .",
                   "passes": settings["passes"], "sentences": settings["sentences"], "starts": settings["starts"]}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as f:
        settings = json.load(f)
    for name in settings["sides"]:
        with open(os.path.join(settings["work"], f"{name}.json"), "w", encoding="utf-8") as f:
            json.dump(prepare(settings, name), f, indent=1)
