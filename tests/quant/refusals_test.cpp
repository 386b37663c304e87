// Checkpoints made to break a reader: each ends in an Error that names the tensor.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "base/temp_folder.h"
#include "golden_cases.h"
#include "quant/serialized.h"

namespace attune {
namespace {

using testing::error_of;

const std::string kLayer = "encoder.query";
const std::string kState = ".weight.quant_state.bitsandbytes__nf4";
constexpr int64_t kOut = 40, kIn = 24;

TensorMap saved(const std::string& file) { return SafetensorsFile(testing::quantized_golden(file)).read_all(MemoryClass::kQuantized); }

Tensor bytes_tensor(const std::string& text) {
  Tensor t({static_cast<int64_t>(text.size())}, DType::kU8);
  std::memcpy(t.data(), text.data(), text.size());
  return t;
}

/// Reads linear_nf4_double with one tensor replaced (removed when empty).
Error nf4_error(const std::string& suffix, const Tensor& replacement, const std::string& file = "linear_nf4_double.safetensors") {
  TensorMap tensors = saved(file);
  if (replacement.empty()) {
    tensors.erase(kLayer + suffix);
  } else {
    tensors[kLayer + suffix] = replacement;
  }
  return error_of([&] { nf4_from_tensors(tensors, kLayer, kOut, kIn, "model.safetensors"); });
}

Error int8_error(const std::string& suffix, const Tensor& replacement) {
  TensorMap tensors = saved("linear_int8.safetensors");
  if (replacement.empty()) {
    tensors.erase(kLayer + suffix);
  } else {
    tensors[kLayer + suffix] = replacement;
  }
  return error_of([&] { int8_from_tensors(tensors, kLayer, kOut, kIn, "model.safetensors"); });
}

/// An Error of ours about `suffix`.
void expect_named(const Error& e, const std::string& suffix) {
  EXPECT_EQ(e.code(), ErrorCode::kInput);
  EXPECT_EQ(e.info().id, "quant.tensors") << e.what();
  EXPECT_EQ(e.info().where, "model.safetensors");
  EXPECT_NE(e.info().what.find("'" + kLayer + suffix + "'"), std::string::npos) << e.what();
}

Tensor filled(Shape shape, float value) {
  Tensor t(std::move(shape));
  for (float& x : t.span()) x = value;
  return t;
}

TEST(Refusals, ATensorMissingOrOfAnotherTypeOrShape) {
  for (const std::string suffix : {".weight", ".weight.absmax", ".weight.quant_map", ".weight.nested_absmax", ".weight.nested_quant_map"}) {
    SCOPED_TRACE(suffix);
    expect_named(nf4_error(suffix, Tensor()), suffix);
    const Tensor right = saved("linear_nf4_double.safetensors").at(kLayer + suffix);
    Shape longer = right.shape(), shorter = right.shape(), flat = {right.size(), 1, 1};
    ++longer[0];
    --shorter[0];
    for (const Shape& shape : {longer, shorter, flat, Shape{}, Shape{0}}) {
      SCOPED_TRACE(to_string(shape));
      Tensor other(shape, right.dtype());
      std::memset(other.data(), 0, static_cast<size_t>(other.bytes()));
      expect_named(nf4_error(suffix, other), suffix);
    }
    for (const DType dtype : {DType::kI8, DType::kBF16, DType::kF64}) expect_named(nf4_error(suffix, Tensor(right.shape(), dtype)), suffix);
  }
  for (const std::string suffix : {".weight", ".SCB"}) {
    SCOPED_TRACE(suffix);
    expect_named(int8_error(suffix, Tensor()), suffix);
    expect_named(int8_error(suffix, Tensor({kOut, kIn + 1}, DType::kI8)), suffix);
    expect_named(int8_error(suffix, Tensor({kOut - 1})), suffix);
    expect_named(int8_error(suffix, Tensor({kOut, kIn}, DType::kU8)), suffix);
  }
}

TEST(Refusals, TheMessageSaysWhatIsExpected) {
  const Error e = nf4_error(".weight.absmax", Tensor({14}, DType::kU8));
  EXPECT_EQ(e.info().expected, "U8 [15]");
  EXPECT_EQ(e.info().got, "U8 [14]");
  EXPECT_EQ(std::string(e.what()),
            "model.safetensors: 'encoder.query.weight.absmax' has the wrong type or shape; expected U8 [15], got U8 [14]");
}

TEST(Refusals, AnotherMatrix) {
  const TensorMap nf4 = saved("linear_nf4.safetensors"), int8 = saved("linear_int8.safetensors");
  for (const auto& [out, in] : std::vector<std::pair<int64_t, int64_t>>{{24, 40}, {40, 25}, {960, 1}, {1, 1}, {4000000, 4000000}}) {
    expect_named(error_of([&, o = out, i = in] { nf4_from_tensors(nf4, kLayer, o, i, "model.safetensors"); }), kState);
    expect_named(error_of([&, o = out, i = in] { int8_from_tensors(int8, kLayer, o, i, "model.safetensors"); }), ".weight");
  }
}

TEST(Refusals, ScalesThatAreNoScales) {
  for (const float bad : {std::nanf(""), -1.0f, INFINITY, -INFINITY}) {
    expect_named(nf4_error(".weight.absmax", filled({15}, bad), "linear_nf4.safetensors"), ".weight.absmax");
    expect_named(nf4_error(".weight.nested_absmax", filled({1}, bad)), ".weight.nested_absmax");
    expect_named(int8_error(".SCB", filled({kOut}, bad)), ".SCB");
    expect_named(nf4_error(".weight.quant_map", filled({16}, bad)), ".weight.quant_map");
    expect_named(nf4_error(".weight.nested_quant_map", filled({256}, bad)), ".weight.nested_quant_map");
  }
}

TEST(Refusals, OtherCodeBooks) {
  for (const std::string suffix : {".weight.quant_map", ".weight.nested_quant_map"}) {
    const Tensor right = saved("linear_nf4_double.safetensors").at(kLayer + suffix);
    for (int64_t i = 0; i < right.size(); ++i) {
      Tensor other = right.clone();
      other.f32()[i] = other.f32()[i] * 1.001f + (other.f32()[i] == 0 ? 1e-9f : 0.0f);
      expect_named(nf4_error(suffix, other), suffix);
    }
  }
}

TEST(Refusals, DoubleQuantisationByHalves) {
  TensorMap tensors = saved("linear_nf4.safetensors");
  tensors[kLayer + ".weight.nested_absmax"] = filled({1}, 1);
  expect_named(error_of([&] { nf4_from_tensors(tensors, kLayer, kOut, kIn, "model.safetensors"); }), kState);
  expect_named(nf4_error(".weight.nested_absmax", Tensor()), ".weight.nested_absmax");
}

TEST(Refusals, Fp4AndOtherStorageTypesByName) {
  const Error fp4 = error_of([] { nf4_from_tensors(saved("linear_fp4.safetensors"), kLayer, kOut, kIn, "model.safetensors"); });
  expect_named(fp4, ".weight.quant_state.bitsandbytes__fp4");
  EXPECT_EQ(fp4.info().got, "fp4");
  const Error bf16 = error_of([] { nf4_from_tensors(saved("linear_nf4_in_bf16.safetensors"), kLayer, kOut, kIn, "model.safetensors"); });
  expect_named(bf16, ".weight");
  EXPECT_EQ(bf16.info().got, "BF16 [240, 1]");
  EXPECT_NE(bf16.info().hint.find("quant_storage"), std::string::npos);
}

TEST(Refusals, StatesThatSaySomethingElse) {
  Json good = Json::parse(R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [40, 24], "nested_blocksize": 256,
                              "nested_dtype": "float32", "nested_offset": 0.125})");
  TensorMap tensors = saved("linear_nf4_double.safetensors");
  tensors[kLayer + kState] = bytes_tensor(good.dump());
  EXPECT_EQ(nf4_from_tensors(tensors, kLayer, kOut, kIn, "f").offset, 0.125f);

