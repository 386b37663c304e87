#include "report/page.h"

#include <set>

#include "report/names.h"

namespace attune::report {
namespace {

template <typename Kind>
std::vector<Kind> blocks_of(const Page& page) {
  std::vector<Kind> found;
  for (const Section& section : page.sections)
    for (const Block& block : section.blocks)
      if (const auto* b = std::get_if<Kind>(&block)) found.push_back(*b);
  return found;
}

}  // namespace

std::vector<Chart> charts(const Page& page) { return blocks_of<Chart>(page); }
std::vector<Table> tables(const Page& page) { return blocks_of<Table>(page); }

void check(const Page& page) {
  std::set<std::string> ids;
  const auto once = [&](const std::string& id) { ensure(is_id(id) && ids.insert(id).second, "id '" + id + "' of the page is used twice or no file name"); };
  for (const Section& section : page.sections) once(section.id);
  for (const Chart& chart : charts(page)) check(chart), once(chart.id);
  for (const Table& table : tables(page)) check(table), once(table.id);
}

}  // namespace attune::report
