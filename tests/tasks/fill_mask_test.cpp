// What masked language models are asked: a share of the ordinary tokens, drawn anew in every epoch and the same in every evaluation.
#include <gtest/gtest.h>


#include "data/packing.h"
#include "tasks/task.h"

namespace attune {
namespace {

/// Keeps what the model was shown and asked instead of computing it.
struct Asked {
  std::vector<int32_t> shown, labels;
};

class WatchingHead : public Head {
 public:
  explicit WatchingHead(Asked& asked) : asked_(asked) {}
  ReadRows reads() const override { return ReadRows::kAll; }
  Var forward(const Context&, const Var& hidden) override { return hidden; }
  LossSum language_loss(const Context&, const Var& hidden, std::span<const int32_t> labels, float) override {
    asked_.labels.assign(labels.begin(), labels.end());
    return {0, 1, std::vector<float>(static_cast<size_t>(hidden.rows()))};
  }

 private:
  Asked& asked_;
};

class WatchingBackbone : public Backbone {
 public:
  WatchingBackbone(Asked& asked, int64_t vocabulary) : asked_(asked) { info_.vocab_size = vocabulary; }
  const BackboneInfo& info() const override { return info_; }
  ForwardPass pass(const Input& in) override {
    asked_.shown = in.batch->ids;
    ForwardPass p;
    p.embeddings = [n = in.batch->tokens()](const Context&) { return Var(Tensor::zeros({n, 1})); };
    return p;
  }

 private:
  Asked& asked_;
  BackboneInfo info_;
};

class FillMaskTest : public ::testing::Test {
 protected:
  FillMaskTest() : tokenizer(load_tokenizer(fs::path(ATTUNE_SOURCE_DIR) / "tests/golden/models/bert")) {
    TaskSettings settings;
    settings.task = "fill-mask";
    settings.max_length = 64;
    task = make_task(settings);
    std::vector<Row> rows(300);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].index = i;
      rows[i].text = "the film was good and the plot was bad , not great but the story was awful";
    }
    examples = task->encode_all(rows, *tokenizer, "test");
    batch = pack(examples);
  }
  Asked ask(TokenKeys keys) {
    Asked asked;
    Model model("", std::make_unique<WatchingBackbone>(asked, tokenizer->vocab_size()), std::make_unique<WatchingHead>(asked), 0);
    Context ctx;
    ctx.kernels = &reference_kernels();
    task->loss(ctx, model, batch, std::move(keys), {});
    return asked;
  }
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Task> task;
  std::vector<Example> examples;
  Batch batch;
};

TEST_F(FillMaskTest, HidesTheShareTheRecipeSays) {
  const Asked a = ask(token_keys(batch, 1, 0));
  ASSERT_EQ(a.labels.size(), batch.ids.size());
  double asked = 0, ordinary = 0, hidden = 0, kept = 0;
  for (size_t t = 0; t < a.labels.size(); ++t) {
    const std::string token = tokenizer->token(batch.ids[t]);
    const bool special = token == "[CLS]" || token == "[SEP]";
    ordinary += !special;
    if (a.labels[t] < 0) {
      EXPECT_EQ(a.shown[t], batch.ids[t]) << "a token that is not asked for is shown as it is";
      continue;
    }
    EXPECT_FALSE(special);
    EXPECT_EQ(a.labels[t], batch.ids[t]);
    asked += 1;
    hidden += a.shown[t] == *tokenizer->mask_id();
    kept += a.shown[t] == batch.ids[t];
  }
  EXPECT_NEAR(asked / ordinary, 0.15, 0.02);
  EXPECT_NEAR(hidden / asked, 0.80, 0.05);
  EXPECT_NEAR(kept / asked, 0.10, 0.04);
}

TEST_F(FillMaskTest, DrawsAnewInEveryEpochAndNeverInEvaluation) {
  EXPECT_EQ(ask(token_keys(batch, 1, 0)).labels, ask(token_keys(batch, 1, 0)).labels);
  EXPECT_NE(ask(token_keys(batch, 1, 0)).labels, ask(token_keys(batch, 1, 1)).labels);
  EXPECT_NE(ask(token_keys(batch, 1, 0)).labels, ask(token_keys(batch, 2, 0)).labels);
  EXPECT_EQ(ask(nullptr).labels, ask(nullptr).labels);
}

TEST_F(FillMaskTest, RowsOfOneTextAreAskedDifferently) {
  const Asked a = ask(token_keys(batch, 1, 0));
  const auto length = static_cast<std::ptrdiff_t>(batch.length(0));
  EXPECT_NE(std::vector<int32_t>(a.labels.begin(), a.labels.begin() + length), std::vector<int32_t>(a.labels.begin() + length, a.labels.begin() + 2 * length));
}

}  // namespace
}  // namespace attune
