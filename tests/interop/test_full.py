"""Fully fine-tuned folders load in transformers with nothing missing, our logits and our labels; training equals the Trainer's."""
import json

from transformers import AutoModelForSequenceClassification, AutoTokenizer, PrinterCallback, Trainer, TrainingArguments

from support import (GOLDEN, LOGITS, InteropTest, load_base, make_texts, model_folder, reference_logits)

NO_DROPOUT = {"bert": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
              "distilbert": {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0}}


class Full(InteropTest):
    def test_folders(self):
        for name, method in (("bert", "full"), ("bert", "bitfit"), ("bert_cased", "full"), ("bert_multi_label", "full"), ("bert_regression", "full"),
                             ("distilbert", "full"), ("distilbert", "bitfit"), ("distilbert_sinusoidal", "full"), ("distilbert_regression", "full")):
            with self.subTest(model=name, method=method):
                run = self.train(name, {"method": method}, {"learning_rate": 1e-3})
                model, info = AutoModelForSequenceClassification.from_pretrained(run, output_loading_info=True)
                self.assertFalse(info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"], info)
                texts = make_texts(model_folder(name), 14, 31)
                tokenizer = AutoTokenizer.from_pretrained(run)
                theirs = reference_logits(model.eval(), tokenizer, texts)
                self.close(self.logits(run, texts), theirs, LOGITS)
                before = load_base(model_folder(name))
                self.apart(theirs, reference_logits(before, tokenizer, texts), 1e-3, "training changed nothing")
                self.assertEqual(model.config.id2label, before.config.id2label)
                self.assertEqual(model.config.label2id, before.config.label2id)
                if before.config.problem_type:
                    self.assertEqual(model.config.problem_type, before.config.problem_type)
                untouched = {"architectures", "hidden_act", "vocab_size", "model_type", "layer_norm_eps", "activation"}
                ours, theirs_config = (json.loads((f / "config.json").read_text()) for f in (run, model_folder(name)))
                for key in untouched & set(theirs_config):
                    self.assertEqual(ours.get(key), theirs_config[key], key)

    def trainer_log(self, model, tokenizer, rows, **arguments):
        labels = model.config.label2id
        data = [{**tokenizer(r["text"], truncation=True), "labels": labels[r["label"]]} for r in rows]
        settings = TrainingArguments(str(self.path("trainer")), use_cpu=True, per_device_train_batch_size=4, max_steps=16, logging_steps=1,
                                     save_strategy="no", report_to=[], disable_tqdm=True, train_sampling_strategy="sequential", **arguments)
        trainer = Trainer(model, settings, train_dataset=data, processing_class=tokenizer)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return [e for e in trainer.state.log_history if "loss" in e]

    def same_curve(self, name: str, model, peft: dict, rate: float):
        rows = self.labelled(name, 40, 8)
        common = dict(learning_rate=rate, weight_decay=0.05, warmup_steps=3, lr_scheduler_type="cosine", max_grad_norm=1.0)
        theirs = self.trainer_log(model.train(), AutoTokenizer.from_pretrained(model_folder(name)), rows, **common)
        kind = "distilbert" if name.startswith("distilbert") else "bert"
        run = self.train(name, peft, {**common, "max_steps": 16, "logging_steps": 1}, rows=rows, data={"shuffle": False},
                         model_config=NO_DROPOUT[kind])
        ours = [e for e in json.loads((run / "trainer_state.json").read_text())["log_history"] if "loss" in e]
        self.assertEqual([e["step"] for e in ours], [e["step"] for e in theirs])
        for a, b in zip(ours, theirs):
            for key in ("loss", "grad_norm", "learning_rate", "epoch"):
                self.assertAlmostEqual(a[key], b[key], delta=1e-4 * max(abs(b[key]), 1e-7), msg=f"step {b['step']} {key}")
        model.eval()
        texts = make_texts(model_folder(name), 10, 9)
        self.close(self.logits(run, texts), reference_logits(model, AutoTokenizer.from_pretrained(model_folder(name)), texts), 1e-3, "final logits")

    def no_dropout(self, name):
        return load_base(model_folder(name), **NO_DROPOUT["distilbert" if name.startswith("distilbert") else "bert"])

    def test_curve_of_the_trainer(self):
        for name in ("bert", "distilbert", "bert_odd"):
            with self.subTest(model=name, method="full"):
                self.same_curve(name, self.no_dropout(name), {"method": "full"}, 5e-4)

    def test_lora_curve_of_the_trainer(self):
        from peft import PeftModel
        for name, curve in (("bert", "bert_lora"), ("bert", "bert_lora_bias_all"), ("distilbert", "distilbert_lora")):
            with self.subTest(curve=curve):
                initial = GOLDEN / "curves" / curve / "initial"
                model = PeftModel.from_pretrained(self.no_dropout(name), initial, is_trainable=True)
                model.config = model.base_model.model.config
                self.same_curve(name, model, {"init_from": str(initial)}, 5e-3)
