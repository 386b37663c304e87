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
  if (blank) return;
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

void hold_blank(Weight& w, StoredForm form, bool double_quant, int int8_limit, bool resident) {
  w.blank = true;
  const int64_t n = w.out * w.in, blocks = (n + kNf4Block - 1) / kNf4Block;
  const auto bytes = [](int64_t count, DType type) { return Tensor({count}, type, MemoryClass::kQuantized); };
  if (form != StoredForm::kPlain) w.f32.var.data = Tensor();
  if (form == StoredForm::kNf4) {
    Nf4Matrix m;
    m.out = w.out;
    m.in = w.in;
    m.codes = bytes((n + 1) / 2, DType::kU8);
    (double_quant ? m.absmax_codes : m.absmax) = bytes(blocks, double_quant ? DType::kU8 : DType::kF32);
    w.codes = std::move(m);
  } else if (form == StoredForm::kInt8 && int8_limit != 127) {
    w.codes = Int8Matrix{w.out, w.in, bytes(n, DType::kI8), bytes(w.out, DType::kF32)};
  }
  w.int8_limit = int8_limit;
  if (int8_limit > 0 && resident) w.int8 = blank_int8(w.out, w.in, true);
}

}  // namespace attune
