// TensorBoard event files, written by hand: TFRecord framing with masked CRC-32C around small protobuf messages (formats: section 13).
// Bytes already written are never touched again; a reader waits at a torn last record.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/files.h"

namespace attune {

uint32_t crc32c(std::string_view bytes);
/// One record of a TFRecord file.
std::string tfrecord(std::string_view data);
/// Serialised Event messages.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, int64_t step, std::span<const std::pair<std::string, double>> scalars);
/// Tells readers to forget what earlier files of the folder say from this step on (a resumed run).
std::string restart_event(double wall_time, int64_t step);
/// The Trainer's tag of a log key: eval_loss -> eval/loss, loss -> train/loss.
std::string tensorboard_tag(const std::string& key);

class EventFile {
 public:
  /// A new file `events.out.tfevents.<seconds>.<host>.<pid>.<n>` in `folder`; `restart_step` of a resumed run, -1 otherwise.
  EventFile(const fs::path& folder, int64_t restart_step);
  void write(int64_t step, std::span<const std::pair<std::string, double>> scalars);

 private:
  std::unique_ptr<OutputFile> file_;
};

}  // namespace attune
