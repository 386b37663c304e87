// Fine-tunes a sentiment classifier with LoRA, evaluates it, predicts with it and merges it, through attune's C++ API.
#include <attune/attune.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: reviews MODEL DATA_FOLDER OUTPUT_FOLDER\n"), 2;
  const std::string model = argv[1], data = argv[2], output = argv[3];
  try {
    const auto run = attune::train({{"model", model},
                                    {"train_file", data + "/train.csv"},
                                    {"validation_file", data + "/validation.csv"},
                                    {"method", "lora"},
                                    {"r", "8"},
                                    {"lora_alpha", "16"},
                                    {"max_length", "64"},
                                    {"learning_rate", "5e-4"},
                                    {"epochs", "1"},
                                    {"output_dir", output + "/run"}});
    std::printf("trained %ld steps\n", run.steps);

    const auto metrics = attune::evaluate(run.output_dir, data + "/test.csv");
    std::printf("accuracy %.3f (%.3f to %.3f)\n", metrics.at("accuracy"), metrics.at("accuracy_low"), metrics.at("accuracy_high"));

    const attune::TextClassifier classifier(run.output_dir);
    for (const auto& p : classifier.predict({"A wonderful film.", "It broke after a day."})) std::printf("%s %.3f\n", p.label.c_str(), p.score);

    const auto merged = attune::merge(run.output_dir, output + "/merged");
    std::printf("merged into %s, logits differ by at most %.1e\n", merged.output_dir.c_str(), merged.max_logit_difference);
  } catch (const attune::Error& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return static_cast<int>(e.code());
  }
}
