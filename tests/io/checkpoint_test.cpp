// Checkpoints: whole or absent under every fault, found newest-valid-first, rotated without loss (reliability D2, D4, D7, D8, N3).
#include "io/checkpoint.h"

#include <cmath>
#include <set>

#include "base/fault.h"
#include "base/random.h"
#include "base/temp_folder.h"

namespace attune {
namespace {

using testing::error_id;
using testing::error_of;
using testing::put;
using testing::TempFolder;
using Mode = FaultyFileSystem::Mode;

CheckpointContent content(float value, size_t size = 8) {
  const Tensor w = Tensor::of({static_cast<int64_t>(size)}, std::vector<float>(size, value));
  CheckpointContent c;
  c.tensors["adapter_model.safetensors"] = {{"lora_A.weight", w}, {"lora_B.weight", w}};
  c.tensors["optimizer.safetensors"] = {{"exp_avg.0", w}};
  c.documents["trainer_state.json"] = {{"global_step", 3}, {"loss", NAN}};
  c.files["adapter_config.json"] = "{}";
  return c;
}

TEST(WriteCheckpoint, AndReadBack) {
  TempFolder t;
  const fs::path folder = write_checkpoint(t.path(), 40, content(1.5f));
  EXPECT_EQ(folder, t / "checkpoint-40");
  EXPECT_EQ(list_folder(folder), (std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors", "manifest.json",
                                                           "optimizer.safetensors", "trainer_state.json"}));
  EXPECT_EQ(open_checkpoint(folder).step, 40);
  EXPECT_EQ(read_checkpoint_tensors(folder, "optimizer.safetensors", MemoryClass::kOptimizer).at("exp_avg.0").f32()[7], 1.5f);
  EXPECT_EQ(read_file(folder / "trainer_state.json"), "{\n  \"global_step\": 3,\n  \"loss\": null\n}\n");
  put(folder / "trainer_state.json", "{\"loss\": NaN}");
  EXPECT_TRUE(std::isnan(read_checkpoint_json(folder, "trainer_state.json").at("loss").get<double>()));
  EXPECT_EQ(error_id([&] { read_checkpoint_json(folder, "../x"); }), "name.unsafe");
  uint64_t bytes = 0;
  for (const std::string& name : list_folder(write_checkpoint(t.path(), 41, content(1))))
    bytes += name == "manifest.json" ? 0 : attune::file_size(t / "checkpoint-41" / name);
  EXPECT_EQ(checkpoint_size(content(1)), bytes);
}

TEST(WriteCheckpoint, NonFiniteTensorsAreRefusedBeforeAnythingHappens) {
  TempFolder t;
  write_checkpoint(t.path(), 1, content(1));
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const char* file : {"adapter_model.safetensors", "optimizer.safetensors"}) {
      CheckpointContent c = content(2);
      c.tensors[file].begin()->second = Tensor::of({3}, std::vector<float>{0, bad, 0});
      FaultyFileSystem watch;
      FaultScope scope(watch);
      const Error e = error_of([&] { write_checkpoint(t.path(), 1, c); });
      EXPECT_EQ(e.info().id, "checkpoint.nonfinite");
      EXPECT_EQ(e.code(), ErrorCode::kNumerical);
      EXPECT_NE(e.info().where.find(file), std::string::npos);
      EXPECT_EQ(watch.operations(), 0u);
    }
  }
  EXPECT_EQ(error_id([&] { open_checkpoint(t / "checkpoint-1"); }), "");
}

TEST(WriteCheckpoint, SpaceIsCheckedFirst) {
  TempFolder t;
  FaultyFileSystem small;
  small.set_free_bytes(checkpoint_size(content(1)) - 1);
  FaultScope scope(small);
  const Error e = error_of([&] { write_checkpoint(t.path(), 1, content(1)); });
  EXPECT_EQ(e.info().id, "disk.full");
  EXPECT_EQ(e.code(), ErrorCode::kIo);
  EXPECT_EQ(small.operations(), 0u);
  small.set_free_bytes(checkpoint_size(content(1)));
  EXPECT_EQ(error_id([&] { write_checkpoint(t.path(), 1, content(1)); }), "");
}

