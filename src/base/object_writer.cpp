#include "base/object_writer.h"

namespace attune {

void ObjectWriter::add(const std::string& key, const Json& value) {
  constexpr size_t kPiece = size_t{1} << 20;
  const std::string alone = dump_json(Json{{key, value}}, {.indent = 4, .sort_keys = false});  // "{", the member's lines, "}"
  text_ += any_ ? "," : "{";
  text_.append(alone, 1, alone.size() - 3);
  any_ = true;
  if (text_.size() < kPiece) return;
  out_.write(text_);
  text_.clear();
}

void ObjectWriter::end() {
  text_ += any_ ? "\n}\n" : "{}\n";
  out_.write(text_);
  text_.clear();
}

}  // namespace attune
