#include <openssl/evp.h>

#include "base/descriptor.h"
#include "base/error.h"

namespace attune {
namespace {

EVP_MD_CTX* md(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(md(context_), EVP_sha256(), nullptr) != 1) {
    EVP_MD_CTX_free(md(context_));
    throw Bug("OpenSSL has no SHA-256");
  }
}
Sha256::~Sha256() { EVP_MD_CTX_free(md(context_)); }

void Sha256::update(std::string_view bytes) { require(EVP_DigestUpdate(md(context_), bytes.data(), bytes.size()) == 1, "SHA-256 update"); }

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  require(EVP_DigestFinal_ex(md(context_), digest, &n) == 1 && n == 32, "SHA-256 end");
  constexpr char kDigits[] = "0123456789abcdef";
  std::string s;
  for (unsigned i = 0; i < n; ++i) {
    s += kDigits[digest[i] >> 4];
    s += kDigits[digest[i] & 15];
  }
  return s;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 h;
  h.update(bytes);
  return h.hex();
}

std::string sha256_file(const fs::path& path) {
  const Descriptor fd = open_for_reading(path);
  Sha256 h;
  std::string buffer(size_t{1} << 20, '\0');
  while (const size_t n = read_some(fd.get(), buffer.data(), buffer.size(), path)) h.update(buffer.data(), n);
  return h.hex();
}

}  // namespace attune
