// The tags of token classification: names and numbers to ids, the labels of a file, and what is said of tags that cannot be learned.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/labels.h"

namespace attune {

/// Tags as texts; numbers are positions in `names`, where no name is that number.
class TagNames {
 public:
  explicit TagNames(std::vector<std::string> names);
  int32_t id(const Json& tag) const;  ///< -1: unknown
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, int32_t> ids_;
};

/// The tags of labelled rows as ids; nothing for a row without tags where they are `optional`. Error(kInput) "data.labels.unknown",
/// "data.tags.broken" (at odds with the scheme of the file) list file, line and word of each.
std::vector<std::vector<int32_t>> tag_ids(std::span<const Row> rows, const TagNames& tags, const std::string& where, bool optional);

/// Names the configuration gives, else the model's where they hold all tags of the rows, else the tags sorted. Error(kInput)
/// "data.no_labels", "data.one_class", and those of tag_ids.
LabelSet labels_of_tag_rows(std::span<const Row> train, const LabelOptions& options, const std::string& where);
void check_tag_rows(std::span<const Row> rows, const LabelSet& labels, const std::string& where);

}  // namespace attune
