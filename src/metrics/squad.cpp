#include "metrics/squad.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/python_text.h"
#include "base/utf8.h"

namespace attune {
namespace {

// Python's str methods and regular expressions on code points.

/// string.punctuation
bool is_ascii_punctuation(int32_t c) {
  return (c >= 0x21 && c <= 0x2f) || (c >= 0x3a && c <= 0x40) || (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

/// str.isspace
bool is_space(int32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_article(const int32_t* begin, const int32_t* end) {
  const auto is = [&](std::string_view word) { return std::equal(begin, end, word.begin(), word.end()); };
  return is("a") || is("an") || is("the");
}

/// A run of word characters that is an article becomes a space.
std::vector<int32_t> without_articles(const std::vector<int32_t>& text) {
  std::vector<int32_t> out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_python_word(text[end])) ++end;
    if (end == i) {
      out.push_back(text[i++]);
      continue;
    }
    if (is_article(text.data() + i, text.data() + end)) {
      out.push_back(' ');
    } else {
      out.insert(out.end(), text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(end));
    }
    i = end;
  }
  return out;
}

std::vector<std::string> words_of(const std::string& normalized) {
  std::vector<std::string> words;
  for (size_t at = 0; at < normalized.size();) {
    const size_t end = std::min(normalized.find(' ', at), normalized.size());
    words.push_back(normalized.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

double f1_of_normalized(const std::string& gold, const std::string& predicted) {
  const std::vector<std::string> g = words_of(gold), p = words_of(predicted);
  if (g.empty() || p.empty()) return g.empty() && p.empty() ? 1.0 : 0.0;
  std::map<std::string, int64_t> left;
  for (const std::string& word : g) ++left[word];
  int64_t same = 0;
  for (const std::string& word : p) {
    const auto it = left.find(word);
    if (it == left.end() || it->second == 0) continue;
    --it->second;
    ++same;
  }
  if (same == 0) return 0;
  const double precision = static_cast<double>(same) / static_cast<double>(p.size()),
               recall = static_cast<double>(same) / static_cast<double>(g.size());
  return (2 * precision * recall) / (precision + recall);
}

/// Mean of one score over the questions `wanted` selects, in percent.
template <typename Wanted>
void add_means(Json& out, const std::string& prefix, std::span<const AnswerScores> scores, Wanted wanted) {
  double exact = 0, f1 = 0;
  int64_t total = 0;
  for (const AnswerScores& s : scores) {
    if (!wanted(s)) continue;
    exact += s.exact;
    f1 += s.f1;
    ++total;
  }
  if (total == 0 && !prefix.empty()) return;
  const double n = static_cast<double>(std::max<int64_t>(total, 1));
  out[prefix + "exact"] = 100.0 * exact / n;
  out[prefix + "f1"] = 100.0 * f1 / n;
  out[prefix + "total"] = total;
}

/// The best mean any threshold on the no-answer scores could give, and that threshold.
std::pair<double, double> best_threshold(std::span<const AnswerScores> questions, double AnswerScores::*score) {
  std::vector<size_t> order(questions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return questions[a].no_answer_score < questions[b].no_answer_score; });
  double now = 0;
  for (const AnswerScores& q : questions) now += q.answerable ? 0.0 : 1.0;
  double best = now, threshold = 0;
  for (size_t i : order) {
    const AnswerScores& q = questions[i];
    if (q.answerable) {
      now += q.*score;
    } else if (q.answered) {
      now -= 1;
    }
    if (now > best) {
      best = now;
      threshold = q.no_answer_score;
    }
  }
  return {100.0 * best / static_cast<double>(std::max<size_t>(questions.size(), 1)), threshold};
}

}  // namespace

std::string normalize_answer(std::string_view text) {
  std::vector<int32_t> c = python_lower(code_points(text));
  std::erase_if(c, is_ascii_punctuation);
  std::string out;
  bool space = false;
  for (int32_t x : without_articles(c)) {
    if (is_space(x)) {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    append_utf8(out, static_cast<uint32_t>(x));
  }
  return out;
}

double answer_exact(std::string_view gold, std::string_view predicted) {
  return normalize_answer(gold) == normalize_answer(predicted) ? 1.0 : 0.0;
}

double answer_f1(std::string_view gold, std::string_view predicted) {
  return f1_of_normalized(normalize_answer(gold), normalize_answer(predicted));
}

AnswerScores answer_scores(const AnsweredQuestion& question) {
  std::vector<std::string> gold;
  for (const std::string& text : question.gold)
    if (std::string n = normalize_answer(text); !n.empty()) gold.push_back(std::move(n));
  if (gold.empty()) gold.emplace_back();
  const std::string predicted = normalize_answer(question.predicted);
  AnswerScores best{.no_answer_score = question.no_answer_score, .answerable = !question.gold.empty(), .answered = !question.predicted.empty()};
  for (const std::string& g : gold) {
    best.exact = std::max(best.exact, g == predicted ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, f1_of_normalized(g, predicted));
  }
  return best;
}

Json squad_json(std::span<const AnswerScores> questions, const SquadOptions& options) {
  std::vector<AnswerScores> scores(questions.begin(), questions.end());
  if (options.no_answer_threshold)
    for (AnswerScores& s : scores)
      if (s.no_answer_score > *options.no_answer_threshold) s.exact = s.f1 = s.answerable ? 0.0 : 1.0;
  Json out = Json::object();
  add_means(out, "", scores, [](const AnswerScores&) { return true; });
  add_means(out, "HasAns_", scores, [](const AnswerScores& s) { return s.answerable; });
  add_means(out, "NoAns_", scores, [](const AnswerScores& s) { return !s.answerable; });
  if (options.best) {
    const auto [exact, exact_at] = best_threshold(questions, &AnswerScores::exact);
    const auto [f1, f1_at] = best_threshold(questions, &AnswerScores::f1);
    out["best_exact"] = exact;
    out["best_exact_thresh"] = exact_at;
    out["best_f1"] = f1;
    out["best_f1_thresh"] = f1_at;
  }
  return out;
}

}  // namespace attune