  const std::vector<std::pair<const char*, const char*>> bad = {
      {"quant_type", "\"fp4\""}, {"quant_type", "4"},       {"blocksize", "128"},       {"blocksize", "0"},
      {"blocksize", "-64"},      {"blocksize", "1e300"},    {"blocksize", "\"64\""},    {"blocksize", "18446744073709551615"},
      {"shape", "[24, 40]"},     {"shape", "[40]"},         {"shape", "[40, 24, 1]"},   {"shape", "null"},
      {"shape", "[40.5, 24]"},   {"shape", "\"40, 24\""},   {"dtype", "\"float64\""},   {"nested_blocksize", "64"},
      {"nested_dtype", "\"F\""}, {"nested_offset", "null"}, {"nested_offset", "1e300"}, {"nested_offset", "-3.5e38"}};
  for (const auto& [key, value] : bad) {
    Json state = good;
    state[key] = Json::parse(value);
    SCOPED_TRACE(state.dump());
    tensors[kLayer + kState] = bytes_tensor(state.dump());
    const Error e = error_of([&] { nf4_from_tensors(tensors, kLayer, kOut, kIn, "model.safetensors"); });
    EXPECT_EQ(e.info().id, "quant.tensors") << e.what();
  }
  for (const auto& member : good.items()) {
    Json state = good;
    state.erase(member.key());
    SCOPED_TRACE(state.dump());
    expect_named(nf4_error(kState, bytes_tensor(state.dump())), kState);
  }
  Json overflows = good;  // with a scale that is a number on its own
  overflows["nested_offset"] = -3e38;
  tensors[kLayer + kState] = bytes_tensor(overflows.dump());
  tensors[kLayer + ".weight.nested_absmax"] = filled({1}, 3e38f);
  expect_named(error_of([&] { nf4_from_tensors(tensors, kLayer, kOut, kIn, "model.safetensors"); }), ".weight.nested_absmax");
  Json more = good;
  more["surprise"] = 1;
  expect_named(nf4_error(kState, bytes_tensor(more.dump())), kState);
}

TEST(Refusals, StatesThatAreNoJson) {
  const std::string good = R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [40, 24], "nested_blocksize": 256, )"
                           R"("nested_dtype": "float32", "nested_offset": )";
  for (const std::string& text : {good + "NaN}", good + "Infinity}", good + "1e999}", good, good + "0.1", good + "0.1}x", std::string(),
                                  std::string("nf4"), std::string(100, '['), std::string("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}"),
                                  std::string("\xff\xfe"), good + "0.1, \"blocksize\": 64}", std::string(8, '\0')}) {
    SCOPED_TRACE(text);
    const Error e = nf4_error(kState, bytes_tensor(text));
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_EQ(e.info().id.rfind("json.", 0), 0u) << e.what();
    EXPECT_NE(e.info().where.find(kLayer + kState), std::string::npos) << e.what();
  }
  for (const char* text : {"[]", "null", "64", "\"nf4\""}) expect_named(nf4_error(kState, bytes_tensor(text)), kState);
  expect_named(nf4_error(kState, Tensor()), kState);
  expect_named(nf4_error(kState, Tensor({2, 40}, DType::kU8)), kState);
  expect_named(nf4_error(kState, Tensor({}, DType::kU8)), kState);
  expect_named(nf4_error(kState, Tensor({40})), kState);
  expect_named(nf4_error(kState, bytes_tensor(std::string(5000, ' '))), kState);
}

