// Stored matrices: what each form holds, which products read it, and what layers with deltas make of them.
#include "nn/weight.h"

#include <gtest/gtest.h>

#include "layer_rig.h"
#include "tolerance.h"

namespace attune {
namespace {

using namespace testing;

constexpr int64_t kOut = 70, kIn = 195;  // odd rows begin inside a byte and a block of NF4; two blocks of 8-bit inputs

int64_t quantised_now() { return Allocator::global().ledger().now[static_cast<size_t>(MemoryClass::kQuantized)]; }

/// Column 3 of x is 60 times the rest, as LLM.int8 finds them in transformers.
Tensor with_outliers(Tensor x) {
  for (int64_t r = 0; r < x.rows(); ++r) x.f32()[r * x.pitch() + 3] *= 60.0f;
  return x;
}
/// SmoothQuant's scales for it.
Smoothing smoothing_for(const Tensor& x, const Weight& w) {
  Smoothing s{Tensor::zeros({w.in}, MemoryClass::kQuantized), Tensor::zeros({w.in}, MemoryClass::kQuantized)};
  const Tensor values = w.values(1);
  for (int64_t k = 0; k < w.in; ++k) {
    float most = 0, weight = 0;
    for (int64_t r = 0; r < x.rows(); ++r) most = std::max(most, std::fabs(x.f32()[r * x.pitch() + k]));
    for (int64_t n = 0; n < w.out; ++n) weight = std::max(weight, std::fabs(values.f32()[n * w.in + k]));
    s.scale.f32()[k] = std::sqrt(most / weight);
    s.inverse.f32()[k] = 1.0f / s.scale.f32()[k];
  }
  return s;
}

TEST(Weight, HoldsWhatItsCodecGives) {
  const Tensor source = random_tensor({kOut, kIn}, 1, 0.2);
  for (const Held& held : every_form()) {
    Weight w(kOut, kIn);
    store(w, source.clone(), held.form, held.double_quant, 2, "w");
    EXPECT_EQ(w.form(), held.form) << held.name;
    EXPECT_EQ(w.f32.loaded(), held.form == StoredForm::kPlain) << held.name << ": the source is released";
    Tensor want = source.clone();
    if (held.form == StoredForm::kInt8) dequantize_rows(quantize_int8(source.f32(), kOut, kIn, 1, "w"), 0, kOut, want.f32());
    if (held.form == StoredForm::kNf4)
      dequantize_rows(quantize_nf4(source.f32(), kOut, kIn, held.double_quant, 1, "w"), 0, kOut, want.f32());
    for (const int threads : {1, 2, 3}) EXPECT_TRUE(same_bits(w.values(threads), want)) << held.name;
    Tensor some({6, kIn});
    w.rows(3, 9, some.f32());
    EXPECT_TRUE(same_bits(some, want.row_range(3, 6))) << held.name;
  }
}

TEST(Weight, BytesAreTheLedgers) {
  for (const Held& held : every_form())
    for (const int limit : {127, 63}) {
      Weight w(kOut, kIn);
      const int64_t before = quantised_now();
      const auto compare = [&](const char* when) {
        const int64_t plain = w.f32.loaded() ? w.f32.var.data.bytes() : 0, counted = quantised_now() - before;
        EXPECT_LE(w.bytes() - plain, counted) << held.name << when;
        EXPECT_GE(w.bytes() - plain, counted - 10 * 128) << held.name << when;  // 64 bytes of rounding a tensor, 64 of a poisoned gap
        Allocator::global().trim();                                            // a kept block that is used again may be larger
      };
      Allocator::global().trim();
      hold(w, held, 2);
      compare(", stored");
      use_int8(w, {}, limit, false, 2);
      compare(", packed each time");
      use_int8(w, {}, limit, true, 2);
      compare(", resident");
    }
}

TEST(Weight, ResidentOrNotGivesTheSameBits) {
  const Tensor x = with_outliers(random_tensor({13, kIn}, 3)), dy = random_tensor({13, kOut}, 4), bias = random_tensor({kOut}, 5);
  for (const Kernels* k : every_table())
    for (const Held& held : every_form())
      for (const bool smoothed : {false, true}) {
        const Context ctx{k, 2};
        Weight kept(kOut, kIn), passing(kOut, kIn);
        hold(kept, held, 6);
        hold(passing, held, 6);
        const Smoothing s = smoothed ? smoothing_for(x, kept) : Smoothing{};
        use_int8(kept, s, k->int8_limit, true, 2);
        use_int8(passing, s, k->int8_limit, false, 1);
        EXPECT_TRUE(kept.int8 && !passing.int8);
        for (const int terms : {1, 2}) {
          kept.terms = passing.terms = terms;
          EXPECT_TRUE(same_bits(product_of(ctx, kept, x, bias.f32()), product_of(ctx, passing, x, bias.f32())))
              << k->name << ", " << held.name;
          EXPECT_TRUE(same_bits(gradient_of(ctx, kept, dy), gradient_of(ctx, passing, dy))) << k->name << ", " << held.name;
        }
      }
}

/// 8-bit products and their packing do not depend on the number of threads; F32 products may (oneDNN).
TEST(Weight, ThreadsDoNotChange8BitProducts) {
  const Tensor x = random_tensor({301, kIn}, 3), dy = random_tensor({301, kOut}, 4);
  for (const Kernels* k : every_table()) {
    Weight one(kOut, kIn), more(kOut, kIn);
    hold(one, {"nf4", StoredForm::kNf4}, 6);
    hold(more, {"nf4", StoredForm::kNf4}, 6);
    use_int8(one, smoothing_for(x, one), k->int8_limit, true, 1);
    use_int8(more, smoothing_for(x, one), k->int8_limit, true, 3);
    for (const int terms : {1, 2}) {
      one.terms = more.terms = terms;
      EXPECT_TRUE(same_bits(product_of({k, 1}, one, x), product_of({k, 3}, more, x))) << k->name;
      EXPECT_TRUE(same_bits(gradient_of({k, 1}, one, dy), gradient_of({k, 3}, more, dy))) << k->name;
    }
  }
}

/// int8's own codes are what the backward form holds, so one of the two is enough; anything else must stay.
TEST(Weight, DropsOnlyCodesItCanDoWithout) {
  for (const Held& held : every_form())
    for (const int limit : {127, 63}) {
      Weight w(kOut, kIn);
      hold(w, held, 7);
      const Tensor before = w.values(1);
      use_int8(w, {}, limit, true, 2);
      const bool dropped = held.form == StoredForm::kInt8 && limit == 127;
      EXPECT_EQ(std::holds_alternative<std::monostate>(w.codes), dropped || held.form == StoredForm::kPlain) << held.name << " " << limit;
      EXPECT_EQ(w.form(), held.form);
      if (dropped) {
        EXPECT_EQ(w.bytes(), w.int8->forward.bytes() + w.int8->backward.bytes());
      }
      const Tensor after = w.values(2);
      if (!dropped) {
        EXPECT_TRUE(same_bits(after, before)) << held.name;
        continue;
      }
      for (size_t i = 0; i < after.span().size(); ++i)  // the same codes; the scale is multiplied in another order
        ASSERT_NEAR(after.span()[i], before.span()[i], tolerance::kRescaled * std::fabs(before.span()[i])) << i;
    }
}

TEST(Weight, ExactProductsAreThoseOfTheStoredValues) {
  const Tensor x = random_tensor({9, kIn}, 3), dy = random_tensor({9, kOut}, 4), bias = random_tensor({kOut}, 5);
  for (const Kernels* k : every_table())
    for (const Held& held : every_form())
      for (const bool resident : {false, true}) {
        const Context ctx{k, 1};
        Weight w(kOut, kIn), plain(kOut, kIn);
        hold(w, held, 8);
        use_int8(w, {}, k->int8_limit, resident, 1);
        plain.f32.var.data = w.values(1);
        EXPECT_TRUE(w.eight_bit());
        EXPECT_FALSE(same_bits(product_of(ctx, w, x), product_of(ctx, plain, x))) << held.name;
        w.exact = true;
        EXPECT_FALSE(w.eight_bit());
        EXPECT_TRUE(same_bits(product_of(ctx, w, x, bias.f32()), product_of(ctx, plain, x, bias.f32()))) << held.name;
        EXPECT_TRUE(same_bits(gradient_of(ctx, w, dy), gradient_of(ctx, plain, dy))) << held.name;
      }
}

/// Weights that are 8-bit codes already leave only the input's rounding, which the second term removes.
TEST(Weight, TwoTermsAreNearerThanOne) {
  const Tensor x = random_tensor({40, kIn}, 3), dy = random_tensor({40, kOut}, 4);
  for (const Kernels* k : every_table()) {
    const Context ctx{k, 1};
    Weight w(kOut, kIn);
    hold(w, {"int8", StoredForm::kInt8}, 9);
    use_int8(w, {}, k->int8_limit, true, 1);
    w.exact = true;
    const Tensor y = product_of(ctx, w, x), dx = gradient_of(ctx, w, dy);
    w.exact = false;
    const double one = relative_distance(product_of(ctx, w, x), y), back_one = relative_distance(gradient_of(ctx, w, dy), dx);
    w.terms = 2;
    const double two = relative_distance(product_of(ctx, w, x), y), back_two = relative_distance(gradient_of(ctx, w, dy), dx);
    EXPECT_LT(one, tolerance::kInt8Product) << k->name;
    EXPECT_LT(back_one, tolerance::kInt8Product) << k->name;
    if (k->int8_limit < 127) continue;  // 7-bit weights: their own rounding is the larger part
    EXPECT_LT(two, one / 20) << k->name;
    EXPECT_LT(back_two, back_one / 20) << k->name;
  }
}

TEST(Weight, SmoothingTakesOutliersIntoTheWeights) {
  const Tensor x = with_outliers(random_tensor({40, kIn}, 3)), dy = random_tensor({40, kOut}, 4);
  for (const Kernels* k : every_table())
    for (const Held& held : every_form()) {
      const Context ctx{k, 1};
      Weight plain(kOut, kIn), smooth(kOut, kIn);
      hold(plain, held, 10);
      hold(smooth, held, 10);
      use_int8(plain, {}, k->int8_limit, true, 1);
      use_int8(smooth, smoothing_for(x, plain), k->int8_limit, true, 1);
      // The same weights behind another scale: what products in F32 read has not changed.
      smooth.exact = plain.exact = true;
      const Tensor y = product_of(ctx, plain, x);
      EXPECT_TRUE(same_bits(product_of(ctx, smooth, x), y)) << held.name;
      smooth.exact = plain.exact = false;
      // What the outlier hides is the part that counts: the rest of the product.
      Tensor rest = x.clone();
      for (int64_t r = 0; r < rest.rows(); ++r) rest.f32()[r * rest.pitch() + 3] = 0.0f;
      smooth.exact = true;
      const double size =
          relative_distance(product_of(ctx, smooth, rest), Tensor::zeros({40, kOut})) / relative_distance(y, Tensor::zeros({40, kOut}));
      smooth.exact = false;
      const double with = relative_distance(product_of(ctx, smooth, x), y) / size,
                   without = relative_distance(product_of(ctx, plain, x), y) / size;
      EXPECT_LT(with, without / 3) << k->name << ", " << held.name;
      EXPECT_TRUE(same_bits(gradient_of(ctx, smooth, dy), gradient_of(ctx, plain, dy))) << "smoothing is of the forward product only";
    }
}

/// One input, a layer of every kind, one buffer: each layer's bits are those it gives alone.
TEST(Weight, AGroupMixesForms) {
  for (const Kernels* k : every_table()) {
    const Context base{k, 1};
    Var x(random_tensor({11, kIn}, 3));
    std::vector<std::unique_ptr<Linear>> layers;
    uint64_t key = 20;
    const Smoothing shared = smoothing_for(x.data, held_layer(kOut, kIn, {"f32", StoredForm::kPlain}, 1)->weight);
    for (const Held& held : every_form()) {
      for (const int kind : {0, 1, 2, 3, 4}) {  // f32, 8-bit, smoothed, two terms packed each time, exact
        layers.push_back(held_layer(kind == 1 ? kOut : 33, kIn, held, key += 2));
        Weight& w = layers.back()->weight;
        if (kind > 0) use_int8(w, kind == 2 ? shared : Smoothing{}, k->int8_limit, kind != 3, 1);
        if (kind == 3) w.terms = 2;
        if (kind == 4) w.exact = true;
        if (kind == 2) layers.back()->has_bias = false;
      }
    }
    std::vector<const Linear*> list;
    for (const auto& l : layers) list.push_back(l.get());
    const auto run = [&](bool together) {
      x.grad = Gradient::of_parameter(x.data.shape());
      Tape tape;
      Context ctx = base;
      ctx.tape = &tape;
      std::vector<Var> outs;
      if (together)
        outs = linear_group(ctx, x, list);
      else
        for (const Linear* l : list) outs.push_back(linear(ctx, x, *l));
      for (size_t i = 0; i < outs.size(); ++i) outs[i].grad->add(ctx, random_tensor(outs[i].data.shape(), 100 + i));
      tape.backward(ctx);
      return std::pair{outs, x.grad->value().clone()};
    };
    const auto [group, group_dx] = run(true);
    const auto [alone, alone_dx] = run(false);
    for (size_t i = 0; i < group.size(); ++i) EXPECT_TRUE(same_bits(group[i].data, alone[i].data)) << k->name << ", layer " << i;
    EXPECT_TRUE(same_bits(group_dx, alone_dx)) << k->name;
  }
}

/// Two layers with low-rank deltas and dropout on a quantised base: outputs and every gradient.
struct Adapted {
  std::vector<std::unique_ptr<Linear>> layers;
  Var x{random_tensor({17, kIn}, 3), keys_of(17)};

