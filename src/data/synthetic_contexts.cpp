// Short texts about museums, firms and ships with questions of which the answer is a piece of the text.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/code_points.h"
#include "data/synthetic.h"

namespace attune {
namespace {

enum class Value { kPerson, kCity, kYear, kCount, kMaterial, kFood, kMonth };

constexpr std::string_view kPersons[] = {"Maria Keller", "Zoë Brandt", "John Okafor", "José Álvarez", "Anna Lindqvist", "Kenji Tanaka", "Łucja Nowak", "Peter Hall", "Amina Haddad", "Erik Sørensen"};
constexpr std::string_view kCities[] = {"Bergen", "Malmö", "Łódź", "Porto", "Reykjavík", "Ghent", "Turin", "Zürich", "Cork", "Gdańsk"};
constexpr std::string_view kMaterials[] = {"copper", "slate", "oak", "red brick", "granite", "steel", "glass", "white marble"};
constexpr std::string_view kFoods[] = {"apple cake", "fish soup", "black coffee", "lemon tea", "rye bread", "onion tart", "plum jam"};
constexpr std::string_view kMonths[] = {"January", "March", "April", "June", "August", "October", "December"};

struct Fact {
  std::string_view sentence;  ///< {S}: the thing, {V}: the answer
  std::string_view questions[2];
  Value value;
};
constexpr Fact kMuseumFacts[] = {{"{S} was founded in {V}.", {"In which year was {S} founded?", "Since when has there been {S}?"}, Value::kYear},
                                 {"{S} stands in {V}, close to the river.", {"In which city does {S} stand?", "Where does one find {S}?"}, Value::kCity},
                                 {"The first director of {S} was {V}.", {"Who was the first director of {S}?", "Who was the first to lead {S}?"}, Value::kPerson},
                                 {"The building of {S} was designed by {V}.", {"Who designed the building of {S}?", "Who was the architect of {S}?"}, Value::kPerson},
                                 {"About {V} people visit {S} every year.", {"How many people visit {S} every year?", "How many guests does {S} have in a year?"}, Value::kCount},
                                 {"The roof of {S} is made of {V}.", {"What is the roof of {S} made of?", "What covers {S}?"}, Value::kMaterial},
                                 {"The cafe of {S} is known for its {V}.", {"What is the cafe of {S} known for?", "What do people like to have in the cafe of {S}?"}, Value::kFood},
                                 {"{S} is closed in {V}.", {"In which month is {S} closed?", "When can one not visit {S}?"}, Value::kMonth}};
constexpr Fact kFirmFacts[] = {{"{S} was set up in {V}.", {"In which year was {S} set up?", "How long has {S} existed?"}, Value::kYear},
                               {"The head office of {S} is in {V}.", {"In which city is the head office of {S}?", "Where is {S} run from?"}, Value::kCity},
                               {"Today {S} is led by {V}.", {"Who leads {S} today?", "Who is the head of {S}?"}, Value::kPerson},
                               {"The founder of {S} was {V}.", {"Who was the founder of {S}?", "Who started {S}?"}, Value::kPerson},
                               {"There are {V} people who work for {S}.", {"How many people work for {S}?", "How large is the staff of {S}?"}, Value::kCount},
                               {"Most of the income of {S} comes from {V}.", {"Where does most of the income of {S} come from?", "What does {S} sell most?"}, Value::kMaterial},
                               {"The staff of {S} gets free {V} on Fridays.", {"What does the staff of {S} get on Fridays?", "What is free for those who work at {S}?"}, Value::kFood},
                               {"{S} publishes its results in {V}.", {"In which month does {S} publish its results?", "When does {S} show its figures?"}, Value::kMonth}};
constexpr Fact kShipFacts[] = {{"{S} was built in {V}.", {"In which year was {S} built?", "How old is {S}?"}, Value::kYear},
                               {"The home port of {S} is {V}.", {"What is the home port of {S}?", "Where does {S} return to?"}, Value::kCity},
                               {"The captain of {S} is {V}.", {"Who is the captain of {S}?", "Who commands {S}?"}, Value::kPerson},
                               {"{S} belongs to {V}.", {"Who does {S} belong to?", "Who owns {S}?"}, Value::kPerson},
                               {"{S} can carry {V} passengers.", {"How many passengers can {S} carry?", "For how many travellers is there room on {S}?"}, Value::kCount},
                               {"The deck of {S} is covered with {V}.", {"What is the deck of {S} covered with?", "What does one walk on aboard {S}?"}, Value::kMaterial},
                               {"Passengers of {S} are welcomed with {V}.", {"What are passengers of {S} welcomed with?", "What is served first on {S}?"}, Value::kFood},
                               {"{S} stays in the dock in {V}.", {"In which month does {S} stay in the dock?", "When does {S} not sail?"}, Value::kMonth}};
constexpr std::string_view kMuseums[] = {"the Halden Museum", "the Corvin Library", "the Aster Gallery", "the Old Theatre", "the Marlow Museum", "the Linden Hall"};
constexpr std::string_view kFirms[] = {"Volta Motors", "Delta Foods", "Orion Steel", "Nordbank", "Helix Pharma", "Tern Shipping"};
constexpr std::string_view kShips[] = {"the Sea Gull", "the Northern Star", "the Lady Ingrid", "the Blue Heron", "the Albatross", "the Queen Maud"};
constexpr std::string_view kFill[] = {"Many people know it from the television.", "An article about it appeared last week.", "There are several books on its history.", "Visitors often ask about it.",
                                      "Little has changed since then.", "The weather there is mild."};

constexpr int64_t kQuestions = 4;  // a text, which tells at least as many facts

struct Kind {
  std::span<const std::string_view> names;
  std::span<const Fact> facts;
};
const Kind kKinds[] = {{kMuseums, kMuseumFacts}, {kFirms, kFirmFacts}, {kShips, kShipFacts}};

std::string value_of(Value kind, Random& random) {
  switch (kind) {
    case Value::kPerson: return std::string(pick(kPersons, random));
    case Value::kCity: return std::string(pick(kCities, random));
    case Value::kYear: return std::to_string(1820 + random.below(180));
    case Value::kCount: return fmt::format("{},{:03}", 1 + random.below(90), 100 * random.below(10));
    case Value::kMaterial: return std::string(pick(kMaterials, random));
    case Value::kFood: return std::string(pick(kFoods, random));
    case Value::kMonth: return std::string(pick(kMonths, random));
  }
  return {};
}

/// What a context tells: which fact of which thing, and where its answer stands.
struct Told {
  size_t thing, fact;
  std::string value;
  int64_t start;
};

class ContextWriter {
 public:
  ContextWriter(const SyntheticOptions& options, double no_answer_share, int64_t number)
      : options_(options), no_answer_share_(no_answer_share), random_(mix_key(options.seed, hash_name("contexts"), static_cast<uint64_t>(number))), kind_(pick(kKinds, random_)) {}