/// Every prefix of a good state, and every byte of it replaced: an Error or the same numbers, never anything else.
TEST(Refusals, CutAndChangedStates) {
  const TensorMap good = saved("linear_nf4_double.safetensors");
  const auto* p = static_cast<const char*>(good.at(kLayer + kState).data());
  const std::string text(p, p + good.at(kLayer + kState).bytes());
  for (size_t n = 0; n < text.size(); ++n) EXPECT_EQ(nf4_error(kState, bytes_tensor(text.substr(0, n))).code(), ErrorCode::kInput) << n;
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\0', '"', '9', '{', '\xc3'}) {
      std::string changed = text;
      changed[i] = c;
      TensorMap tensors = good;
      tensors[kLayer + kState] = bytes_tensor(changed);
      try {
        const Nf4Matrix m = nf4_from_tensors(tensors, kLayer, kOut, kIn, "f");
        EXPECT_EQ(m.out, kOut);
        EXPECT_TRUE(std::isfinite(m.offset));
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kInput);
      }
    }
  }
}

TEST(Refusals, Int8CodesAndFormats) {
  Tensor codes({kOut, kIn}, DType::kI8);
  std::memset(codes.data(), -127, static_cast<size_t>(codes.bytes()));
  TensorMap tensors = saved("linear_int8.safetensors");
  tensors[kLayer + ".weight"] = codes;
  EXPECT_NO_THROW(int8_from_tensors(tensors, kLayer, kOut, kIn, "f"));
  static_cast<int8_t*>(codes.data())[kOut * kIn - 1] = -128;
  expect_named(int8_error(".weight", codes), ".weight");

  Tensor format({}, DType::kU8);
  *static_cast<uint8_t*>(format.data()) = 1;  // col32, which old versions wrote
  expect_named(int8_error(".weight_format", format), ".weight_format");
  expect_named(int8_error(".weight_format", Tensor({1}, DType::kU8)), ".weight_format");
  tensors = saved("linear_int8.safetensors");
  tensors.erase(kLayer + ".weight_format");
  EXPECT_NO_THROW(int8_from_tensors(tensors, kLayer, kOut, kIn, "f"));
}

}  // namespace
}  // namespace attune