  void add(std::unique_ptr<Linear> layer) {
    const std::string path = "layer" + std::to_string(layers.size());
    layer->deltas.push_back(std::make_unique<LowRankDelta>(layer->out(), layer->in(), 4, 0.5f, 0.25f));
    LowRankDelta& d = *layer->deltas.back();
    assign_paths(d, path);
    for (Parameter* p : {&d.a, &d.b}) {
      p->var.data = random_tensor(p->shape, hash_name(path) + (p == &d.a), 0.2);
      set_trainable(*p, true);
    }
    layers.push_back(std::move(layer));
  }
  /// y, dx, then dA and dB of each layer.
  std::vector<Tensor> run(const Kernels* k) {
    Tape tape;
    Context ctx{k, 1, &tape, true};
    x.grad = Gradient::of_parameter(x.data.shape());
    Var y = x;
    for (const auto& l : layers) y = linear(ctx, y, *l, {Activation::kGelu});
    y.grad->add(ctx, random_tensor(y.data.shape(), 77));
    tape.backward(ctx);
    std::vector<Tensor> all{y.data, x.grad->value()};
    for (const auto& l : layers)
      for (Parameter* p : {&l->deltas[0]->a, &l->deltas[0]->b}) {
        all.push_back(p->var.grad->value().clone());
        set_trainable(*p, true);
      }
    return all;
  }
};

TEST(Weight, AdaptersOnQuantisedLayersGetTheGradientsOfTheValues) {
  for (const Kernels* k : every_table())
    for (const Held& held : every_form()) {
      Adapted quantised, plain;
      for (const int64_t in : {kIn, kOut}) {
        auto layer = held_layer(kOut, in, held, 30 + static_cast<uint64_t>(in));
        plain.add(plain_twin(*layer));
        quantised.add(std::move(layer));
      }
      const std::vector<Tensor> want = plain.run(k);
      const auto compare = [&](double limit, const char* how) {
        const std::vector<Tensor> got = quantised.run(k);
        for (size_t i = 0; i < want.size(); ++i)
          EXPECT_LE(relative_distance(got[i], want[i]), limit) << k->name << ", " << held.name << ", " << how << ", tensor " << i;
        return relative_distance(got[2], want[2]);
      };
      compare(0, "f32 products");
      for (const auto& l : quantised.layers) use_int8(l->weight, {}, k->int8_limit, true, 1);
      EXPECT_GT(compare(tolerance::kInt8Gradient, "8-bit products"), 0) << "8-bit products did not run";
      for (const auto& l : quantised.layers) l->weight.exact = true;
      compare(tolerance::kProduct, "exact");
    }
}

}  // namespace
}  // namespace attune