TEST(WriteCheckpoint, AForeignFolderOfThatNameIsMovedAside) {
  TempFolder t;
  put(t / "checkpoint-500" / "optimizer.pt", "theirs");
  ::testing::internal::CaptureStderr();
  write_checkpoint(t.path(), 500, content(1));
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("was not written by this program; moved to checkpoint-500.aside-"),
            std::string::npos);
  EXPECT_EQ(open_checkpoint(t / "checkpoint-500").step, 500);
  const std::vector<std::string> names = list_folder(t.path());
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(read_file(t / names[1] / "optimizer.pt"), "theirs");
}

TEST(WriteCheckpoint, EveryFaultLeavesTheLastOneWhole) {
  for (const Mode mode : {Mode::kOnce, Mode::kForever, Mode::kShortWrite, Mode::kKill, Mode::kKillAfter}) {
    for (const int64_t next : {10, 20}) {  // over an old one of that step; beside it
      bool finished = false;
      for (uint64_t n = 1; !finished; ++n) {
        ASSERT_LT(n, 100u);
        SCOPED_TRACE(::testing::Message() << "mode " << static_cast<int>(mode) << " step " << next << " operation " << n);
        TempFolder t;
        write_checkpoint(t.path(), 10, content(1));
        const std::string before = sha256_file(t / "checkpoint-10" / "manifest.json");
        FaultyFileSystem faulty(n, mode);
        bool reported = false;
        {
          FaultScope scope(faulty);
          try {
            write_checkpoint(t.path(), next, content(2));
            reported = true;
          } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::kIo);
          } catch (const Killed&) {
          }
          finished = !faulty.failed();
        }
        remove_stale_partials(t.path());
        const CheckpointSearch found = find_checkpoints(t.path(), CheckpointTrust::kAllHashes);
        EXPECT_TRUE(found.skipped.empty());
        ASSERT_FALSE(found.valid.empty());
        EXPECT_EQ(list_folder(t.path()).size(), found.valid.size());
        if (reported) {
          EXPECT_EQ(found.newest()->step, next);
          EXPECT_EQ(read_checkpoint_tensors(found.newest()->folder, "optimizer.safetensors", MemoryClass::kOther).at("exp_avg.0").f32()[0],
                    2.f);
        } else if (next == 20) {
          EXPECT_EQ(sha256_file(t / "checkpoint-10" / "manifest.json"), before);
        }
      }
    }
  }
}

TEST(FindCheckpoints, NewestValidFirstAndWhyOthersAreNot) {
  TempFolder t;
  for (const int64_t step : {5, 999, 1000, 40, 7, 8, 9, 11, 12, 13}) write_checkpoint(t.path(), step, content(1));
  const auto flip = [](const fs::path& p) {
    std::string s = read_file(p);
    s.back() = static_cast<char>(s.back() ^ 1);
    put(p, s);
  };
  flip(t / "checkpoint-1000" / "adapter_model.safetensors");                                         // damaged
  fs::remove(t / "checkpoint-999" / "manifest.json");                                                // incomplete
  fs::copy(t / "checkpoint-5", t / "checkpoint-50", fs::copy_options::recursive);                    // copied
  fs::rename(t / "checkpoint-7", t / "checkpoint-70");                                               // renamed
  put(t / "checkpoint-60" / "optimizer.pt", "");                                                     // the Trainer's
  put(t / "checkpoint-61" / "manifest.json", "{\"format_version\": 7, \"tool_version\": \"3.1\"}");  // newer
  put(t / "checkpoint-62" / "manifest.json", "not json");
  put(t / "checkpoint-63", "a file");
  fs::create_directory_symlink(t / "checkpoint-5", t / "checkpoint-64");
  fs::create_directory(t / "checkpoint-65");
  put(t / "checkpoint-8" / "optimizer.safetensors", "short");
  fs::remove(t / "checkpoint-9" / "adapter_config.json");
  flip(t / "checkpoint-11" / "manifest.json");
  fs::resize_file(t / "checkpoint-12" / "manifest.json", 20);
  flip(t / "checkpoint-13" / "trainer_state.json");
  for (const char* name : {"checkpoint-", "checkpoint-x", "checkpoint--1", "checkpoint-007", "checkpoint-40 (copy)", "Checkpoint-90",
                           "checkpoint-1e3", "checkpoint-99999999999999999999", "xcheckpoint-9", ".checkpoint-90.partial-0123456789abcdef"})
    fs::create_directory(t / name);
  const size_t before = list_folder(t.path()).size();

  const CheckpointSearch found = find_checkpoints(t.path());
  ASSERT_FALSE(found.valid.empty());
  EXPECT_EQ(found.newest()->step, 40);
  std::map<std::string, std::string> why;
  for (const auto& s : found.skipped) why[s.name] = s.why;
  const auto contains = [&](const char* name, const char* text) {
    EXPECT_NE(why[name].find(text), std::string::npos) << name << ": " << why[name];
  };
  contains("checkpoint-1000", "adapter_model.safetensors: the content differs");
  contains("checkpoint-999", "no manifest.json");
  contains("checkpoint-50", "step 5");
  contains("checkpoint-70", "step 7");
  contains("checkpoint-60", "not written by attune");
  contains("checkpoint-61", "3.1");
  contains("checkpoint-62", "manifest.json");
  contains("checkpoint-63", "not a folder");
  contains("checkpoint-64", "not a folder");
  contains("checkpoint-65", "no manifest.json");
  contains("checkpoint-8", "optimizer.safetensors: expected");
  contains("checkpoint-9", "adapter_config.json: missing");
  contains("checkpoint-12", "manifest.json");
  EXPECT_EQ(found.skipped.front().name, "checkpoint-1000");  // newest first here too
  EXPECT_EQ(list_folder(t.path()).size(), before);           // nothing is ever removed

  const auto steps = [&](CheckpointTrust trust) {
    std::vector<int64_t> s;
    for (const auto& c : find_checkpoints(t.path(), trust).valid) s.push_back(c.step);
    return s;
  };
  EXPECT_EQ(steps(CheckpointTrust::kSizes), (std::vector<int64_t>{1000, 40, 13, 5}));
  EXPECT_EQ(steps(CheckpointTrust::kNewestHashes), (std::vector<int64_t>{40, 13, 5}));
  EXPECT_EQ(steps(CheckpointTrust::kAllHashes), (std::vector<int64_t>{40, 5}));
  EXPECT_TRUE(find_checkpoints(t / "nowhere").valid.empty());
}

