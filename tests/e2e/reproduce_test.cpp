// The command in a run's README.md makes the same weights again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "program.h"

namespace attune::e2e {
namespace {

using testing::HasSubstr;

std::vector<std::string> words(const std::string& command) {
  std::vector<std::string> all;
  std::istringstream in(command);
  for (std::string word; in >> word;) all.push_back(word == "''" ? "" : word);
  return all;
}

TEST(Reproduce, TheCommandOfTheCardGivesTheSameWeights) {
  for (const auto& [method, weights] : {std::pair<std::string, std::string>{"lora", "adapter_model.safetensors"}, {"full", "model.safetensors"}}) {
    Folder f;
    f.write("train.csv", review_csv(40));
    f.write("test.csv", review_csv(15, 75));
    std::vector<std::string> args = {"train", "--model", golden_model("bert"), "--train-file", "train.csv", "--test-file", "test.csv", "--method", method, "--max-length", "32",
                                     "--validation-split", "0.2", "--epochs", "2", "--output-dir", "run", "--overwrite"};
    if (method == "lora") args.insert(args.end(), {"--target-modules", "query,value", "--lora-dropout", "0.1"});
    const Outcome first = f.run(args);
    ASSERT_EQ(first.status, 0) << first.err;
    const std::string card = f.read("run/README.md");
    const size_t begin = card.find("attune train "), end = card.find('\n', begin);
    ASSERT_NE(begin, std::string::npos);
    const std::string command = card.substr(begin + 7, end - begin - 7);
    const Outcome again = f.run(words(command));
    ASSERT_EQ(again.status, 0) << command << "\n" << again.err;
    EXPECT_EQ(f.read("run-again/" + weights), f.read("run/" + weights)) << command;
    EXPECT_EQ(f.read("run-again/predictions.jsonl"), f.read("run/predictions.jsonl"));
  }
}

}  // namespace
}  // namespace attune::e2e
