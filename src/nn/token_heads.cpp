#include "nn/token_heads.h"

namespace attune {

TokenHead::TokenHead(std::string name, int64_t labels, int64_t width, float dropout, bool with_bias) : linear_(labels, width, with_bias), p_(dropout) {
  add(std::move(name), linear_);
}

Var TokenHead::forward(const Context& ctx, const Var& hidden) { return linear(ctx, dropout(ctx, hidden, {p_, key_}), linear_); }

void TokenHead::named() { key_ = dropout_key(*this, "dropout"); }

LastTokenHead::LastTokenHead(std::string name, int64_t labels, int64_t width) : linear_(labels, width, false) { add(std::move(name), linear_); }

}  // namespace attune