  SyntheticContext context(int64_t questions, int64_t first_id) {
    const bool two = random_.uniform() < options_.overlap;
    things_.emplace_back(pick(kind_.names, random_));
    while (two && things_.size() < 2) {
      const std::string other(pick(kind_.names, random_));
      if (other != things_[0]) things_.push_back(other);
    }
    tell();
    SyntheticContext c;
    c.title = filled(things_[0], [](std::string_view) { return ""; });
    c.text = text_;
    for (int64_t i = 0; i < questions; ++i) c.questions.push_back(question(first_id + i));
    return c;
  }

 private:
  /// The facts of all things in a random order, two of each thing left out.
  void tell() {
    std::vector<std::pair<size_t, size_t>> facts;
    for (size_t t = 0; t < things_.size(); ++t)
      for (const size_t f : shuffled(kind_.facts.size(), kind_.facts.size() - 2)) facts.emplace_back(t, f);
    const auto length = options_.least + static_cast<int64_t>(random_.below(static_cast<uint64_t>(options_.most - options_.least + 1)));
    for (const size_t i : shuffled(facts.size(), facts.size())) {
      const auto [thing, fact] = facts[i];
      if (static_cast<int64_t>(told_.size()) >= kQuestions && word_count(text_) >= length) break;
      const Fact& f = kind_.facts[fact];
      std::string value;  // one that no other fact of the text has
      do value = value_of(f.value, random_);
      while (std::any_of(told_.begin(), told_.end(), [&](const Told& t) { return t.value == value; }));
      const std::string with_slot = filled(f.sentence, [&](std::string_view slot) { return slot == "S" ? things_[thing] : "{V}"; });
      const size_t at = with_slot.find("{V}");
      add(with_slot.substr(0, at) + value + with_slot.substr(at + 3));
      told_.push_back({thing, fact, value, last_ + CodePoints(with_slot.substr(0, at)).size()});
    }
    for (const size_t i : shuffled(std::size(kFill), std::size(kFill)))
      if (word_count(text_) < length && word_count(text_) + word_count(kFill[i]) <= options_.most) add(std::string(kFill[i]));
  }

