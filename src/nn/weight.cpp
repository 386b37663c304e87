#include "nn/weight.h"

#include <algorithm>

#include "base/error.h"
#include "quant/ranges.h"

namespace attune {

StoredForm Weight::form() const {
  if (f32.loaded()) return StoredForm::kPlain;
  return std::holds_alternative<Nf4Matrix>(codes) ? StoredForm::kNf4 : StoredForm::kInt8;
}

void Weight::rows(int64_t begin, int64_t end, float* to) const {
  if (f32.loaded())
    std::copy_n(f32.var.data.f32() + begin * in, (end - begin) * in, to);
  else if (const auto* nf4 = std::get_if<Nf4Matrix>(&codes))
    dequantize_rows(*nf4, begin, end, to);
  else if (const auto* q = std::get_if<Int8Matrix>(&codes))
    dequantize_rows(*q, begin, end, to);
  else {
    require(int8.has_value(), "a weight that is not loaded");
    unpack_rows(int8->backward, begin, end, to);
  }
}

Tensor Weight::values(int threads) const {
  Tensor all({out, in});
  for_ranges(out, threads, [&](int64_t begin, int64_t end) { rows(begin, end, all.f32() + begin * in); });
  return all;
}

int64_t Weight::bytes() const {
  int64_t n = f32.loaded() ? f32.var.data.bytes() : 0;
  if (const auto* nf4 = std::get_if<Nf4Matrix>(&codes)) n += nf4->bytes();
  if (const auto* q = std::get_if<Int8Matrix>(&codes)) n += q->bytes();
  if (int8) n += int8->forward.bytes() + int8->backward.bytes();
  return n;
}

void store(Weight& w, Tensor values, StoredForm form, bool double_quant, int threads, const std::string& where) {
  switch (form) {
    case StoredForm::kPlain:
      w.f32.var.data = std::move(values);
      break;
    case StoredForm::kInt8:
      w.codes = quantize_int8(values.f32(), w.out, w.in, threads, where);
      break;
    case StoredForm::kNf4:
      w.codes = quantize_nf4(values.f32(), w.out, w.in, double_quant, threads, where);
      break;
  }
}

void use_int8(Weight& w, Smoothing smoothing, int limit, bool resident, int threads) {
  w.smoothing = std::move(smoothing);
  w.int8_limit = limit;
  if (!resident) return;
  w.int8 = pack_int8(w.out, w.in, [&w](int64_t begin, int64_t end, float* to) { w.rows(begin, end, to); }, w.smoothing, limit, threads);
  if (limit == 127 && std::holds_alternative<Int8Matrix>(w.codes)) w.codes = std::monostate();  // the backward form holds the same codes
}

}  // namespace attune
