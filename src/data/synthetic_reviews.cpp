// Reviews: one sentence that decides, among sentences that say nothing of the verdict.
#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "data/synthetic.h"

namespace attune {
namespace {

using Words = std::span<const std::string_view>;

/// Words of both sides, the positive one first. Adjectives that fit any part of any domain.
constexpr std::array<std::string_view, 2> kPolar[] = {{"excellent", "terrible"}, {"good", "bad"},        {"wonderful", "awful"},     {"great", "poor"},
                                                      {"superb", "dreadful"},    {"pleasant", "unpleasant"}, {"impressive", "disappointing"}, {"brilliant", "horrible"},
                                                      {"enjoyable", "annoying"}, {"perfect", "useless"}};

constexpr std::string_view kFilmParts[] = {"plot", "acting", "ending", "soundtrack", "dialogue", "camera work", "script", "editing"};
constexpr std::string_view kFilmFill[] = {"We watched it on a rainy Sunday with the whole family.", "It runs for almost two hours.", "My brother had told me about it in March.",
                                          "The story takes place in a small town near the coast.", "I saw it in the cinema around the corner.", "It is the third film by this director.",
                                          "There were about thirty people in the room.", "Most of the scenes were shot in Portugal.", "The main character is a young doctor."};
constexpr std::string_view kFoodParts[] = {"soup", "service", "dessert", "pasta", "coffee", "music", "bread", "wine"};
constexpr std::string_view kFoodFill[] = {"We booked a table for six on a Friday evening.", "The place is two streets from the station.", "I ordered the lunch menu and a glass of water.",
                                          "They open at noon and close at ten.", "We sat near the window.", "It was our first visit since the summer.", "My sister took the fish.",
                                          "There is a car park behind the building.", "The menu changes every month."};
constexpr std::string_view kGadgetParts[] = {"screen", "battery", "keyboard", "sound", "camera", "manual", "software", "case"};
constexpr std::string_view kGadgetFill[] = {"I bought it in April for my daughter.", "The parcel came on a Tuesday.", "I use it for about an hour a day.", "It replaces one that I had for six years.",
                                            "The colour is a dark blue.", "I have used it at home and in the office.", "It comes with a cable and a small bag.", "I wrote this after three weeks.",
                                            "A colleague has the same one."};
constexpr std::string_view kHotelParts[] = {"room", "breakfast", "view", "bed", "staff", "pool", "location", "bathroom"};
constexpr std::string_view kHotelFill[] = {"We stayed for four nights in October.", "Our room was on the second floor.", "The train station is ten minutes away.", "We came by car from the north.",
                                           "There were three of us.", "I travel to this city twice a year.", "We arrived after nine in the evening.", "The building is from the sixties.",
                                           "We paid when we left."};

struct Domain {
  std::string_view name, thing;
  Words parts, fill;
};
const Domain kDomains[] = {{"films", "film", kFilmParts, kFilmFill}, {"restaurants", "restaurant", kFoodParts, kFoodFill}, {"gadgets", "gadget", kGadgetParts, kGadgetFill}, {"hotels", "hotel", kHotelParts, kHotelFill}};

// {same}: a word of the label's side ({a_same}: behind its article), {other}: of the other side; {part}, {part2}: two parts of the thing. `is` fits one part.
constexpr std::string_view kPlain[] = {"the {part} was {same}.", "I found the {part} {same}.", "for me the {part} was really {same}.", "all of us thought that the {part} was {same}.", "in short, it was {a_same} {thing}."};
constexpr std::string_view kNegated[] = {"the {part} was not {other} at all.", "I would never call the {part} {other}.", "nobody could say that the {part} was {other}.",
                                         "the {part} was anything but {other}.", "there was nothing {other} about the {part}.", "it is simply not true that the {part} was {other}."};
constexpr std::string_view kContrasted[] = {
    "I had expected the {part} to be {other}, and it turned out to be {same}.", "it used to be {other}, and now it is {same}.",
    "other people call the {part} {other}, and I call it {same}.", "the {part} was {other}, but what counts is that the {part2} was {same}.",
    "although the {part} was {other}, the {thing} as a whole was {same}.", "the {thing} as a whole was {same}, although the {part} was {other}.",
    "the {part} was {other} last time, and this time it was {same}.", "my friends found it {other}, while I found it {same}.",
    "I thought it {same}, whatever those who call it {other} may say.", "it is {same} now that they have replaced the {other} {part}."};

class ReviewWriter {
 public:
  ReviewWriter(const SyntheticOptions& options) : options_(options) {}

  SyntheticReview review(int64_t row) {
    SyntheticReview r;
    for (uint64_t attempt = 0; attempt < 50; ++attempt) {  // texts of their own as long as there are some
      Random random(mix_key(options_.seed, hash_name("reviews"), static_cast<uint64_t>(row), attempt));
      r = write(random);
      if (seen_.insert(r.text).second) break;
    }
    return r;
  }

 private:
  SyntheticReview write(Random& random) const {
    const Domain& domain = pick(kDomains, random);
    SyntheticReview r;
    r.domain = domain.name;
    r.clean = random.below(2) == 0;
    const bool noisy = random.uniform() < options_.label_noise;
    r.positive = r.clean != noisy;
    const auto length = options_.least + static_cast<int64_t>(random.below(static_cast<uint64_t>(options_.most - options_.least + 1)));
    const std::string verdict = sentence(domain, r.clean, random);
    std::vector<std::string> fill;
    for (int64_t words = word_count(verdict); words < length;) {
      std::vector<std::string_view> left;
      for (const std::string_view text : domain.fill)
        if (std::find(fill.begin(), fill.end(), text) == fill.end() && words + word_count(text) <= options_.most) left.push_back(text);
      if (left.empty()) break;
      fill.emplace_back(pick(left, random));
      words += word_count(fill.back());
    }
    fill.insert(fill.begin() + static_cast<std::ptrdiff_t>(random.below(fill.size() + 1)), verdict);
    for (const std::string& text : fill) r.text += (r.text.empty() ? "" : " ") + text;
    return r;
  }

  std::string sentence(const Domain& domain, bool positive, Random& random) const {
    const double plain = 1 - options_.overlap, negated = std::min(plain, options_.overlap / 2), which = random.uniform();
    const std::string_view pattern = which < plain ? pick(kPlain, random) : which < plain + negated ? pick(kNegated, random) : pick(kContrasted, random);
    const std::string_view part = pick(domain.parts, random);
    std::string_view part2 = part;
    while (part2 == part) part2 = pick(domain.parts, random);
    const size_t side = positive ? 0 : 1;
    const auto& mine = pick(kPolar, random);
    const auto& theirs = pick(kPolar, random);
    return filled(pattern, [&](std::string_view name) -> std::string {
      const auto is = [&](const char* slot) { return name == slot; };
      if (is("a_same")) return (std::string_view("aeiou").find(mine[side][0]) == std::string_view::npos ? "a " : "an ") + std::string(mine[side]);
      return std::string(is("same") ? mine[side] : is("other") ? theirs[1 - side] : is("part") ? part : is("part2") ? part2 : domain.thing);
    });
  }

  const SyntheticOptions& options_;
  std::set<std::string> seen_;
};

}  // namespace

int64_t word_count(std::string_view text) { return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' '); }

std::vector<SyntheticReview> synthetic_reviews(const SyntheticOptions& options) {
  ReviewWriter writer(options);
  std::vector<SyntheticReview> reviews;
  for (int64_t i = 0; i < options.rows; ++i) reviews.push_back(writer.review(i));
  return reviews;
}

}  // namespace attune
