#include "base/error.h"
#include "base/suggest.h"
#include "tasks/task.h"

namespace attune {

std::unique_ptr<Task> make_text_classification(TaskSettings settings);

namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Task> (*make)(TaskSettings);
};
constexpr Entry kTasks[] = {{"text-classification", make_text_classification}};

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Entry& e : kTasks) names.emplace_back(e.name);
  return names;
}

std::unique_ptr<Task> make_task(TaskSettings settings) {
  for (const Entry& e : kTasks)
    if (settings.task == e.name) return e.make(std::move(settings));
  fail(ErrorCode::kUsage, {.id = "task.unknown", .where = "task", .what = "unknown task \"" + settings.task + "\"", .hint = suggestion(settings.task, task_names())});
}

}  // namespace attune
