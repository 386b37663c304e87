// Quantised folders as a model sees them: names, shapes and forms, and when a file is mapped.
#include "io/stored_weights.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/temp_folder.h"
#include "io/weights.h"
#include "quant/serialized.h"

namespace attune {
namespace {

using testing::error_id;
using testing::TempFolder;

Tensor ramp(Shape shape) {
  Tensor t(std::move(shape), DType::kF32, MemoryClass::kWeights);
  for (int64_t i = 0; i < t.size(); ++i) t.f32()[i] = static_cast<float>(i % 7) - 3;
  return t;
}

void save(const fs::path& target, const TensorMap& tensors) {
  FolderCommit c(target, true);
  write_model_weights(c, tensors);
  c.commit();
}

TensorMap with_nf4() {
  TensorMap t = {{"b.bias", ramp({5})}, {"plain.weight", ramp({2, 2})}};
  t.merge(to_tensors(quantize_nf4(ramp({5, 30}).f32(), 5, 30, true, 1, "w"), "b"));
  return t;
}

StoredWeights open(const fs::path& folder) { return StoredWeights(std::make_shared<const WeightFiles>(folder)); }

TEST(StoredWeights, AWeightIsOneEntryWithItsOwnShape) {
  TempFolder t;
  save(t / "m", with_nf4());
  const StoredWeights w = open(t / "m");
  ASSERT_EQ(w.entries().size(), 3u);
  EXPECT_EQ(w.entries()[1].name, "b.weight");
  EXPECT_EQ(w.entries()[1].shape, (Shape{5, 30}));
  EXPECT_EQ(w.form(), StoredForm::kNf4);
  EXPECT_EQ(w.form("b.weight"), StoredForm::kNf4);
  EXPECT_EQ(w.form("plain.weight"), StoredForm::kPlain);
  const Nf4Matrix m = std::get<Nf4Matrix>(w.codes("b.weight"));
  std::vector<float> rows(150);
  dequantize_rows(m, 0, 5, rows.data());
  const Tensor values = w.read_f32("b.weight");
  EXPECT_EQ(std::vector<float>(values.span().begin(), values.span().end()), rows);
  EXPECT_EQ(values.memory_class(), MemoryClass::kWeights);
}

TEST(StoredWeights, RefusesWhatIsHalfThere) {
  TempFolder t;
  TensorMap mixed = with_nf4();
  mixed.merge(to_tensors(quantize_int8(ramp({2, 2}).f32(), 2, 2, 1, "w"), "c"));
  save(t / "mixed", mixed);
  EXPECT_EQ(error_id([&] { open(t / "mixed"); }), "quant.mixed");
  for (const char* part : {"b.weight.quant_state.bitsandbytes__nf4", "b.weight.absmax", "b.weight.nested_absmax"}) {
    TensorMap less = with_nf4();
    less.erase(part);
    save(t / "less", less);
    EXPECT_EQ(error_id([&] { open(t / "less").codes("b.weight"); }), "quant.tensors") << part;
  }
}

TEST(WeightFiles, OnlyVouchedFilesAreMapped) {
  TempFolder t;
  save(t / "m", with_nf4());
  const auto mapped = [&] {
    const int64_t before = Allocator::global().ledger().total_now;
    const WeightFiles files(t / "m");
    const Tensor codes = files.read("b.weight", MemoryClass::kQuantized, true);
    EXPECT_EQ(codes.memory_class(), MemoryClass::kQuantized);
    EXPECT_EQ(std::string(static_cast<const char*>(codes.data()), 75), std::string(static_cast<const char*>(files.read("b.weight", MemoryClass::kOther).data()), 75));
    return Allocator::global().ledger().total_now == before;
  };
  EXPECT_TRUE(mapped());
  // A tensor outlives the object that mapped its file.
  const Tensor codes = WeightFiles(t / "m").read("b.weight", MemoryClass::kQuantized, true);
  const std::string whole = read_file(t / "m" / "model.safetensors");
  // The same bytes of another length than the manifest says: copied.
  TensorMap more = with_nf4();
  more["z"] = ramp({3});
  write_file_atomically(t / "m" / "model.safetensors", [&](OutputFile& f) { write_safetensors(f, more); });
  EXPECT_FALSE(mapped());
  EXPECT_NE(whole.find(std::string(static_cast<const char*>(codes.data()), 75)), std::string::npos);
  fs::remove(t / "m" / "manifest.json");
  EXPECT_FALSE(mapped());
}

}  // namespace
}  // namespace attune
