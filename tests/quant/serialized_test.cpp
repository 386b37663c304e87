// Layers as bitsandbytes saves them (tests/golden/quantized/linear_*.safetensors), read and written.
#include "quant/serialized.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "base/temp_folder.h"
#include "golden_cases.h"

namespace attune {
namespace {

using testing::bits;
using testing::elements;

const std::string kLayer = "encoder.query";
constexpr int64_t kOut = 40, kIn = 24;

struct SavedLayer {
  explicit SavedLayer(const std::string& file, MemoryClass c = MemoryClass::kQuantized) {
    const SafetensorsFile f(testing::quantized_golden(file));
    tensors = f.read_all(c);
    original = f.read_f32("original");
    tensors.erase("original");
    tensors.erase(kLayer + ".bias");
  }
  TensorMap tensors;  ///< of the weight
  Tensor original;
};

/// The bytes of one tensor; what double quantisation rounds may be named in `near`.
void expect_same(const TensorMap& got, const TensorMap& want, const std::set<std::string>& near = {}) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(got.count(name));
    const Tensor& ours = got.at(name);
    EXPECT_EQ(name_of(ours.dtype()), name_of(tensor.dtype()));
    EXPECT_EQ(ours.shape(), tensor.shape());
    if (near.count(name)) continue;
    EXPECT_EQ(elements<uint8_t>(ours), elements<uint8_t>(tensor));
  }
}

std::string text_of(const Tensor& t) { return {static_cast<const char*>(t.data()), static_cast<size_t>(t.bytes())}; }

TEST(Serialized, ReadAndWrittenAgainIsTheSame) {
  for (const char* file : {"linear_nf4.safetensors", "linear_nf4_double.safetensors"}) {
    SCOPED_TRACE(file);
    const SavedLayer saved(file);
    const Nf4Matrix m = nf4_from_tensors(saved.tensors, kLayer, kOut, kIn, file);
    expect_same(to_tensors(m, kLayer, std::string(file) == "linear_nf4.safetensors" ? "float32" : "bfloat16"), saved.tensors);
  }
  const SavedLayer saved("linear_int8.safetensors");
  expect_same(to_tensors(int8_from_tensors(saved.tensors, kLayer, kOut, kIn, "f"), kLayer), saved.tensors);
}

TEST(Serialized, QuantisedHereIsWhatBitsandbytesSaves) {
  const SavedLayer nf4("linear_nf4.safetensors");
  expect_same(to_tensors(quantize_nf4(nf4.original.f32(), kOut, kIn, false, 1, "w"), kLayer), nf4.tensors);
  const SavedLayer int8("linear_int8.safetensors");
  expect_same(to_tensors(quantize_int8(int8.original.f32(), kOut, kIn, 1, "w"), kLayer), int8.tensors);
  const SavedLayer nested("linear_nf4_double.safetensors");
  const TensorMap ours = to_tensors(quantize_nf4(nested.original.f32(), kOut, kIn, true, 1, "w"), kLayer, "bfloat16");
  const std::string state = kLayer + ".weight.quant_state.bitsandbytes__nf4";
  TensorMap want = nested.tensors, got = ours;
  const std::string ours_text = text_of(got.extract(state).mapped()), want_text = text_of(want.extract(state).mapped());
  expect_same(got, want, {kLayer + ".weight.absmax", kLayer + ".weight.nested_absmax"});
  // All but the last digits of the offset.
  EXPECT_EQ(ours_text.substr(0, ours_text.size() - 13), want_text.substr(0, ours_text.size() - 13));
}

TEST(Serialized, ValuesComeBackNearTheOriginal) {
  const SavedLayer saved("linear_nf4_double.safetensors", MemoryClass::kWeights);
  const Nf4Matrix m = nf4_from_tensors(saved.tensors, kLayer, kOut, kIn, "f");
  for (const Tensor* t : {&m.codes, &m.absmax_codes, &m.nested_absmax}) EXPECT_EQ(t->memory_class(), MemoryClass::kQuantized);
  std::vector<float> y(kOut * kIn);
  dequantize_rows(m, 0, kOut, y.data());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], saved.original.f32()[i], 0.03) << i;
}

TEST(Serialized, SharesWhatIsHeldAsQuantised) {
  const SavedLayer saved("linear_nf4.safetensors");
  const Nf4Matrix m = nf4_from_tensors(saved.tensors, kLayer, kOut, kIn, "f");
  EXPECT_TRUE(m.codes.shares_storage_with(saved.tensors.at(kLayer + ".weight")));
  EXPECT_TRUE(to_tensors(m, kLayer).at(kLayer + ".weight").shares_storage_with(m.codes));
}

TEST(Serialized, FormsAreTold) {
  const auto form = [](const TensorMap& tensors) {
    return stored_form([&](const std::string& name) { return tensors.count(name) != 0; }, kLayer);
  };
  EXPECT_EQ(form(SavedLayer("linear_nf4.safetensors").tensors), StoredForm::kNf4);
  EXPECT_EQ(form(SavedLayer("linear_nf4_double.safetensors").tensors), StoredForm::kNf4);
  EXPECT_EQ(form(SavedLayer("linear_fp4.safetensors").tensors), StoredForm::kNf4);
  EXPECT_EQ(form(SavedLayer("linear_int8.safetensors").tensors), StoredForm::kInt8);
  EXPECT_EQ(form({{kLayer + ".weight", Tensor({1})}}), StoredForm::kPlain);
  for (const char* file : {"linear_nf4_double.safetensors", "linear_fp4.safetensors", "linear_int8.safetensors"}) {
    const SavedLayer saved(file);
    const auto names = stored_names(form(saved.tensors), kLayer);
    for (const auto& [name, tensor] : saved.tensors) EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

}  // namespace
}  // namespace attune
