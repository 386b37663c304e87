// Objects written member by member have the bytes of dump_json.
#include "base/object_writer.h"

#include "temp_folder.h"

namespace attune {
namespace {

std::string written(const Json& object, const fs::path& file) {
  write_file_atomically(file, [&](OutputFile& out) {
    ObjectWriter members(out);
    for (const auto& [key, value] : object.items()) members.add(key, value);
    members.end();
  });
  return read_file(file);
}

TEST(ObjectWriter, HasTheBytesOfTheWhole) {
  const testing::TempFolder folder;
  Json large = Json::object();
  for (int i = 0; i < 2000; ++i) large["key " + std::to_string(i)] = Json::array({i, std::string(1000, 'x'), {{"p", 0.5}}});  // larger than any buffer
  for (const Json& object : {Json::object(), Json{{"one", "é \"quoted\"\n"}}, Json{{"b", 1.5}, {"a", Json::array()}, {"c", {{"d", nullptr}}}}, large})
    EXPECT_EQ(written(object, folder.path() / "f.json"), dump_json(object, {.indent = 4, .sort_keys = false}) + "\n");
}

}  // namespace
}  // namespace attune
