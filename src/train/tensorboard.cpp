#include "train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>

#include <fmt/format.h>

namespace attune {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

void append_little(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}
void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}
// Protobuf wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
void append_tag(std::string& out, uint32_t field, uint32_t wire) { append_varint(out, (field << 3) | wire); }
void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_tag(out, field, 2);
  append_varint(out, bytes.size());
  out += bytes;
}
std::string event_head(double wall_time, int64_t step) {
  std::string event;
  append_tag(event, 1, 1);
  append_little(event, std::bit_cast<uint64_t>(wall_time), 8);
  if (step != 0) {
    append_tag(event, 2, 0);
    append_varint(event, static_cast<uint64_t>(step));
  }
  return event;
}
uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }
double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t c = 0xffffffffu;
  for (const char b : bytes) c = kCrcTable[(c ^ static_cast<unsigned char>(b)) & 0xff] ^ (c >> 8);
  return ~c;
}

std::string tfrecord(std::string_view data) {
  std::string record;
  append_little(record, data.size(), 8);
  append_little(record, masked(crc32c(record)), 4);
  record += data;
  append_little(record, masked(crc32c(data)), 4);
  return record;
}

std::string version_event(double wall_time) {
  std::string event = event_head(wall_time, 0);
  append_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time, int64_t step, std::span<const std::pair<std::string, double>> scalars) {
  std::string summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;
    append_bytes(value, 1, tag);
    append_tag(value, 2, 5);
    append_little(value, std::bit_cast<uint32_t>(static_cast<float>(number)), 4);
    append_bytes(summary, 1, value);
  }
  std::string event = event_head(wall_time, step);
  append_bytes(event, 5, summary);
  return event;
}

std::string restart_event(double wall_time, int64_t step) {
  std::string log;  // SessionLog.status = START
  append_tag(log, 1, 0);
  append_varint(log, 1);
  std::string event = event_head(wall_time, step);
  append_bytes(event, 7, log);
  return event;
}

std::string tensorboard_tag(const std::string& key) {
  for (const std::string prefix : {"eval", "test"})
    if (key.starts_with(prefix + "_")) return prefix + "/" + key.substr(prefix.size() + 1);
  return "train/" + key;
}

EventFile::EventFile(const fs::path& folder, int64_t restart_step) {
  static std::atomic<int> made{0};
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') std::snprintf(host, sizeof host, "localhost");
  const double time = now();
  const auto name = fmt::format("events.out.tfevents.{:010d}.{}.{}.{}", static_cast<int64_t>(time), host, ::getpid(), made++);
  file_system().make_folder(folder);
  file_ = file_system().append(folder / name);
  file_->write(tfrecord(version_event(time)));
  if (restart_step >= 0) file_->write(tfrecord(restart_event(time, restart_step)));
}

void EventFile::write(int64_t step, std::span<const std::pair<std::string, double>> scalars) {
  if (!scalars.empty()) file_->write(tfrecord(scalar_event(now(), step, scalars)));
}

}  // namespace attune
