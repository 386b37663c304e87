// Questions on a context: what an answer must be, and the nested files of SQuAD.
#pragma once

#include <string>
#include <vector>

#include "data/reader.h"

namespace attune {

/// Checks a row that has its question and context, takes `answers` (null: none given) into row.label and sets row.group. Answers are
/// {"text": [...], "answer_start": [...]} as the datasets library writes them, or a list of {"text", "answer_start"} as SQuAD does;
/// answer_start counts code points. Returns why the row cannot be used, or "".
std::string settle_question(Row& row, const Json& answers, LabelUse labels);

/// True for an article (with `paragraphs`) or a paragraph (with `qas`) of a SQuAD file.
bool is_squad_record(const Json& object);

struct SquadRow {
  Row row;
  std::string problem;  ///< not empty: why it is none; names the question
};
/// All questions of one article or paragraph. Lines are the record's.
std::vector<SquadRow> squad_rows(const Json& record, uint64_t line, LabelUse labels);

}  // namespace attune
