"""What is compared, as data: the jobs, the sides that run them, and the rows of the summary with their targets."""
from dataclasses import dataclass, field

WARM_UP = 3  # steps before the timed ones: allocation, code paths; the first of them is the longest batch of all, so that the peak is a fair one


@dataclass(frozen=True)
class Job:
    """`kind` names the entry of a side that runs it: train, predict, latency or generate."""
    kind: str
    model: str              # distilbert, gpt2: that shape with random weights; minilm: the base model; classifier: a fine-tuned MiniLM; smollm: SmolLM2-135M
    rows: str               # file of `--data` the rows come from: trained on, predicted, gone on from
    sides: tuple            # run in this order in every round
    max_length: int = 0
    truncation_side: str = "right"
    batch: int = 1
    task: str = "text-classification"
    doc_stride: int = 0     # of question answering
    prompt_tokens: int = 0  # about as many are read before
    new_tokens: int = 0     # as many are generated
    steps: int = 0          # timed steps
    validation: str = ""
    eval_rows: int = 0      # validation rows evaluated after the training, in the same process
    method: str = "lora"
    lora: dict = field(default_factory=dict)
    learning_rate: float = 0.0
    weight_decay: float = 0.0


@dataclass(frozen=True)
class Side:
    label: str
    program: str
    options: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    on_request: bool = False  # run only where --sides names it


_REFERENCE = dict(kind="train", model="distilbert", rows="imdb/train-1k.csv", validation="imdb/validation-1k.csv", max_length=512, truncation_side="left",
                  batch=4, weight_decay=0.01)
_MINILM = dict(kind="train", model="minilm", rows="sst2/train-sentences.tsv", validation="sst2/dev.tsv", max_length=128, truncation_side="right", batch=32)
_SST2 = dict(model="classifier", rows="sst2/dev.tsv", max_length=128, truncation_side="right", batch=32)
_NER = dict(kind="train", model="minilm", task="token-classification", rows="wikigold/train.conll", max_length=256, batch=16, steps=24)
_QA = dict(kind="train", model="minilm", task="question-answering", rows="squad/squad2-split-train.json", max_length=384, doc_stride=128, batch=16)
_QUERY_VALUE = dict(learning_rate=1e-3, lora={"r": 16, "lora_alpha": 32, "lora_dropout": 0.1, "target_modules": ["query", "value"]})
_GENERATE = dict(kind="generate", task="text-generation", rows="tiny-shakespeare/val.txt", prompt_tokens=32, new_tokens=128,
                 sides=("default", "attune", "attune-int8", "attune-nf4"))

