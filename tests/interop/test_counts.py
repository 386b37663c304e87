"""Parameter counts equal those that peft prints, for models of published size, from config.json alone."""
import json

from support import GOLDEN, InteropTest

COUNTS = json.loads((GOLDEN / "golden_counts.json").read_text())["counts"]
SUPPORTED = {"full", "lora"}


class Counts(InteropTest):
    def test_published_sizes(self):
        seen = 0
        for name, case in COUNTS.items():
            if case["task"] != "seq_cls" or case["method"] not in SUPPORTED or case["shape"] == "gpt2" or case["settings"].get("use_dora"):
                continue
            with self.subTest(name):
                seen += 1
                config = self.path("config.yaml")
                config.write_text(json.dumps({"model": str(GOLDEN / "shapes" / case["shape"]), "task": "text-classification",
                                              "num_labels": case["num_labels"], "peft": {"method": case["method"], **case["settings"]}}))
                ours = self.attune_json("inspect", config)
                self.assertEqual((ours["trainable_parameters"], ours["all_parameters"]), (case["trainable"], case["all"]))
                self.assertEqual(ours["adapter_parameters"] + ours["head_parameters"],
                                 case["trainable"] if case["method"] == "lora" else ours["adapter_parameters"] + ours["head_parameters"])
                self.assertAlmostEqual(ours["trainable_percent"], 100 * case["trainable"] / case["all"], delta=1e-3)
                self.assertIn(case["line"], self.attune("inspect", config))
        self.assertGreater(seen, 15)

    def test_flags(self):
        case = COUNTS["distilbert seq_cls q_lin r4"]
        ours = self.attune_json("inspect", "--model", GOLDEN / "shapes" / "distilbert", "--task", "text-classification", "--num-labels", 2,
                                "--method", "lora", "--r", 4, "--lora-alpha", 32, "--target-modules", "q_lin")
        self.assertEqual((ours["trainable_parameters"], ours["all_parameters"]), (628994, 67584004))
        self.assertEqual((ours["adapter_parameters"], ours["head_parameters"]), (36864, 592130))
        self.assertEqual(ours["trainable_parameters"], case["trainable"])