  void add(const std::string& sentence) {
    if (!text_.empty()) text_ += " ";
    last_ = CodePoints(text_).size();
    text_ += sentence;
  }

  SyntheticQuestion question(int64_t id) {
    const bool none = random_.uniform() < no_answer_share_;
    std::vector<std::pair<size_t, size_t>> told, untold;
    for (size_t t = 0; t < things_.size(); ++t)
      for (size_t f = 0; f < kind_.facts.size(); ++f)
        if (!asked_.contains({t, f})) (find(t, f) ? told : untold).emplace_back(t, f);
    const auto& from = (none && !untold.empty()) || told.empty() ? untold : told;
    SyntheticQuestion q;
    q.id = fmt::format("q{:06}", id);
    const auto [thing, fact] = pick(from, random_);
    asked_.insert({thing, fact});
    const std::string name = things_[thing];
    q.question = filled(pick(kind_.facts[fact].questions, random_), [&](std::string_view) { return name; });
    if (const Told* t = find(thing, fact)) {
      q.clean = q.answer = t->value;
      q.clean_start = q.start = t->start;
      if (told_.size() > 1 && random_.uniform() < options_.label_noise) {
        const Told* other = t;
        while (other == t) other = &pick(told_, random_);
        q.answer = other->value;
        q.start = other->start;
      }
    }
    return q;
  }

  const Told* find(size_t thing, size_t fact) const {
    for (const Told& t : told_)
      if (t.thing == thing && t.fact == fact) return &t;
    return nullptr;
  }

  std::vector<size_t> shuffled(size_t n, size_t count) {
    std::vector<size_t> all;
    for (size_t i = 0; i < n; ++i) all.push_back(i);
    for (size_t i = 0; i + 1 < n; ++i) std::swap(all[i], all[i + static_cast<size_t>(random_.below(n - i))]);
    all.resize(count);
    return all;
  }

  const SyntheticOptions& options_;
  double no_answer_share_;
  Random random_;
  const Kind& kind_;
  std::vector<std::string> things_;
  std::vector<Told> told_;
  std::set<std::pair<size_t, size_t>> asked_;
  std::string text_;
  int64_t last_ = 0;  // where the last sentence begins, in code points
};

}  // namespace

std::vector<SyntheticContext> synthetic_contexts(const SyntheticOptions& options, double no_answer_share) {
  std::vector<SyntheticContext> contexts;
  for (int64_t done = 0; done < options.rows; done += kQuestions)
    contexts.push_back(ContextWriter(options, no_answer_share, done / kQuestions).context(std::min(kQuestions, options.rows - done), done + 1));
  return contexts;
}

Json squad_file(const std::vector<SyntheticContext>& contexts) {
  Json data = Json::array();
  const auto answers = [](const std::string& text, int64_t start) {
    Json list = Json::array();
    if (!text.empty()) list.push_back({{"text", text}, {"answer_start", start}});
    return list;
  };
  for (const SyntheticContext& c : contexts) {
    Json paragraph = {{"context", c.text}, {"qas", Json::array()}};
    for (const SyntheticQuestion& q : c.questions) {
      Json one = {{"id", q.id}, {"question", q.question}, {"answers", answers(q.answer, q.start)}, {"is_impossible", q.answer.empty()}};
      if (q.answer != q.clean) one["clean_answers"] = answers(q.clean, q.clean_start);
      paragraph["qas"].push_back(std::move(one));
    }
    Json article = {{"title", c.title}, {"paragraphs", Json::array()}};
    article["paragraphs"].push_back(std::move(paragraph));
    data.push_back(std::move(article));
  }
  Json file = {{"version", "v2.0"}};
  file["data"] = std::move(data);
  return file;
}

}  // namespace attune
