#include "nn/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace attune {

namespace {
constexpr int64_t kGrain = 64;  // rows a cache grows by, at least
}

void KvCache::reserve(Layer& layer, int64_t rows) const {
  const int64_t had = layer.k.empty() ? 0 : layer.k.rows();
  if (rows <= had) return;
  const int64_t capacity = (std::max(rows, had + had / 2) + kGrain - 1) / kGrain * kGrain;
  for (Tensor* t : {&layer.k, &layer.v}) {
    Tensor grown({capacity, width_});
    if (length_ > 0) std::memcpy(grown.f32(), t->f32(), static_cast<size_t>(length_ * width_) * sizeof(float));
    *t = std::move(grown);
  }
}

void KvCache::append(size_t layer, const Tensor& k, const Tensor& v) {
  require(layer < layers_.size() && k.cols() == width_ && v.cols() == width_ && k.rows() == v.rows(), "cache: rows of another model");
  Layer& to = layers_[layer];
  reserve(to, length_ + k.rows());
  for (int64_t r = 0; r < k.rows(); ++r) {
    const auto bytes = static_cast<size_t>(width_) * sizeof(float);
    std::memcpy(to.k.f32() + (length_ + r) * width_, k.f32() + r * k.pitch(), bytes);
    std::memcpy(to.v.f32() + (length_ + r) * width_, v.f32() + r * v.pitch(), bytes);
  }
}

KvCache KvCache::fork() const {
  KvCache copy = *this;
  for (Layer& l : copy.layers_) {
    if (l.k.empty()) continue;
    l.k = l.k.clone();
    l.v = l.v.clone();
  }
  return copy;
}

void KvCache::truncate(int64_t length) {
  require(length >= 0 && length <= length_, "cache: cannot be cut there");
  length_ = length;
}

int64_t KvCache::bytes() const {
  int64_t n = 0;
  for (const Layer& l : layers_)
    if (!l.k.empty()) n += l.k.bytes() + l.v.bytes();
  return n;
}

Var cached_attention(const Context& ctx, const AttentionSpec& spec, const Var& q, const Var& k, const Var& v, const std::vector<int64_t>& starts,
                     std::span<KvCache* const> caches, size_t layer) {
  require(!q.wants_grad() && !k.wants_grad() && !v.wants_grad() && !ctx.training, "cached attention: inference only");
  require(caches.size() + 1 == starts.size() && starts.back() == q.rows(), "cached attention: one cache a sequence");
  Var out(Tensor({q.rows(), q.cols()}));
  for (size_t b = 0; b < caches.size(); ++b) {
    const int64_t begin = starts[b], n = starts[b + 1] - begin;
    KvCache& cache = *caches[b];
    cache.append(layer, k.data.row_range(begin, n), v.data.row_range(begin, n));
    const int64_t q_starts[] = {0, n}, k_starts[] = {0, cache.length() + n};
    AttentionShape shape;
    shape.sequences = 1;
    shape.heads = spec.heads;
    shape.kv_heads = spec.kv_heads;
    shape.head_dim = q.cols() / spec.heads;
    shape.q_starts = q_starts;
    shape.k_starts = k_starts;
    shape.scale = spec.scale;
    shape.causal = spec.causal;
    const Tensor rows = q.data.row_range(begin, n);
    ctx.kernels->attention(ctx, shape, rows.f32(), rows.pitch(), cache.keys(layer).f32(), cache.keys(layer).pitch(), cache.values(layer).f32(),
                           cache.values(layer).pitch(), out.data.f32() + begin * out.data.pitch(), out.data.pitch(), nullptr);
  }
  return out;
}

}  // namespace attune
