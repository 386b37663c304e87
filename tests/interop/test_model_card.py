"""README.md of runs: huggingface_hub reads its front matter and results, and the Python in it runs as it stands, for every task."""
import contextlib
import io
import json
import os
import re

from huggingface_hub import ModelCard

from support import InteropTest, model_folder, read_rows, words_of, write_rows

SHORT = {"max_steps": 2, "per_device_train_batch_size": 4, "save_strategy": "no"}


class Card(InteropTest):
    def rows(self, task: str, name: str, count: int) -> list:
        words = words_of(model_folder(name)) if (model_folder(name) / "vocab.txt").exists() else ["one", "two", "three", "four"]
        word = lambda i: words[i % len(words)]  # noqa: E731
        if task == "text-classification":
            return [{"text": f"{word(i)} {word(2 * i + 1)}", "label": ["bad", "good"][i % 2]} for i in range(count)]
        if task == "token-classification":
            return [{"tokens": [word(i), word(i + 1), word(i + 2)], "ner_tags": ["O", "B-PER", "O"]} for i in range(count)]
        if task == "question-answering":
            return [{"id": str(i), "question": word(i), "context": f"{word(i + 1)} {word(i + 2)}", "answers": {"text": [word(i + 1)], "answer_start": [0]}} for i in range(count)]
        return [{"text": f"{word(i)} {word(2 * i + 1)} {word(3 * i + 2)} {word(i + 5)}"} for i in range(count)]

    def run_of(self, task: str, name: str, method: str):
        peft = {"method": method, **({"target_modules": "all-linear", "r": 2} if method == "lora" else {})}
        test = write_rows(self.path("test.jsonl"), self.rows(task, name, 8))
        return self.train(name, peft, SHORT, rows=self.rows(task, name, 16), task=task, data={"test": str(test), "validation": str(test), "max_length": 32})

    def python(self, card: str, folder) -> str:
        code = re.search(r"```python\n(.*?)```", card, re.S).group(1)
        out, before = io.StringIO(), os.getcwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(out):
                exec(code, {})  # noqa: S102
        finally:
            os.chdir(before)
        return out.getvalue()

    def test_every_task(self):
        for task, name in (("text-classification", "bert_qa"), ("token-classification", "bert_qa"), ("question-answering", "bert_qa"),
                           ("text-generation", "llama_lm"), ("fill-mask", "bert_mlm")):
            for method in ("full", "lora"):
                with self.subTest(task=task, method=method):
                    run = self.run_of(task, name, method)
                    text = (run / "README.md").read_text(encoding="utf-8")
                    data = ModelCard(text).data
                    self.assertEqual(data.pipeline_tag, task)
                    self.assertEqual(data.library_name, "peft" if method == "lora" else "transformers")
                    self.assertEqual(data.base_model, str(model_folder(name)))
                    self.assertIsNone(data.license)
                    self.assertIsNone(data.language)
                    results = json.loads((run / "all_results.json").read_text())
                    self.assertTrue(data.eval_results)
                    for r in data.eval_results:
                        self.assertEqual((r.task_type, r.dataset_type), (task, "jsonl"))
                        prefix = {"test": "test_", "validation": "eval_"}[r.dataset_split]
                        self.assertIn(r.metric_value, [v for k, v in results.items() if k.startswith(prefix)])
                    said = {(r.dataset_split, r.metric_name): r.metric_value for r in data.eval_results}
                    self.assertEqual(said[("test", "Loss")], results["test_loss"])
                    self.assertTrue(self.python(text, run).strip() or task == "question-answering")  # an untrained model may answer with nothing

    def test_texts_cannot_break_the_table(self):
        odd = ["a | b", "# no heading", "<b>x</b> [y](z)", "`code` *x* _y_", "line\nbreak", "$x$ & ~z~ \\"]
        rows = [{"text": t, "label": ["a|b", "c`d"][i % 2]} for i, t in enumerate(odd * 3)]
        test = write_rows(self.path("test.jsonl"), rows)
        run = self.train("bert_qa", {"method": "full"}, SHORT, rows=rows, data={"test": str(test)}, sample_predictions=6)
        text = (run / "README.md").read_text(encoding="utf-8")
        table = re.search(r"## Sample predictions\n.*?\n(\| text .*?)\n\n", text, re.S).group(1).split("\n")
        self.assertGreaterEqual(len(table), 2 + 6)
        for line in table:
            self.assertEqual(len(re.findall(r"(?<!\\)\|", line)), 6, line)
        self.assertEqual(len(read_rows(run / "predictions.jsonl")), len(rows))
        self.assertEqual(ModelCard(text).data.pipeline_tag, "text-classification")
