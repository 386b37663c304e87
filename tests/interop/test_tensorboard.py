"""Event files through TensorBoard's own reader: the tags and values are those of metrics.jsonl."""
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from support import QV, InteropTest, read_rows, write_rows

LORA = {"method": "lora", "r": 4, "lora_alpha": 8, "target_modules": QV}


def tag(key: str) -> str:
    prefix, _, rest = key.partition("_")
    return f"{prefix}/{rest}" if prefix in ("eval", "test") and rest else f"train/{key}"


class TensorBoard(InteropTest):
    def check(self, run):
        events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
        events.Reload()
        want = {}
        for entry in read_rows(run / "metrics.jsonl"):
            for key, value in entry.items():
                if key != "step" and isinstance(value, (int, float)) and not isinstance(value, bool):
                    want.setdefault(tag(key), []).append((entry["step"], float(np.float32(value))))
        self.assertEqual(sorted(events.Tags()["scalars"]), sorted(want))
        for name, points in want.items():
            self.assertEqual([(e.step, e.value) for e in events.Scalars(name)], points, name)
        return want

    def test_a_run(self):
        rows = self.labelled("bert", 24, 9)
        validation = write_rows(self.path("validation.jsonl"), self.labelled("bert", 8, 10))
        run = self.train("bert", LORA, {"max_steps": -1, "num_train_epochs": 2, "logging_steps": 1, "eval_strategy": "epoch"}, rows=rows,
                         data={"validation": str(validation)})
        tags = self.check(run)
        for name in ("train/loss", "train/learning_rate", "train/grad_norm", "eval/loss", "eval/accuracy"):
            self.assertIn(name, tags)
        self.assertEqual(len(tags["eval/loss"]), 2)
