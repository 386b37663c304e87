"""Entities as the token classification pipeline finds them, entity scores as seqeval's, answers and scores as run_qa and SQuAD's script
make them of transformers' logits."""
import random
import sys

import numpy as np
import torch
from seqeval import metrics as se
from transformers import AutoModelForQuestionAnswering, AutoModelForTokenClassification, AutoTokenizer, pipeline

from support import LOGITS, ROOT, InteropTest, make_texts, model_folder, read_rows, words_of, write_rows

sys.path.insert(0, str(ROOT / "tools"))
from goldens import squad_metrics  # noqa: E402

LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


class Tagging(InteropTest):
    def model(self, name):
        """The golden model with entity tags for names, as many as its head has."""
        folder = self.path(name)
        model = AutoModelForTokenClassification.from_pretrained(model_folder(name)).eval()
        names = {i: LABELS.get(i, f"B-T{i}") for i in range(model.config.num_labels)}
        model.config.id2label, model.config.label2id = names, {v: k for k, v in names.items()}
        model.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(model_folder(name))
        tokenizer.save_pretrained(folder)
        return folder, model, tokenizer

    def compare(self, ours, theirs, what):
        self.assertEqual([(e["type"], e["start"], e["end"]) for e in ours], [(e.get("entity_group", e.get("entity")), e["start"], e["end"]) for e in theirs], what)
        self.close([0.0] + [e["score"] for e in ours], [0.0] + [float(e["score"]) for e in theirs], 1e-4, what)

    def test_entities_are_the_pipelines(self):
        for name in ("bert_tokens", "distilbert_tokens"):
            folder, model, tokenizer = self.model(name)
            texts = [t for t in make_texts(model_folder(name), 60, 5, longest=12) if t.strip() and len(tokenizer(t).input_ids) <= model.config.max_position_embeddings]
            self.assertGreater(len(texts), 40)
            source, found = write_rows(self.path("in.jsonl"), [{"text": t} for t in texts]), 0
            for strategy in ("none", "simple", "first", "average", "max"):
                target = self.path("out.jsonl")
                self.attune("predict", folder, "--input", source, "--output", target, "--aggregation-strategy", strategy)
                theirs = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=strategy)
                for text, row in zip(texts, read_rows(target)):
                    self.compare(row["entities"], theirs(text), f"{name} {strategy} {text!r}")
                    for e in row["entities"]:
                        self.assertEqual(e["text"], text[e["start"]:e["end"]])
                    found += len(row["entities"])
            self.assertGreater(found, 200)

    def test_rows_of_words(self):
        folder, model, tokenizer = self.model("bert_tokens")
        r = random.Random(3)
        rows = [[r.choice(words_of(model_folder("bert_tokens"))) + r.choice(["", "", "s", "ed."]) for _ in range(r.randint(1, 8))] for _ in range(30)]
        source, target = write_rows(self.path("in.jsonl"), [{"tokens": w} for w in rows]), self.path("out.jsonl")
        self.attune("predict", folder, "--input", source, "--output", target, "--logits", "--aggregation-strategy", "first")
        theirs = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first")
        for words, row in zip(rows, read_rows(target)):
            encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
            self.assertEqual(row["input_ids"], encoded.input_ids[0].tolist())
            with torch.no_grad():
                self.close(row["logits"], model(**encoded).logits[0].numpy(), LOGITS)
            self.compare(row["entities"], theirs(words, is_split_into_words=True)[0], str(words))

    def test_scores_are_seqevals(self):
        folder, model, tokenizer = self.model("bert_tokens")
        r = random.Random(4)
        names = [n for n in model.config.id2label.values()]
        rows = []
        for _ in range(50):
            words = [r.choice(words_of(model_folder("bert_tokens"))) for _ in range(r.randint(1, 9))]
            tags = [r.choice([n for n in names if not n.startswith("I-")]) for _ in words]
            tags = ["I-" + tags[i - 1][2:] if i and "I-" + tags[i - 1][2:] in names and tags[i - 1].startswith("B-") and r.random() < 0.5 else t for i, t in enumerate(tags)]
            rows.append({"tokens": words, "ner_tags": tags})
        predicted = []
        for row in rows:
            encoded = tokenizer(row["tokens"], is_split_into_words=True, return_tensors="pt")
            with torch.no_grad():
                best = model(**encoded).logits[0].argmax(-1).tolist()
            ids = encoded.word_ids()
            predicted.append([names[best[ids.index(w)]] for w in range(len(row["tokens"]))])
        gold = [row["ner_tags"] for row in rows]
        ours = self.attune_json("evaluate", folder, "--data", write_rows(self.path("test.jsonl"), rows))
        self.assertEqual(ours["report"], se.classification_report(gold, predicted, digits=4))
        self.assertAlmostEqual(ours["overall_f1"], se.f1_score(gold, predicted), delta=1e-12)
        self.assertAlmostEqual(ours["overall_accuracy"], se.accuracy_score(gold, predicted), delta=1e-12)