JOBS = {
    "reference": Job(**_REFERENCE, steps=12, eval_rows=128, learning_rate=1e-3, lora={"r": 4, "lora_alpha": 32, "lora_dropout": 0.01, "target_modules": ["q_lin"]},
                     sides=("default", "attune", "attune-int8", "best", "attune-nf4", "attune-nf4-f32", "bitsandbytes")),
    "reference-full": Job(**_REFERENCE, steps=8, eval_rows=8, method="full", learning_rate=5e-5, sides=("default", "attune", "best")),
    "minilm": Job(**_MINILM, steps=50, eval_rows=872, learning_rate=5e-4, lora={"r": 8, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": ["query", "value"]},
                  sides=("default", "attune", "attune-int8", "best", "attune-nf4", "attune-nf4-f32", "bitsandbytes")),
    "predict": Job(kind="predict", **_SST2, sides=("default", "attune", "attune-int8", "best", "onnxruntime", "onnxruntime-int8", "openvino")),
    "latency": Job(kind="latency", **_SST2, sides=("default", "attune", "attune-int8", "onnxruntime", "onnxruntime-int8", "openvino")),
    "ner": Job(**_NER, **_QUERY_VALUE, sides=("default", "attune", "attune-int8", "best")),
    "ner-full": Job(**_NER, method="full", learning_rate=5e-5, sides=("default", "attune", "best")),
    "qa": Job(**_QA, **_QUERY_VALUE, steps=10, sides=("default", "attune", "attune-int8", "best")),
    "qa-full": Job(**_QA, steps=6, method="full", learning_rate=5e-5, sides=("default", "attune")),
    "gpt2": Job(kind="train", model="gpt2", task="text-generation", rows="tiny-shakespeare/train.txt", max_length=256, batch=4, steps=6, learning_rate=5e-4,
                lora={"r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": ["c_attn"]}, sides=("default", "attune", "attune-int8")),
    "generate": Job(model="gpt2", **_GENERATE),
    "generate-smollm": Job(model="smollm", **_GENERATE),
}

# glibc keeps freed memory and uses huge pages: what a user of the CPU can set without touching the program.
_KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "68719476736", "MALLOC_TOP_PAD_": "268435456", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

SIDES = {
    "default": Side("transformers, as it comes", "side_transformers.py"),
    "best": Side("transformers, best easy variant", "side_transformers.py", {"by_length": True}, _KEEP_MEMORY),
    "bitsandbytes": Side("bitsandbytes nf4, best easy variant", "side_transformers.py", {"by_length": True, "quantization": "nf4", "evaluate": False}, _KEEP_MEMORY),
    "attune": Side("attune", "side_attune.py", {"compute": "f32"}),
    "attune-int8": Side("attune, int8 compute", "side_attune.py", {"compute": "int8"}),
    "attune-nf4": Side("attune, nf4 base, int8 compute", "side_attune.py", {"quantization": "nf4", "compute": "int8"}),
    "attune-nf4-f32": Side("attune, nf4 base, f32 compute", "side_attune.py", {"quantization": "nf4", "compute": "f32"}, on_request=True),
    "onnxruntime": Side("ONNX Runtime f32", "side_onnxruntime.py"),
    "onnxruntime-int8": Side("ONNX Runtime dynamic int8", "side_onnxruntime.py", {"compute": "int8"}),
    "openvino": Side("OpenVINO f32", "side_openvino.py"),
}

# Metrics by kind of job: name -> (decimals, True where more is better).
METRICS = {
    "train": {"step s": (3, False), "real tokens/s": (0, True), "evaluation rows/s": (1, True), "peak MB": (0, False), "start s": (2, False)},
    "predict": {"rows/s": (0, True), "forward rows/s": (0, True)},
    "latency": {"start to answer s": (3, False), "p50 ms": (2, False), "p95 ms": (2, False), "forward p50 ms": (2, False)},
    "generate": {"tokens/s": (1, True), "peak MB": (0, False)},
}


@dataclass(frozen=True)
class Row:
    """One line of the summary. With `against`: how many times better `side` is, to be at least `target`; with `share`: the plain quotient
    side / against, to be at most `target`; alone: the value of `side`, to be at most `target`."""
    text: str
    job: str
    metric: str
    side: str
    against: str = ""
    target: float | None = None
    share: bool = False


def _training(text, job, side, default=None, best=None):
    return [Row(f"{text}, against the default", job, "real tokens/s", side, "default", default), Row(f"{text}, against the best", job, "real tokens/s", side, "best", best)]


def _memory(text, job, side="attune"):
    return Row(f"peak memory, {text}", job, "peak MB", side, "default", 0.333, share=True)


def _generation(text, job):
    return [Row(f"generation, {text}, f32", job, "tokens/s", "attune", "default", 2), Row(f"generation, {text}, int8 compute", job, "tokens/s", "attune-int8", "default", 3),
            Row(f"generation, {text}, nf4 base", job, "tokens/s", "attune-nf4", "default", 3), _memory(f"generation, {text}, f32", job),
            _memory(f"generation, {text}, nf4 base", job, "attune-nf4")]


# Targets of None are not set.
ROWS = [
    *_training("reference job, LoRA f32", "reference", "attune", 3.6, 2.2),
    *_training("reference job, LoRA, int8 compute", "reference", "attune-int8"),
    *_training("reference job, nf4 base, int8 compute", "reference", "attune-nf4", 9, 5.5),
    Row("the same, against our own f32 LoRA", "reference", "real tokens/s", "attune-nf4", "attune", 1.8),
    Row("the same, against bitsandbytes nf4", "reference", "real tokens/s", "attune-nf4", "bitsandbytes"),
    Row("nf4 step / LoRA f32 step, both attune", "reference", "step s", "attune-nf4", "attune", 0.55, share=True),
    *_training("MiniLM SST-2, LoRA f32", "minilm", "attune", 4.5, 2.2),
    *_training("MiniLM SST-2, LoRA, int8 compute", "minilm", "attune-int8", 10, 5),
    *_training("full fine-tuning f32, reference shape", "reference-full", "attune", 3, 2),
    Row("peak memory, reference job, LoRA", "reference", "peak MB", "attune", "default", 0.2, share=True),
    Row("peak memory, reference job, LoRA, against the best", "reference", "peak MB", "attune", "best"),
    Row("peak memory, reference job, nf4 / LoRA, both attune", "reference", "peak MB", "attune-nf4", "attune", 0.6, share=True),
    Row("peak memory, reference job, LoRA, MB", "reference", "peak MB", "attune"),
    Row("peak memory, reference job, nf4, MB", "reference", "peak MB", "attune-nf4"),
    Row("evaluation, IMDB, reference model f32, against the default", "reference", "evaluation rows/s", "attune", "default", 3.5),
    Row("evaluation, IMDB, reference model f32, against the best", "reference", "evaluation rows/s", "attune", "best"),
    Row("evaluation, IMDB, reference model int8, against the default", "reference", "evaluation rows/s", "attune-int8", "default", 7),
    Row("prediction, SST-2 f32, against transformers' default", "predict", "rows/s", "attune", "default", 3.5),
    Row("prediction, SST-2 f32, against transformers' best", "predict", "rows/s", "attune", "best"),
    Row("prediction, SST-2 f32, against ONNX Runtime f32", "predict", "rows/s", "attune", "onnxruntime", 1.3),
    Row("prediction, SST-2 f32, against OpenVINO f32", "predict", "rows/s", "attune", "openvino", 1.3),
    Row("prediction, SST-2 int8, against transformers' default", "predict", "rows/s", "attune-int8", "default", 7),
    Row("prediction, SST-2 int8, against ONNX Runtime int8", "predict", "rows/s", "attune-int8", "onnxruntime-int8", 2),
    Row("one sentence, start to answer, against transformers", "latency", "start to answer s", "attune", "default"),
    Row("one sentence, loaded, p50, against transformers", "latency", "p50 ms", "attune", "default"),
    Row("one sentence, loaded, p50, against ONNX Runtime f32", "latency", "p50 ms", "attune", "onnxruntime", 1, share=True),
    Row("one sentence, loaded, p50, int8, against ONNX Runtime int8", "latency", "p50 ms", "attune-int8", "onnxruntime-int8", 0.6, share=True),
    *_training("tags, wikigold, LoRA f32", "ner", "attune", 1.8),
    *_training("tags, wikigold, LoRA, int8 compute", "ner", "attune-int8", 2.5),
    *_training("tags, wikigold, full fine-tuning f32", "ner-full", "attune", 1.8),
    *_training("answers, SQuAD, LoRA f32", "qa", "attune", 1.8),
    *_training("answers, SQuAD, LoRA, int8 compute", "qa", "attune-int8", 2.5),
    Row("answers, SQuAD, full fine-tuning f32, against the default", "qa-full", "real tokens/s", "attune", "default", 1.8),
    Row("GPT-2 shape, LoRA f32, against the default", "gpt2", "real tokens/s", "attune", "default", 1.8),
    Row("GPT-2 shape, LoRA, int8 compute, against the default", "gpt2", "real tokens/s", "attune-int8", "default", 2.5),
    _memory("tags, LoRA f32", "ner"),
    _memory("tags, full fine-tuning", "ner-full"),
    _memory("answers, LoRA f32", "qa"),
    _memory("answers, full fine-tuning", "qa-full"),
    _memory("GPT-2 shape, LoRA f32", "gpt2"),
    *_generation("GPT-2 shape", "generate"),
    *_generation("SmolLM2-135M", "generate-smollm"),
]
