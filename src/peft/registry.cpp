#include "base/suggest.h"
#include "peft/method.h"

namespace attune {

extern const MethodEntry kFull, kLora, kBitFit, kFreeze, kHeadOnly;

const std::vector<MethodEntry>& peft_methods() {
  static const std::vector<MethodEntry> all{kFull, kLora, kBitFit, kFreeze, kHeadOnly};
  return all;
}

std::unique_ptr<PeftMethod> make_method(PeftSetup setup) {
  std::vector<std::string> names;
  for (const MethodEntry& m : peft_methods()) {
    if (setup.adapter.options.method == m.name) return m.make(std::move(setup));
    names.push_back(m.name);
  }
  const std::string given = setup.adapter.options.method;
  fail(setup.origin.code, {.id = "peft.method",
                           .where = setup.origin.where + ".method",
                           .what = "unknown method '" + given + "'",
                           .hint = suggestion(given, names)});
}

}  // namespace attune