class Answering(InteropTest):
    def test_answers_and_scores(self):
        for name in ("bert_qa", "distilbert_qa"):
            with self.subTest(model=name):
                self.check(model_folder(name))

    def check(self, folder):
        model, tokenizer = AutoModelForQuestionAnswering.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        r = random.Random(9)
        words = words_of(model_folder("bert_qa"))
        rows = []
        for i in range(40):
            context = " ".join(r.choice(words) + r.choice(["", ",", "s", " é"]) for _ in range(r.randint(2, 50)))
            start = r.randrange(len(context) - 3)
            text = context[start:start + r.randint(1, 12)].strip()
            answer = {"text": [], "answer_start": []} if i % 3 == 0 or not text else {"text": [text], "answer_start": [context.index(text)]}
            rows.append({"id": f"q{i}", "question": "  " + " ".join(r.choice(words) for _ in range(r.randint(1, 6))), "context": context, "answers": answer})
        source, predictions = write_rows(self.path("in.jsonl"), rows), self.path("p.jsonl")
        flags = ["--max-length", "36", "--doc-stride", "8", "--version-2-with-negative", "--n-best-size", "7", "--max-answer-length", "9"]
        answers = self.path("out.jsonl")
        self.attune("predict", folder, "--input", source, "--output", answers, "--logits", *flags)
        theirs, odds = {}, {}
        for row, ours in zip(rows, read_rows(answers)):
            encoded = tokenizer(row["question"].lstrip(), row["context"], truncation="only_second", max_length=36, stride=8, return_overflowing_tokens=True,
                                return_offsets_mapping=True)
            windows = []
            self.assertEqual([w["input_ids"] for w in ours["windows"]], encoded["input_ids"])
            for k, window in enumerate(ours["windows"]):
                inputs = {n: torch.tensor([encoded[n][k]]) for n in ("input_ids", "attention_mask", "token_type_ids") if n in encoded}
                with torch.no_grad():
                    out = model(**inputs)
                start, end = out.start_logits[0].numpy(), out.end_logits[0].numpy()
                self.close(window["start_logits"], start, LOGITS)
                self.close(window["end_logits"], end, LOGITS)
                offsets = [o if s == 1 else None for o, s in zip(encoded["offset_mapping"][k], encoded.sequence_ids(k))]
                windows.append((start, end, offsets))
            theirs[row["id"]], odds[row["id"]], _ = squad_metrics.answers(row["context"], windows, True, 7, 9, 0.0)
            self.assertEqual(ours["answer"], theirs[row["id"]])
        questions = {row["id"]: row["answers"]["text"] for row in rows}
        expected = squad_metrics.evaluate(questions, theirs, odds, None)
        ours = self.attune_json("evaluate", folder, "--data", source, "--predictions", predictions, *flags)
        self.assertEqual({p["id"]: p["prediction"] for p in read_rows(predictions)}, theirs)
        for key, value in expected.items():
            self.assertAlmostEqual(ours[key], value, delta=1e-4, msg=key)
        self.assertGreater(len(set(theirs.values())), 5)
        self.assertTrue(np.isfinite(ours["loss"]))
