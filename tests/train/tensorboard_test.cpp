#include "train/tensorboard.h"

#include <gtest/gtest.h>

namespace attune {
namespace {

std::string bytes_of(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 3) out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

// From rfc3720 section B.4 and docs/formats, section 13.
TEST(TensorBoard, Crc32cKnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoard, RecordsEqualTheWriterOfTensorBoard) {
  EXPECT_EQ(tfrecord(version_event(1.0)),
            bytes_of("18 00 00 00 00 00 00 00 a3 7f 4b 22 09 00 00 00 00 00 00 f0 3f 1a 0d 62 72 61 69 6e 2e 45 76 65 6e 74 3a 32 86 bf 57 7a"));
  const std::vector<std::pair<std::string, double>> scalars = {{"train/loss", 0.5}};
  EXPECT_EQ(tfrecord(scalar_event(2.0, 7, scalars)),
            bytes_of("20 00 00 00 00 00 00 00 29 ed a9 50 09 00 00 00 00 00 00 00 40 10 07 2a 13 0a 11 0a 0a 74 72 61 69 6e 2f 6c 6f 73 73 15 00 00 00 "
                     "3f 9e 1b fa e5"));
}

TEST(TensorBoard, TagsAreTheTrainers) {
  EXPECT_EQ(tensorboard_tag("loss"), "train/loss");
  EXPECT_EQ(tensorboard_tag("eval_f1_macro"), "eval/f1_macro");
  EXPECT_EQ(tensorboard_tag("test_loss"), "test/loss");
}

TEST(TensorBoard, FilesGrowRecordByRecord) {
  const fs::path folder = fs::path(testing::TempDir()) / "events";
  fs::remove_all(folder);
  {
    EventFile file(folder, 5);
    const std::vector<std::pair<std::string, double>> scalars = {{"train/loss", 0.25}};
    file.write(6, scalars);
  }
  const auto names = list_folder(folder);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_TRUE(names[0].starts_with("events.out.tfevents.")) << names[0];
  const std::string bytes = read_file(folder / names[0]);
  size_t records = 0;
  for (size_t at = 0; at < bytes.size(); ++records) at += 16 + static_cast<unsigned char>(bytes[at]);
  EXPECT_EQ(records, 3u);
}

}  // namespace
}  // namespace attune
