// gzip files (RFC 1952), several members one after another included, through zlib.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"

namespace attune {
namespace {

class Inflate {
 public:
  Inflate() { require(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK, "zlib does not start"); }
  ~Inflate() { inflateEnd(&stream); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  z_stream stream{};
};

std::string unpack(const std::string& packed, const fs::path& path, uint64_t limit) {
  const auto damaged = [&](std::string what, size_t at) {
    fail(ErrorCode::kInput, {.id = "gzip.damaged",
                             .where = fmt::format("{}, byte {}", path.string(), grouped(at)),
                             .what = std::move(what),
                             .expected = "",
                             .got = "",
                             .hint = "copy or download the file again"});
  };
  Inflate z;
  std::string out;
  std::string chunk(size_t{1} << 18, '\0');
  size_t at = 0;
  for (;;) {
    const size_t give = std::min(packed.size() - at, size_t{1} << 20);
    z.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + at));
    z.stream.avail_in = static_cast<uInt>(give);
    z.stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    z.stream.avail_out = static_cast<uInt>(chunk.size());
    const int rc = inflate(&z.stream, Z_NO_FLUSH);
    at += give - z.stream.avail_in;
    const size_t got = chunk.size() - z.stream.avail_out;
    if (out.size() + got > limit) {
      fail(ErrorCode::kInput, {.id = "file.too_large",
                               .where = path.string(),
                               .what = "is too large when unpacked",
                               .expected = fmt::format("at most {} bytes", grouped(limit)),
                               .got = "",
                               .hint = ""});
    }
    out.append(chunk.data(), got);
    if (rc == Z_STREAM_END) {
      if (packed.find_first_not_of('\0', at) == std::string::npos) return out;  // the end, or zero padding as tapes leave it
      if (packed.compare(at, 2, "\x1f\x8b") != 0) damaged("there is something behind the packed data", at);
      require(inflateReset(&z.stream) == Z_OK, "zlib does not restart");
    } else if (rc == Z_BUF_ERROR || (rc == Z_OK && at == packed.size() && got == 0)) {
      damaged("the packed data stops too early", at);
    } else if (rc != Z_OK) {
      damaged(fmt::format("the packed data is damaged ({})", z.stream.msg ? z.stream.msg : "zlib"), at);
    }
  }
}

}  // namespace

std::string read_file_gz(const fs::path& path, uint64_t limit) {
  std::string content = read_file(path, limit);
  const bool magic = content.size() >= 2 && content[0] == '\x1f' && content[1] == '\x8b';
  if (magic) return unpack(content, path, limit);
  if (path.extension() == ".gz") {
    fail(ErrorCode::kInput, {.id = "gzip.damaged",
                             .where = path.string() + ", byte 0",
                             .what = "is no gzip file",
                             .expected = "the bytes 1f 8b",
                             .got = "",
                             .hint = ""});
  }
  return content;
}

}  // namespace attune
