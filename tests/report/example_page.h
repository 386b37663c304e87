// A page with one of everything, and texts that try to leave their place.
#pragma once

#include <cmath>

#include "report/page.h"

namespace attune::report {

inline const std::string kHostile = "</script><script>document.title='broken'</script> <img src=x onerror=alert(1)> \"quotes\" 'single' & `touch broken` | \\ $(touch broken)";

inline Chart loss_chart() {
  Chart c{.id = "loss", .title = "Loss and learning rate", .note = "Mean of each logging step.", .kind = ChartKind::kLine, .x = {"step", ""}, .y = {"loss", "nats"}};
  c.second_y = Axis{"learning rate", ""};
  Series training{.name = "training"}, validation{.name = "validation"}, rate{.name = "learning rate", .second_axis = true};
  for (int i = 0; i < 30; ++i) {
    training.x.push_back(10 * i);
    training.y.push_back(0.7 * std::exp(-0.12 * i) + 0.02 * std::sin(i));
    rate.x.push_back(10 * i);
    rate.y.push_back(5e-4 * (30 - i) / 30);
  }
  for (int e = 0; e < 4; ++e) {
    validation.x.push_back(70 * (e + 1));
    validation.y.push_back(0.4 - 0.1 * e + 0.06 * e * e);
    validation.low.push_back(validation.y.back() - 0.03);
    validation.high.push_back(validation.y.back() + 0.04);
  }
  validation.marked = {1};
  validation.mark = "best checkpoint";
  c.series = {training, validation, rate};
  return c;
}

inline Chart accuracy_chart() {
  Chart c{.id = "accuracy", .title = "Test accuracy, 95 % interval", .kind = ChartKind::kDots, .x = {"variant", ""}, .y = {"accuracy", ""}, .horizontal = true};
  c.categories = {"base", "lora r=4", "lora r=16, " + kHostile, "qlora nf4"};
  c.series = {{.name = "seed 1", .y = {0.52, 0.873, 0.89, kNoValue}, .low = {0.47, 0.85, 0.87, kNoValue}, .high = {0.57, 0.895, 0.91, kNoValue}},
              {.name = "seed 2", .y = {0.5, 0.868, 0.894, 0.881}, .low = {0.45, 0.845, 0.873, 0.86}, .high = {0.55, 0.89, 0.913, 0.9}}};
  c.references = {{.name = "majority rate", .value = 0.509}};
  return c;
}

inline Chart trade_off_chart() {
  Chart c{.id = "trade-off", .title = "Accuracy against trainable parameters", .kind = ChartKind::kScatter, .x = {"trainable parameters", ""}, .y = {"accuracy", ""}};
  c.x.logarithmic = true;
  c.series = {{.name = "variants", .x = {770, 37000, 74498, 147000, 22788484}, .y = {0.81, 0.873, 0.881, 0.879, 0.902}, .low = {0.79, 0.85, 0.86, 0.86, 0.88}, .high = {0.83, 0.89, 0.9, 0.9, 0.92},
               .labels = {"head only", "r=4", "r=8", "r=16 " + kHostile, "full"}, .marked = {0, 1, 2, 4}, .mark = "Pareto front"},
              {.name = "front", .x = {770, 37000, 74498, 22788484}, .y = {0.81, 0.873, 0.881, 0.902}, .dashed = true}};
  return c;
}

/// Columns of points, three of them too close for names between them: "best of column ..." are ringed, "h..." lie under a ring.
inline Chart crowded_chart() {
  Chart c{.id = "crowded", .title = "Crowded", .kind = ChartKind::kScatter, .x = {"trainable parameters", ""}, .y = {"accuracy", ""}};
  c.x.logarithmic = true;
  Series s{.name = "variants", .x = {10}, .y = {0.9}, .low = {0.88}, .high = {0.92}, .labels = {"apart"}, .mark = "Pareto front"};
  for (const double x : {1.0, 1.4, 1.8, 4.0})
    for (const double y : {0.9, 0.8995, 0.89}) {
      if (y == 0.9) s.marked.push_back(s.x.size());
      s.labels.push_back((y == 0.9 ? "best of column " : y < 0.895 ? "low in column " : "h") + std::to_string(s.x.size()));
      s.x.push_back(x);
      s.y.push_back(y);
      s.low.push_back(y - 0.02);
      s.high.push_back(y + 0.02);
    }
  c.series = {s};
  return c;
}

inline Chart roc_chart() {
  Chart c{.id = "roc", .title = "ROC", .kind = ChartKind::kLine, .x = {"false positive rate", ""}, .y = {"true positive rate", ""}, .square = true};
  c.x.least = c.y.least = 0;
  c.x.most = c.y.most = 1;
  Series s{.name = "lora"};
  for (int i = 0; i <= 50; ++i) {
    s.x.push_back(i / 50.0);
    s.y.push_back(std::pow(i / 50.0, 0.2));
  }
  c.series = {s, {.name = "chance", .x = {0, 1}, .y = {0, 1}, .dashed = true}};
  return c;
}

inline Chart time_chart() {
  return {.id = "time", .title = "Time by phase", .kind = ChartKind::kBars, .x = {"run", ""}, .y = {"time", "s"}, .categories = {"lora", "full"},
          .series = {{.name = "forward", .y = {10, 12}}, {.name = "backward", .y = {15, 31.5}}, {.name = "optimizer", .y = {1, 9}}}, .horizontal = true, .stacked = true};
}

inline Chart bins_chart() {
  return {.id = "bins", .title = "Rows per bin of confidence", .kind = ChartKind::kBars, .x = {"confidence", ""}, .y = {"rows", ""}, .categories = {"0.5", "0.6", "0.7", "0.8", "0.9"},
          .series = {{.name = "lora", .y = {3, 20, 41, 80, 300}}, {.name = "full", .y = {1, 10, 30, 90, 313}}}};
}

inline Chart confusion_chart() {
  Chart c{.id = "confusion", .title = "Confusion matrix", .note = "Click a cell to see its rows.", .kind = ChartKind::kMatrix, .x = {"predicted", ""}, .y = {"gold", ""}};
  c.matrix = {.rows = {"negative", "positive <b>"}, .columns = {"negative", "positive <b>"}, .values = {212, 13, 27, 198}, .shares = {212 / 225.0, 13 / 225.0, 27 / 225.0, 198 / 225.0},
              .behind = {{}, {{"7", kHostile, "negative", "positive <b>", 0.91}, {"9", "fine, but dull", "negative", "positive <b>", 0.62}}, {{"12", "a second text", "positive <b>", "negative", kNoValue}}, {}}};
  return c;
}

inline Table runs_table() {
  return {.id = "runs", .title = "All runs", .columns = {{"run", ""}, {"accuracy", "", true}, {"time", "s", true}, {"rank", "", true}},
          .rows = {{words("base"), with_interval(0.52, 0.47, 0.57), missing("nothing was trained"), count(4)},
                   {{.text = kHostile, .emphasis = Emphasis::kBest, .hint = "a \"hint\" <b>"}, with_interval(0.8912345, 0.87, 0.91), number(25.25, 1), count(1)},
                   {words("full"), with_interval(0.88, 0.86, 0.9), number(1052.5, 1), count(2)},
                   {{.text = "failed", .emphasis = Emphasis::kBad}, number(kNoValue), number(3, 1), count(12345)}},
          .note = "Wilson intervals."};
}

inline Page example_page() {
  Page page{.title = "Report " + kHostile, .subtitle = "Two runs on `test.csv`"};
  page.verdict.answer = "Ship lora r=8: it is as good as full fine-tuning.";
  page.verdict.reasons = {{"The difference is **0.2 points** [-0.4, 0.8], p = 0.62 (exact McNemar)."}, {kHostile}};
  page.sections = {{"results", "Results", {Paragraph{kHostile}, runs_table(), accuracy_chart(), trade_off_chart(), crowded_chart()}},
                   {"training", "Training", {List{{{"one `code`"}, {"two **bold**"}}}, loss_chart(), time_chart()}},
                   {"errors", "Errors", {Heading{"Where it is wrong"}, confusion_chart(), roc_chart(), bins_chart(), Code{.title = "config", .text = "a: 1 # " + kHostile, .folded = true}}}};
  page.command = "attune report runs/a runs/b";
  page.footer = "attune 0.1.0";
  return page;
}

}  // namespace attune::report
