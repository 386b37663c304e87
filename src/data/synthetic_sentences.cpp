// News sentences with named entities: clauses joined until the sentence is long enough.
#include <array>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/synthetic.h"

namespace attune {
namespace {

constexpr std::string_view kTypes[] = {"PER", "ORG", "LOC", "MISC"};

/// A person, a place or a club or firm: the sentence decides.
constexpr std::string_view kAmbiguous[] = {"Washington", "Jordan", "Austin", "Lincoln", "Madison", "Georgia", "Chelsea", "Paris", "Jackson", "Houston",
                                           "Sydney", "Florence", "Charlotte", "Hamilton", "Wellington", "Victoria", "Santiago", "Carson", "Dallas", "Milton"};
constexpr std::string_view kFirstNames[] = {"Maria", "John", "Anna", "Peter", "Fatima", "Ivan", "Laura", "Kenji", "Olga", "David", "Amina", "Erik"};
constexpr std::string_view kLastNames[] = {"Keller", "Novak", "Smith", "Tanaka", "Okafor", "Rossi", "Larsen", "Petrov", "Silva", "Dubois", "Haddad", "Meyer"};
constexpr std::string_view kPlaces[] = {"Norway", "Nairobi", "Lisbon", "New York", "Japan", "Warsaw", "Lake Como", "Brazil", "Cape Town", "Vienna", "South Korea", "Oslo", "Geneva", "Peru"};
constexpr std::string_view kOrganisations[] = {"Nordbank", "United Nations", "Volta Motors", "Bank of Norway", "Helix Pharma", "Red Cross", "Orion Steel", "Celtic Rovers", "European Commission", "Delta Foods", "Inter Lisbon", "Reuters"};
constexpr std::string_view kNations[] = {"German", "Swedish", "Australian", "Polish", "Kenyan", "Iraqi", "Dutch", "Chilean"};

// Clauses without an end. The words around a slot tell its type.
constexpr std::string_view kClauses[] = {
    "{PER} said on Monday that talks would go on", "{PER} , who is 34 , has moved to {LOC}", "{PER} married {PER} last summer", "a lawyer of {PER} did not answer the phone",
    "the mother of {PER} lives near {LOC}", "{PER} signed a contract with {ORG}", "doctors in {LOC} treated {PER} for a broken arm", "{PER} won the {EVENT} for the second time",
    "the flight from {LOC} to {LOC} was four hours late", "heavy rain fell in {LOC} and the north of {LOC}", "police in {LOC} arrested two men", "the streets of {LOC} were empty",
    "farmers around {LOC} expect a poor harvest", "ships could not leave the port of {LOC}", "shares of {ORG} rose by four percent", "{ORG} beat {ORG} 3 - 1 on Saturday",
    "the board of {ORG} will meet on Thursday", "{ORG} reported a loss for the third quarter", "workers at {ORG} went on strike", "a spokesman for {ORG} gave no reason",
    "{ORG} opened an office in {LOC}", "the {NATION} minister met {PER} in {LOC}", "a {NATION} driver was second in the {EVENT}", "prices of {NATION} wheat fell again",
    "the {EVENT} will be held in {LOC} next year", "{ORG} hired {PER} as its new head"};
constexpr std::string_view kEvents[] = {"World Cup", "Olympic Games", "Tour of Flanders", "Davis Cup", "Nobel Prize", "Baltic Open"};
constexpr std::string_view kJoints[] = {", and", ", while", ", but", ";"};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

class SentenceWriter {
 public:
  SentenceWriter(const SyntheticOptions& options, int64_t row) : options_(options), random_(mix_key(options.seed, hash_name("sentences"), static_cast<uint64_t>(row))) {}

  SyntheticSentence sentence() {
    const auto length = options_.least + static_cast<int64_t>(random_.below(static_cast<uint64_t>(options_.most - options_.least + 1)));
    clause();
    for (int misses = 0; size() + 1 < length && misses < 20;) {
      const SyntheticSentence before = out_;
      for (const std::string& word : words_of(pick(kJoints, random_))) add(word, "O", "O");
      clause();
      if (size() + 1 <= options_.most) continue;
      out_ = before;
      ++misses;
    }
    add(".", "O", "O");
    std::string& first = out_.tokens.front();
    if (first[0] >= 'a' && first[0] <= 'z') first[0] = static_cast<char>(first[0] - 'a' + 'A');
    const uint64_t spelling = random_.below(20);
    if (spelling == 0) recase('A', 'Z', 'a');
    if (spelling == 1) recase('a', 'z', 'A');
    return std::move(out_);
  }

 private:
  int64_t size() const { return static_cast<int64_t>(out_.tokens.size()); }

  void add(std::string word, std::string clean, std::string tag) {
    out_.tokens.push_back(std::move(word));
    out_.clean.push_back(std::move(clean));
    out_.tags.push_back(std::move(tag));
  }

  void clause() {
    for (const std::string& word : words_of(pick(kClauses, random_))) {
      if (word[0] != '{') {
        add(word, "O", "O");
        continue;
      }
      const std::string slot = word.substr(1, word.size() - 2), type = slot == "NATION" || slot == "EVENT" ? "MISC" : slot;
      std::string given = type;
      if (random_.uniform() < options_.label_noise)
        while (given == type) given = pick(kTypes, random_);
      std::string prefix = "B-";
      for (const std::string& part : words_of(name(slot))) {
        add(part, prefix + type, prefix + given);
        prefix = "I-";
      }
    }
  }

  std::string name(const std::string& slot) {
    if (slot == "NATION") return std::string(pick(kNations, random_));
    if (slot == "EVENT") return std::string(pick(kEvents, random_));
    if (random_.uniform() < options_.overlap) return std::string(pick(kAmbiguous, random_));
    if (slot == "LOC") return std::string(pick(kPlaces, random_));
    if (slot == "ORG") return std::string(pick(kOrganisations, random_));
    require(slot == "PER", "a slot of the clauses");
    const std::string first(pick(kFirstNames, random_));
    return first + " " + std::string(pick(kLastNames, random_));
  }

  /// Letters from `first` to `last` become those from `to` on.
  void recase(char first, char last, char to) {
    for (std::string& token : out_.tokens)
      for (char& c : token)
        if (c >= first && c <= last) c = static_cast<char>(c - first + to);
  }

  const SyntheticOptions& options_;
  Random random_;
  SyntheticSentence out_;
};

}  // namespace

std::vector<SyntheticSentence> synthetic_sentences(const SyntheticOptions& options) {
  std::vector<SyntheticSentence> sentences;
  for (int64_t i = 0; i < options.rows; ++i) sentences.push_back(SentenceWriter(options, i).sentence());
  return sentences;
}

std::string conll_file(const std::vector<SyntheticSentence>& sentences, bool noise) {
  std::string text;
  for (const SyntheticSentence& s : sentences) {
    for (size_t i = 0; i < s.tokens.size(); ++i) text += s.tokens[i] + (noise ? "\t" + s.clean[i] : "") + "\t" + s.tags[i] + "\n";
    text += "\n";
  }
  return text;
}

}  // namespace attune
