// What a user can get wrong: each case ends in one clear error, the right exit status (docs/design.md, section 1) and nothing half made.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include "program.h"

namespace attune::e2e {
namespace {

using testing::HasSubstr;
using Args = std::vector<std::string>;

struct Case {
  const char* name;
  int status;
  std::vector<std::string> says;               ///< all of them on stderr
  std::function<Args(const Folder&)> arrange;  ///< makes the files, gives the arguments
  RunOptions options = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// A training that works, in a folder with train.csv; `more` comes last and so wins.
Args training(const Args& more, const std::string& model = golden_model("bert")) {
  Args args{"train", "--model", model, "--train-file", "train.csv", "--max-steps", "2", "--max-length", "32", "--output-dir", "run"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}
std::function<Args(const Folder&)> trains(const Args& more) {
  return [=](const Folder& f) {
    f.write("train.csv", review_csv(30));
    return training(more);
  };
}
std::function<Args(const Folder&)> trains_on(const std::string& name, const std::string& bytes, const Args& more = {}) {
  return [=](const Folder& f) {
    f.write(name, bytes);
    Args args = training({"--train-file", name});
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
}
/// A copy of the golden BERT with `name` changed by `change`, and a prediction with it.
std::function<Args(const Folder&)> predicts_with(const std::string& name, const std::function<std::string(std::string)>& change) {
  return [=](const Folder& f) {
    fs::create_directories(f.path("m"));
    for (const char* part : {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"})
      fs::copy(fs::path(golden_model("bert")) / part, f.path("m") / part);
    fs::permissions(f.path("m/" + name), fs::perms::owner_all);
    f.write("m/" + name, change(f.read("m/" + name)));
    return Args{"predict", "m", "--text", "the film was great"};
  };
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::string with_header_length(std::string bytes, uint64_t n) {
  std::memcpy(bytes.data(), &n, 8);
  return bytes;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      // Usage and configuration.
      {"NoCommand", 2, {}, [](const Folder&) { return Args{}; }},
      {"UnknownCommand", 2, {"unknown command 'trian'", "did you mean 'train'"}, [](const Folder&) { return Args{"trian"}; }},
      {"UnknownFlag", 2, {"unknown flag --learnign-rate", "did you mean '--learning-rate'"}, trains({"--learnign-rate", "1e-4"})},
      {"UnknownKey",
       2,
       {"c.yaml:2: training.learnin_rate", "did you mean 'learning_rate'"},
       [](const Folder& f) {
         f.write("c.yaml", "training:\n  learnin_rate: 1e-4\n");
         return Args{"train", "c.yaml"};
       }},
      {"EveryProblemOfAConfig",
       2,
       {"3 problems", "c.yaml:1", "c.yaml:2", "c.yaml:3"},
       [](const Folder& f) {
         f.write("c.yaml", "modle: x\nbatch_size: many\nr: -1\n");
         return Args{"train", "c.yaml"};
       }},
      {"BrokenYaml",
       2,
       {"c.yaml:", "not readable as YAML"},
       [](const Folder& f) {
         f.write("c.yaml", "training: {a: [1\n");
         return Args{"train", "c.yaml"};
       }},
      {"ValueOutOfRange", 2, {"--batch-size", "at least 1", "'0'"}, trains({"--batch-size", "0"})},
      {"MissingArgument", 2, {"missing: MODEL"}, [](const Folder&) { return Args{"evaluate"}; }},
      {"MissingConfig",
       3,
       {"nothing.yaml"},
       [](const Folder&) {
         return Args{"train", "nothing.yaml"};
       }},
      {"UnknownTask", 2, {"text-clasification", "did you mean 'text-classification'"}, trains({"--task", "text-clasification"})},
      {"UnknownMethod", 2, {"lroa", "did you mean 'lora'"}, trains({"--method", "lroa"})},
      {"TargetsMatchNothing", 2, {"qeury", "query"}, trains({"--method", "lora", "--target-modules", "qeury"})},
      {"WrongNumLabels", 2, {"num_labels"}, trains({"--num-labels", "2"})},
      {"MaxLengthAboveThePositions", 2, {"max_length", "64"}, trains({"--max-length", "512"})},
      {"UnknownMetric",
       2,
       {"acuracy", "accuracy"},
       [](const Folder& f) {
         f.write("validation.csv", review_csv(6));
         return trains({"--validation-file", "validation.csv", "--load-best-model-at-end", "--metric-for-best-model", "acuracy"})(f);
       }},
      // Models.
      {"ModelNotFound",
       3,
       {"no-such-model"},
       [](const Folder& f) {
         f.write("train.csv", review_csv(30));
         return training({}, "no-such-model");
       }},
      {"TruncatedWeights",
       3,
       {"model.safetensors"},
       predicts_with("model.safetensors", [](std::string b) { return b.substr(0, b.size() / 2); })},
      {"EmptyWeights", 3, {"model.safetensors"}, predicts_with("model.safetensors", [](const std::string&) { return std::string(); })},
      {"HostileHeaderLength",
       3,
       {"model.safetensors"},
       predicts_with("model.safetensors", [](std::string b) { return with_header_length(std::move(b), ~uint64_t{0}); })},
      {"OffsetsBeyondTheFile",
       3,
       {"model.safetensors"},
       predicts_with("model.safetensors",
                     [](std::string b) { return replaced(std::move(b), "\"data_offsets\":[0,", "\"data_offsets\":[9,"); })},
      {"MisshapenTensor",
       3,
       {"hidden_size"},
       predicts_with("config.json", [](std::string b) { return replaced(std::move(b), "\"hidden_size\": 32", "\"hidden_size\": 33"); })},
      {"AbsurdConfig",
       3,
       {"config.json"},
       predicts_with("config.json",
                     [](std::string b) { return replaced(std::move(b), "\"vocab_size\": 114", "\"vocab_size\": 99999999999999"); })},
      {"BrokenConfig", 3, {"config.json"}, predicts_with("config.json", [](std::string b) { return b.substr(0, 100); })},
      {"UnknownArchitecture",
       3,
       {"made-up", "bert"},
       predicts_with("config.json",
                     [](std::string b) { return replaced(std::move(b), "\"model_type\": \"bert\"", "\"model_type\": \"made-up\""); })},
      {"BrokenTokenizer", 3, {"tokenizer.json"}, predicts_with("tokenizer.json", [](std::string b) { return b.substr(0, 200); })},
      {"DeepTokenizer",
       3,
       {"tokenizer.json"},
       predicts_with("tokenizer.json", [](const std::string&) { return std::string(100000, '['); })},
      {"AdapterOfAnotherShape",
       3,
       {"do not fit the model"},
       [](const Folder&) {
         return Args{"predict", golden_adapter("bert_plain"), "--base-model", golden_model("bert_odd"), "--text", "x"};
       }},
      {"AdapterWithoutItsBase",
       3,
       {"--base-model"},
       [](const Folder& f) {
         fs::copy(golden_adapter("bert_plain"), f.path("a"));
         return Args{"predict", "a", "--text", "x"};
       }},
      // Data.
      {"MissingFile", 3, {"train.csv"}, [](const Folder&) { return training({}); }},
      {"FolderForAFile",
       3,
       {"data"},
       [](const Folder& f) {
         fs::create_directories(f.path("data"));
         return training({"--train-file", "data"});
       }},
      {"UnknownFormat", 3, {"train.parquet"}, trains_on("train.parquet", "PAR1")},
      {"WrongFormat", 3, {"train.jsonl"}, trains_on("train.jsonl", review_csv(10))},
      {"EmptyFile", 3, {"train.csv"}, trains_on("train.csv", "")},
      {"OnlyAHeader", 3, {"train.csv"}, trains_on("train.csv", "text,label\n")},
      {"DamagedGzip", 3, {"train.csv.gz"}, trains_on("train.csv.gz", "\x1f\x8b\x08not really")},
      {"InvalidUtf8", 3, {"train.csv:3"}, trains_on("train.csv", "text,label\nfine,negative\n\xff\xfe,positive\n")},
      {"NoTextColumn", 3, {"train.csv", "text_column"}, trains_on("train.csv", "phrase,label\nfine,negative\nbad,positive\n")},
      {"WrongColumn", 3, {"txet", "text"}, trains({"--text-column", "txet"})},
      {"BadRows", 3, {"train.csv:3"}, trains_on("train.csv", "text,label\nfine,negative\nno label\nbad,positive\n")},
      {"OneClass", 3, {"positive"}, trains_on("train.csv", "text,label\nfine,positive\ngood,positive\ngreat,positive\n")},
      {"OneText", 3, {"train.csv"}, trains_on("train.csv", "text,label\nfine,positive\nfine,negative\nfine,positive\nfine,negative\n")},
      {"LabelsOfAnotherHead",
       3,
       {"train.csv", "3 (negative, neutral, positive)", "2 (bad, good)"},
       trains_on("train.csv", "text,label\nfine,good\nawful,bad\nnice,good\n")},
      {"LabelNotInTheHead",
       3,
       {"postive", "positive"},
       [](const Folder& f) {
         f.write("test.csv", "text,label\nthe film,postive\n");
         return Args{"evaluate", golden_model("bert"), "--data", "test.csv"};
       }},
      // State.
      {"OutputNotEmpty",
       7,
       {"run", "--overwrite"},
       [](const Folder& f) {
         f.write("run/precious.txt", "do not touch");
         return trains({})(f);
       }},
      {"OutputIsAFile",
       4,
       {"run"},
       [](const Folder& f) {
         f.write("run", "a file");
         return trains({})(f);
       }},
      // Output.
      {"DiskFull", 4, {"run"}, trains({"--save-steps", "1", "--save-strategy", "steps"}), {.file_limit = 20000}},
      {"StdoutFull",
       4,
       {"standard output"},
       [](const Folder& f) {
         f.write("in.txt", "the film\n");
         return Args{"predict", golden_model("bert"), "--input", "in.txt"};
       },
       {.stdout_to = "/dev/full"}},
      {"OutputFolderMissing",
       4,
       {"nowhere"},
       [](const Folder& f) {
         f.write("in.txt", "the film\n");
         return Args{"predict", golden_model("bert"), "--input", "in.txt", "--output", "nowhere/out.jsonl"};
       }},
  };
  return all;
}

class Errors : public testing::TestWithParam<Case> {};

TEST_P(Errors, IsOneClearMessage) {
  const Case& c = GetParam();
  Folder f;
  Outcome r = f.run(c.arrange(f), c.options);
  EXPECT_EQ(r.status, c.status) << r.out << r.err;
  for (const auto& text : c.says) EXPECT_THAT(r.err, HasSubstr(text));
  EXPECT_THAT(r.err, testing::Not(HasSubstr("internal:")));
  size_t errors = 0;
  for (size_t at = r.err.find("error: "); at != std::string::npos; at = r.err.find("error: ", at + 1)) ++errors;
  if (!c.says.empty()) {
    EXPECT_EQ(errors, 1u) << r.err;
  }
  for (const auto& entry : fs::recursive_directory_iterator(f.path()))
    EXPECT_EQ(entry.path().filename().string().find(".partial"), std::string::npos) << "left behind: " << entry.path();
  if (f.has("run/precious.txt")) {
    EXPECT_EQ(f.read("run/precious.txt"), "do not touch");
  }
}
INSTANTIATE_TEST_SUITE_P(All, Errors, testing::ValuesIn(cases()), [](const auto& c) { return std::string(c.param.name); });

TEST(Refusals, ALockedRunFolder) {
  Folder f;
  f.write("train.csv", review_csv(30));
  fs::create_directories(f.path("run"));
  int fd = ::open(f.path("run/.lock").c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  Outcome r = f.run(training({}));
  EXPECT_EQ(r.status, 7) << r.err;
  ::close(fd);
  EXPECT_EQ(f.run(training({"--overwrite"})).status, 0);
}

TEST(Refusals, AnUnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root can read every file";
  Folder f;
  f.write("train.csv", review_csv(30));
  ::chmod(f.path("train.csv").c_str(), 0);
  Outcome r = f.run(training({}));
  EXPECT_EQ(r.status, 4) << r.err;
  EXPECT_THAT(r.err, HasSubstr("train.csv"));
}

TEST(Refusals, ANanIsReportedWithItsStep) {
  Folder f;
  Args args = predicts_with("model.safetensors", [](std::string b) {
    // Somewhere in the last tensor's numbers.
    const float nan = __builtin_nanf("");
    std::memcpy(b.data() + b.size() - 4, &nan, 4);
    return b;
  })(f);
  f.write("train.csv", review_csv(30));
  Outcome r = f.run(training({"--seed", "1"}, "m"));
  EXPECT_TRUE(r.status == 5 || r.status == 3) << r.status << r.err;
  EXPECT_THAT(r.err, testing::AnyOf(HasSubstr("step"), HasSubstr("not finite")));
}

TEST(Refusals, ATrainingThatDiverges) {
  Folder f;
  f.write("train.csv", review_csv(60));
  Outcome r = f.run(training({"--learning-rate", "1000", "--max-grad-norm", "0", "--weight-decay", "900", "--max-steps", "60",
                              "--lr-scheduler-type", "constant"}));
  EXPECT_EQ(r.status, 5) << r.err;
  for (const char* text : {"step", "learning rate", "row"}) EXPECT_THAT(r.err, HasSubstr(text));
}

TEST(Refusals, ResumeWithOtherDataOrSettings) {
  Folder f;
  f.write("train.csv", review_csv(60));
  Args save{"--save-strategy", "steps", "--save-steps", "2", "--batch-size", "4", "--max-steps", "4"};
  ASSERT_EQ(f.run(training(save)).status, 0);
  Args again = save;
  again.insert(again.end(), {"--resume", "--learning-rate", "1e-3"});
  Outcome config = f.run(training(again));
  EXPECT_EQ(config.status, 7) << config.err;
  EXPECT_THAT(config.err, HasSubstr("learning_rate"));
  f.write("train.csv", review_csv(60, 3));
  again = save;
  again.push_back("--resume");
  Outcome data = f.run(training(again));
  EXPECT_EQ(data.status, 7) << data.err;
  EXPECT_THAT(data.err, HasSubstr("train_rows"));
}

TEST(Refusals, ResumeWithNothingToResumeStartsAndSaysSo) {
  Folder f;
  f.write("train.csv", review_csv(30));
  Outcome r = f.run(training({"--resume"}));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.err, HasSubstr("beginning"));
}

TEST(Refusals, AnAdapterOnOtherWeightsWarnsAndStrictRefuses) {
  Folder f;
  f.write("train.csv", review_csv(30));
  ASSERT_EQ(f.run(training({"--method", "lora", "--target-modules", "query"})).status, 0);
  fs::copy(golden_model("bert"), f.path("other"));
  fs::permissions(f.path("other/model.safetensors"), fs::perms::owner_all);
  std::string bytes = f.read("other/model.safetensors");
  const float one = 1.0f;
  std::memcpy(bytes.data() + bytes.size() - 4, &one, 4);
  f.write("other/model.safetensors", bytes);
  Args use{"predict", "run", "--base-model", "other", "--text", "the film"};
  Outcome warned = f.run(use);
  EXPECT_EQ(warned.status, 0) << warned.err;
  EXPECT_THAT(warned.err, HasSubstr("warning: "));
  use.push_back("--strict");
  EXPECT_EQ(f.run(use).status, 3);
}

TEST(Refusals, LongRowsAreCutAndCounted) {
  Folder f;
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += " great";
  f.write("train.csv", review_csv(30) + "the film was" + longer + ",positive\n");
  Outcome r = f.run(training({}));
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.err, testing::AnyOf(HasSubstr("truncated"), HasSubstr("cut")));
}

TEST(Signals, InterruptWritesACheckpointAndResumeGoesOn) {
  for (int signal : {SIGINT, SIGTERM}) {
    Folder f;
    f.write("train.csv", review_csv(150));
    Args args = training({"--max-steps", "100000", "--save-strategy", "no", "--logging-steps", "1"});
    pid_t pid = f.start(args, "log");
    for (int i = 0; i < 600 && f.read("log").find("loss") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(pid, signal);
    EXPECT_EQ(wait_for(pid), 128 + signal) << f.read("log");
    bool checkpoint = false;
    for (const auto& entry : fs::directory_iterator(f.path("run")))
      checkpoint |= entry.path().filename().string().starts_with("checkpoint-");
    EXPECT_TRUE(checkpoint) << f.read("log");
  }
}

TEST(Signals, AReaderThatLeavesIsNoCrash) {
  Folder f;
  std::string rows;
  for (int i = 0; i < 20000; ++i) rows += "the film was great\n";
  f.write("in.txt", rows);
  std::string command = program() + " tokenize " + golden_model("bert") + " --input " + f.path("in.txt").string() + " 2>&1 >&3 | cat >" +
                        f.path("err").string();
  command = "bash -c '{ " + command + "; echo ${PIPESTATUS[0]} >" + f.path("status").string() + "; } 3>&1 | head -n 1 >" +
            f.path("first").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(f.read("first"), HasSubstr("input_ids"));
  EXPECT_EQ(f.read("status"), "4\n");
  EXPECT_EQ(f.read("err"), "");
}

}  // namespace
}  // namespace attune::e2e
