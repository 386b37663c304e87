// D1: kill -9 at any moment loses at most the work since the last checkpoint, and the resumed run ends in the same bits.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "base/random.h"
#include "train/rig.h"

namespace attune {
namespace {

using namespace testing;

constexpr int kKills = 20;

void prepare(Rig& rig, const fs::path& folder) {
  rig.job.config.save_strategy = Interval::kSteps;
  rig.job.config.save_steps = 2;
  rig.job.config.save_total_limit = 2;
  rig.job.config.eval_strategy = Interval::kEpoch;
  rig.use_epochs(2, 1, 3);
  rig.job.validation = std::span(rig.examples).first(5);
  rig.job.folder = folder;
}

std::string run_to_the_end(const fs::path& folder) {
  Rig rig("bert_lora", true);
  prepare(rig, folder);
  remove_stale_partials(folder);
  const auto newest = find_checkpoints(folder).newest();
  const FitResult r = fit(rig.job, newest ? std::optional(newest->folder) : std::nullopt);
  Sha256 hash;
  const auto weights = rig.weights();
  hash.update(weights.data(), weights.size() * sizeof(float));
  for (const auto& [name, t] : read_checkpoint_tensors(find_checkpoints(folder).newest()->folder, "optimizer.safetensors", MemoryClass::kOther))
    hash.update(t.data(), static_cast<size_t>(t.bytes()));
  hash.update(dump_json(without_times(r.state.log_history)));
  return hash.hex();
}

TEST(Kill, EveryRunEndsInTheSameBits) {
  const fs::path whole = fresh_folder("kill_whole");
  const auto begin = std::chrono::steady_clock::now();
  const std::string want = run_to_the_end(whole);
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin).count();
  Random random(1);
  int killed = 0;
  for (int i = 0; killed < kKills && i < 20 * kKills; ++i) {  // a kill that came after the end does not count
    const fs::path folder = fresh_folder("kill");
    int64_t before = -1;
    for (int attempt = 0;; ++attempt) {
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        try {
          run_to_the_end(folder);
          ::_exit(0);
        } catch (...) {
          ::_exit(1);
        }
      }
      ::usleep(static_cast<useconds_t>(random.below(static_cast<uint64_t>(time))));
      if (attempt < 3) ::kill(child, SIGKILL);
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      if (WIFSIGNALED(status)) ++killed;
      const CheckpointSearch found = find_checkpoints(folder, CheckpointTrust::kAllHashes);
      EXPECT_TRUE(found.skipped.empty()) << found.skipped.front().name << ": " << found.skipped.front().why;
      const int64_t now = found.newest() ? found.newest()->step : -1;
      EXPECT_GE(now, before) << "a checkpoint was lost";
      before = now;
      if (WIFEXITED(status)) {
        ASSERT_EQ(WEXITSTATUS(status), 0);
        break;
      }
    }
    ASSERT_EQ(run_to_the_end(folder), want) << "run " << i;
  }
  EXPECT_GE(killed, kKills);
}

}  // namespace
}  // namespace attune