TEST(OpenCheckpoint, SaysWhatIsWrong) {
  TempFolder t;
  EXPECT_EQ(error_id([&] { open_checkpoint(t / "none"); }), "file.missing");
  EXPECT_EQ(error_id([&] { open_checkpoint(t.path()); }), "checkpoint.damaged");
  write_checkpoint(t.path(), 1, content(1));
  put(t / "checkpoint-1" / "optimizer.safetensors", "x");
  fs::remove(t / "checkpoint-1" / "adapter_config.json");
  const Error e = error_of([&] { open_checkpoint(t / "checkpoint-1"); });
  EXPECT_EQ(e.info().id, "checkpoint.damaged");
  EXPECT_NE(std::string(e.what()).find("optimizer.safetensors: expected"), std::string::npos);
  EXPECT_NE(std::string(e.what()).find("adapter_config.json: missing"), std::string::npos);
  put(t / "checkpoint-1" / "manifest.json", "{\"format_version\": 2}");
  EXPECT_EQ(error_id([&] { open_checkpoint(t / "checkpoint-1"); }), "manifest.newer");
  FolderCommit(t / "model", false).commit();
  EXPECT_EQ(error_id([&] { open_checkpoint(t / "model"); }), "checkpoint.damaged");
}

std::vector<int64_t> steps_in(const fs::path& run) {
  std::vector<int64_t> s;
  for (const auto& c : find_checkpoints(run, CheckpointTrust::kSizes).valid) s.push_back(c.step);
  return s;
}

TEST(Rotate, NumericOrderBestAndForeign) {
  TempFolder t;
  using Steps = std::vector<int64_t>;
  for (const int64_t step : {998, 999, 1000, 1001}) write_checkpoint(t.path(), step, content(1));
  put(t / "checkpoint-1" / "optimizer.pt", "theirs");
  write_checkpoint(t.path(), 2, content(1));
  put(t / "checkpoint-2" / "notes.txt", "mine");
  write_checkpoint(t.path(), 3, content(1));
  put(t / "checkpoint-3" / "optimizer.safetensors", "damaged");
  EXPECT_EQ(rotate_checkpoints(t.path(), 0).removed.size(), 0u);
  const Rotation r = rotate_checkpoints(t.path(), 3);
  ASSERT_EQ(r.removed.size(), 1u);
  EXPECT_EQ(r.removed[0].step, 998);
  EXPECT_EQ(steps_in(t.path()), (Steps{1001, 1000, 999, 2}));
  EXPECT_TRUE(file_exists(t / "checkpoint-1" / "optimizer.pt"));
  EXPECT_TRUE(file_exists(t / "checkpoint-2" / "notes.txt"));
  EXPECT_TRUE(folder_exists(t / "checkpoint-3"));
  rotate_checkpoints(t.path(), 1, 999);
  EXPECT_EQ(steps_in(t.path()), (Steps{1001, 999, 2}));
  rotate_checkpoints(t.path(), 1, 1001);
  EXPECT_EQ(steps_in(t.path()), (Steps{1001, 2}));
  rotate_checkpoints(t.path(), 1);
  rotate_checkpoints(t.path(), 1, 5);
  EXPECT_EQ(steps_in(t.path()), (Steps{1001, 2}));
}

