"""Greedy continuations of the tiny language models by transformers' generate, with the gap between the two best scores of each step."""
import torch

from . import common, models

CASES = {"plain": {}, "repetition_penalty": {"repetition_penalty": 1.3}, "ngrams": {"no_repeat_ngram_size": 3}, "both": {"repetition_penalty": 1.2, "no_repeat_ngram_size": 4}}
NEW_TOKENS = 200


def make() -> None:
    for name in ("gpt2_lm", "gpt2_lm_untied", "llama_lm", "llama_lm_biased"):
        model = models.make_model(name)
        room = getattr(model.config, "n_positions", None) or model.config.max_position_embeddings
        prompt = models.sequences(model.config, "prompt " + name, [11])[0]["input_ids"][:-1]
        cases = {}
        for case, settings in CASES.items():
            out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False, eos_token_id=None,
                                 pad_token_id=0, max_new_tokens=min(NEW_TOKENS, room - len(prompt)), output_scores=True, return_dict_in_generate=True, **settings)
            gaps = [float(s[0].topk(2).values.diff().abs()) for s in out.scores]
            ids = out.sequences[0, len(prompt):].tolist()
            certain = next((i for i, gap in enumerate(gaps) if gap < 1e-4), len(ids))
            assert certain >= len(ids) // 2, (name, case, certain)
            cases[case] = {"settings": settings, "ids": ids, "certain": certain}
        common.write_json(common.OUT / "generation" / f"{name}.json", {"prompt": prompt, "cases": cases})
