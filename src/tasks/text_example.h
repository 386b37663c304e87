// A text or a pair of texts as one example, cut to max_length: of the tasks that read a row as a whole.
#pragma once

#include "tasks/task.h"

namespace attune {

/// Without labels.
Example text_example(const Row& row, const Tokenizer& tokenizer, const TaskSettings& settings);

}  // namespace attune
