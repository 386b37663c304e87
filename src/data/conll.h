// Words with tags in columns, one word a line, a blank line between sentences: the files of the CoNLL shared tasks.
#pragma once

#include <string_view>

#include "data/reader.h"

namespace attune {

/// Adds a row a sentence to `file`. Columns are divided by tabs where the first line has one, else by runs of spaces; they are called 1, 2,
/// ..., or -1 for the last. Words are in options.columns.text (unset: 1), tags in options.columns.label (unset: the last).
/// A line -DOCSTART- or a comment "# newdoc" begins a document, which becomes Row::group. Comment lines begin with '#', stand before a
/// sentence, and have other columns than the words. Error(kInput) "data.column", "data.no_label_column".
void parse_conll(std::string_view content, DataFile& file, const ReadOptions& options, bool checked);

}  // namespace attune
