#include "base/text_files.h"

#include "base/error.h"

namespace attune {

bool TextFiles::contains(const std::string& name) const { return texts_ ? texts_->contains(name) : file_exists(place_ / name); }

std::string TextFiles::read(const std::string& name, uint64_t limit) const {
  if (!texts_) return read_file(place_ / name, limit);
  require(contains(name), "a file that is there");
  return texts_->at(name);
}

Json TextFiles::json(const std::string& name, const JsonLimits& limits) const {
  if (!texts_) return read_json(place_ / name, limits);
  require(contains(name), "a file that is there");
  return parse_json(texts_->at(name), where(name), limits);
}

}  // namespace attune
