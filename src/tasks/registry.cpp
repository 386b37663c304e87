#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/suggest.h"
#include "tasks/task.h"

namespace attune {

extern const TaskKind kTextClassification, kTokenClassification, kQuestionAnswering, kTextGeneration, kFillMask, kFeatureExtraction;

namespace {

constexpr const TaskKind* kTasks[] = {&kTextClassification, &kTokenClassification, &kQuestionAnswering, &kTextGeneration, &kFillMask, &kFeatureExtraction};

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const TaskKind* t : kTasks) names.emplace_back(t->name);
  return names;
}

std::string task_choice() { return fmt::format("{{{}}}", fmt::join(task_names(), ",")); }

const TaskKind& find_task(const std::string& name) {
  for (const TaskKind* t : kTasks)
    if (name == t->name) return *t;
  fail(ErrorCode::kUsage, {.id = "task.unknown", .where = "task", .what = "unknown task \"" + name + "\"", .hint = suggestion(name, task_names())});
}

const TaskKind* task_of(HeadKind head) {
  for (const TaskKind* t : kTasks)
    if (head != HeadKind::kNone && t->head == head) return t;
  return nullptr;
}

std::unique_ptr<Task> make_task(TaskSettings settings) { return find_task(settings.task).make(std::move(settings)); }

}  // namespace attune
