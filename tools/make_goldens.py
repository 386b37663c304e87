#!/usr/bin/env python3
"""Writes tests/golden/ with the packages of tools/requirements.txt.

    python tools/make_goldens.py [models adapters curves ...]     all parts when none is named

The same packages give the same bytes; `git diff tests/golden` after a run is empty.
"""
import importlib
import os
import sys
import warnings

PARTS = ["models", "curves", "adapters", "counts", "safetensors_files", "schedules", "metrics", "json_text", "quantized", "quantized_models", "generation",
         "entities", "squad_metrics", "bag_of_words", "bpe_tokenizers", "chat", "statistics", "focal", "decisions"]


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":  # peft writes sets in hash order
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    warnings.filterwarnings("ignore")
    import torch
    import transformers
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    from goldens import common
    os.chdir(common.ROOT)

    wanted = sys.argv[1:] or PARTS
    for name in wanted:
        if name not in PARTS:
            sys.exit(f"no part {name!r}; parts: {', '.join(PARTS)}")
        importlib.import_module("goldens." + name).make()
        print(name, "written")


if __name__ == "__main__":
    main()