TEST(Rotate, AFailureIsAWarningAndAKillLeavesOnlyWholeOnes) {
  for (const Mode mode : {Mode::kOnce, Mode::kForever, Mode::kKill, Mode::kKillAfter}) {
    for (uint64_t n = 1;; ++n) {
      TempFolder t;
      for (int64_t step = 1; step <= 4; ++step) write_checkpoint(t.path(), step, content(1));
      FaultyFileSystem faulty(n, mode, EIO);
      ::testing::internal::CaptureStderr();
      {
        FaultScope scope(faulty);
        try {
          rotate_checkpoints(t.path(), 2);
        } catch (const Killed&) {
        }
      }
      const std::string text = ::testing::internal::GetCapturedStderr();
      if (!faulty.failed()) break;
      if (mode == Mode::kOnce || mode == Mode::kForever) {
        EXPECT_NE(text.find("could not be removed"), std::string::npos);
      }
      remove_stale_partials(t.path());
      const CheckpointSearch found = find_checkpoints(t.path(), CheckpointTrust::kAllHashes);
      EXPECT_TRUE(found.skipped.empty());
      EXPECT_EQ(found.newest()->step, 4);
      EXPECT_GE(found.valid.size(), 2u);
      EXPECT_EQ(list_folder(t.path()).size(), found.valid.size());
    }
  }
}

// D7: sequences of save, kill, change of the best, rotation. ATTUNE_ROTATION_SEQUENCES=10000 for the long run.
TEST(Rotate, RandomSequencesNeverLoseTheNewestOrTheBest) {
  Random random(20);
  const CheckpointContent c = content(1, 1);
  const char* sequences = std::getenv("ATTUNE_ROTATION_SEQUENCES");
  for (int sequence = 0; sequence < (sequences ? std::atoi(sequences) : 500); ++sequence) {
    TempFolder t;
    const auto limit = static_cast<int64_t>(1 + random.below(5));
    int64_t step = static_cast<int64_t>(random.below(2) ? 996 : 1 + random.below(9)), newest = -1;
    std::optional<int64_t> best;
    for (int i = 0; i < 8; ++i) {
      const size_t before = steps_in(t.path()).size();
      step += 1 + static_cast<int64_t>(random.below(3));
      const bool kill = random.below(3) == 0;
      FaultyFileSystem faulty(kill ? 1 + random.below(30) : UINT64_MAX, random.below(2) ? Mode::kKill : Mode::kKillAfter);
      bool saved = false;
      {
        FaultScope scope(faulty);
        try {
          write_checkpoint(t.path(), step, c);
          saved = true;
          if (random.below(3) == 0) best = step;
          rotate_checkpoints(t.path(), limit, best);
        } catch (const Killed&) {
        }
      }
      if (kill) remove_stale_partials(t.path());
      const CheckpointSearch found = find_checkpoints(t.path(), CheckpointTrust::kSizes);
      std::set<int64_t> now;
      for (const auto& v : found.valid) now.insert(v.step);
      ASSERT_TRUE(found.skipped.empty());
      ASSERT_GE(now.size(), std::min(before, static_cast<size_t>(limit)));
      if (saved) newest = step;
      if (newest >= 0) {
        ASSERT_GE(*now.rbegin(), newest);
      }
      if (best) {
        ASSERT_TRUE(now.count(*best));
      }
      if (!kill) {
        ASSERT_LE(now.size(), static_cast<size_t>(std::max<int64_t>(limit, best && *best != step ? 2 : 1)));
      }
      if (!now.empty()) newest = *now.rbegin();
    }
  }
}

}  // namespace
}  // namespace attune
