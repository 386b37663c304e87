// Quantised bases and 8-bit products from the command line and from YAML: every spelling, what contradicts itself, old processors, kill -9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"

namespace attune::e2e {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Args = std::vector<std::string>;

Args joined(Args a, const Args& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
const Args kTraining = {"train",     "--model", golden_model("bert"), "--train-file", "train.csv", "--max-steps", "2", "--max-length", "32",
                        "--threads", "1",       "--output-dir",       "run"};
Args lora(const Args& more) { return joined(joined(kTraining, {"--method", "lora", "--target-modules", "query,value"}), more); }
Folder& with_data(Folder& f) {
  f.write("train.csv", review_csv(30));
  return f;
}
json results(const Folder& f) { return json::parse(f.read("run/all_results.json")); }

TEST(Quantization, EverySpellingTrains) {
  struct Spelling {
    const char* yaml;
    Args flags;
    const char* storage;
    const char* says;  ///< of config.yaml
  };
  const std::vector<Spelling> all = {
      {"", {"--quantization", "nf4"}, "nf4", "  type: nf4\n"},
      {"", {"--load-in-4bit"}, "nf4", "  type: nf4\n"},
      {"", {"quantization=int8"}, "int8", "  type: int8\n"},
      {"", {"quantization.type=nf4", "--double-quant"}, "nf4", "  double_quant: true\n"},
      {"", {"--quantization_bit", "8"}, "int8", "  type: int8\n"},
      {"load_in_4bit: true\n", {}, "nf4", "  type: nf4\n"},
      {"load_in_8bit: true\n", {}, "int8", "  type: int8\n"},
      {"quantization_bit: 8\n", {}, "int8", "  type: int8\n"},
      {"quantization: {type: nf4, double_quant: true}\n", {}, "nf4", "  double_quant: true\n"},
      {"quantization: {load_in_4bit: true, bnb_4bit_quant_type: nf4, bnb_4bit_use_double_quant: true}\n",
       {},
       "nf4",
       "  double_quant: true\n"},
      {"quantization: nf4\n", {}, "nf4", "  type: nf4\n"},
      {"quantization: int8\n", {}, "int8", "  type: int8\n"},
      {"quantization: nf4\n", {"--quantization", "int8"}, "int8", "  type: int8\n"},
      {"quantization: none\n", {}, "none", "  type: none\n"},
      {"quantization:\n", {}, "none", "  type: none\n"},
  };
  for (const Spelling& s : all) {
    Folder f;
    with_data(f).write("c.yaml", s.yaml);
    Args args = lora(joined(s.flags, {"--max-steps", "1"}));
    if (*s.yaml) args.insert(args.begin() + 1, "c.yaml");
    const Outcome r = f.run(args);
    ASSERT_EQ(r.status, 0) << s.yaml << testing::PrintToString(s.flags) << r.err;
    EXPECT_EQ(results(f).value("base_storage", ""), s.storage) << s.yaml << testing::PrintToString(s.flags);
    EXPECT_THAT(f.read("run/config.yaml"), HasSubstr(s.says)) << s.yaml << testing::PrintToString(s.flags);
    const Outcome again = f.run({"train", "run/config.yaml", "--print-config"});
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(again.out, f.read("run/config.yaml"));
  }
}

TEST(Quantization, ContradictionsAreOneClearError) {
  struct Wrong {
    Args args;
    std::vector<std::string> says;
  };
  const std::vector<Wrong> all = {
      {lora({"--quantization", "int8", "--load-in-4bit"}), {"load_in_4bit", "contradicts", "int8"}},
      {lora({"--load-in-8bit", "--load-in-4bit"}), {"load_in_4bit", "contradicts"}},
      {lora({"--quantization-bit", "3"}), {"quantization_bit", "8 or 4", "3"}},
      {lora({"--quantization", "fp4"}), {"nf4", "'fp4'"}},
      {lora({"--bnb-4bit-quant-type", "fp4", "--load-in-4bit"}), {"nf4", "'fp4'"}},
      {lora({"--double-quant"}), {"double_quant", "nf4"}},
      {lora({"--quantization", "int8", "--resident", "4bit"}), {"resident", "nf4"}},
      {joined(kTraining, {"--method", "full", "--quantization", "nf4"}), {"method full", "lora"}},
      {joined(kTraining, {"--quantization", "nf4"}), {"method full", "lora"}},
      {joined(kTraining, {"--method", "bitfit", "--quantization", "int8"}), {"method bitfit", "lora"}},
      {joined(kTraining, {"--method", "full", "--compute", "int8"}), {"compute: int8", "method full", "lora"}},
      {lora({"--compute", "int4"}), {"int8", "'int4'"}},
      {lora({"--quantization", "nf4", "--skip-modules", "qeury"}), {"skip_modules", "'qeury'", "did you mean 'query'"}},
      {lora({"--skip-modules", "query,lm_head"}), {"skip_modules", "'lm_head'", "known: "}},
  };
  for (const Wrong& w : all) {
    Folder f;
    const Outcome r = with_data(f).run(w.args);
    EXPECT_EQ(r.status, 2) << r.err;
    for (const auto& text : w.says) EXPECT_THAT(r.err, HasSubstr(text));
    size_t errors = 0;
    for (size_t at = r.err.find("error: "); at != std::string::npos; at = r.err.find("error: ", at + 1)) ++errors;
    EXPECT_EQ(errors, 1u) << r.err;
    EXPECT_THAT(r.err, AllOf(Not(HasSubstr("internal")), Not(HasSubstr("problems"))));
  }
  Folder f;
  f.write("c.yaml", "quantization: [nf4]\n");
  const Outcome list = f.run({"train", "c.yaml"});
  EXPECT_EQ(list.status, 2);
  EXPECT_THAT(list.err, AllOf(HasSubstr("c.yaml:1"), HasSubstr("quantization")));
  f.write("c.yaml", "training: 7\n");
  EXPECT_THAT(f.run({"train", "c.yaml"}).err, HasSubstr("expected keys and values"));
}

TEST(Quantization, ProcessorsWithoutByteProductsWarnAndWork) {
  for (const char* isa : {"reference", "sse2", "avx2"}) {
    Folder f;
    const Outcome r = with_data(f).run(lora({"--quantization", "nf4", "--compute", "int8"}), {.env = {{"ATTUNE_ISA", isa}}});
    if (r.err.find("no such instruction set") != std::string::npos) continue;
    EXPECT_EQ(r.status, 0) << isa << r.err;
    EXPECT_THAT(r.err, AllOf(HasSubstr("warning: "), HasSubstr("compute: int8"))) << isa;
    EXPECT_EQ(results(f)["compute"], "int8") << isa;
    EXPECT_GT(results(f)["int8_least_cosine"].get<double>(), 0.99) << isa;
    // Where it is no faster, `auto` leaves it, and says so.
    const Outcome by_itself = f.run(lora({"--quantization", "nf4", "--overwrite"}), {.env = {{"ATTUNE_ISA", isa}}});
    EXPECT_EQ(by_itself.status, 0) << isa << by_itself.err;
    EXPECT_THAT(by_itself.err, AllOf(Not(HasSubstr("warning: ")), HasSubstr("products run in f32"))) << isa;
    EXPECT_EQ(results(f)["compute"], "f32") << isa;
  }
}

TEST(Quantization, AnAdapterIsTrainedOnFromItsFolder) {
  Folder f;
  ASSERT_EQ(with_data(f).run(lora({})).status, 0);
  const Outcome r = f.run({"train", "--model", "run", "--train-file", "train.csv", "--max-steps", "2", "--max-length", "32",
                           "--quantization", "nf4", "--output-dir", "more"});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_TRUE(f.has("more/adapter_model.safetensors"));
}

/// D1 and D6: killed at some moment, resumed, the same adapter.
TEST(Quantization, KilledAndResumedRunsEndInTheSameBits) {
  Folder f;
  f.write("train.csv", review_csv(60));
  const auto args = [](const std::string& output) {
    return lora({"--quantization", "nf4", "--compute", "int8", "--batch-size", "4", "--max-steps", "60", "--save-strategy", "steps",
                 "--save-steps", "3", "--logging-steps", "1", "--output-dir", output});
  };
  ASSERT_EQ(f.run(args("whole")).status, 0);
  int killed = 0;
  for (const int checkpoint : {3, 12, 27}) {
    const std::string name = "cut" + std::to_string(checkpoint), awaited = name + "/checkpoint-" + std::to_string(checkpoint);
    const pid_t pid = f.start(args(name), name + ".log");
    for (int i = 0; i < 20000 && !f.has(awaited) && !f.has(name + "/adapter_model.safetensors"); ++i)
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    ::kill(pid, SIGKILL);
    killed += wait_for(pid) == 128 + SIGKILL;
    const Outcome r = f.run(joined(args(name), {"--resume"}));
    ASSERT_EQ(r.status, 0) << r.err;
    for (const char* file : {"adapter_model.safetensors", "int8_check.json"})
      EXPECT_TRUE(f.read(name + "/" + file) == f.read(std::string("whole/") + file)) << file << " after " << checkpoint;
  }
  EXPECT_GE(killed, 1);
}

}  // namespace
}  // namespace attune::e2e
