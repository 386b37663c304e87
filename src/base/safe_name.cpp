// The rule for names that come from files (reliability W1), strict under POSIX and under Windows, so that a folder made on one
// system is safe on the other.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"

namespace attune {
namespace {

/// CON, NUL, COM1... stand for devices on Windows, whatever the extension and the case.
bool is_device_name(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  while (!stem.empty() && stem.back() == ' ') stem.pop_back();
  std::transform(stem.begin(), stem.end(), stem.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  constexpr std::array<std::string_view, 6> kDevices = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
  if (std::find(kDevices.begin(), kDevices.end(), stem) != kDevices.end()) return true;
  return stem.size() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")) && stem[3] >= '0' && stem[3] <= '9';
}

/// Characters that look like a separator or a dot, change the reading direction, or cannot be seen.
bool is_deceptive(uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;                                      // control
  if (c == 0x2024 || c == 0x2025 || c == 0xff0e || c == 0xfe52) return true;                 // dots
  if (c == 0x2044 || c == 0x2215 || c == 0x29f8 || c == 0xff0f) return true;                 // slashes
  if (c == 0x2216 || c == 0x29f5 || c == 0x29f9 || c == 0xfe68 || c == 0xff3c) return true;  // backslashes
  if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff) return true;
  return c == 0xff1a || c == 0x2236 || (c & 0xfffe) == 0xfffe;  // colons; no characters at all
}

/// %2e, %2f, %5c, %00: somebody downstream may decode them.
bool has_encoded_separator(std::string_view name) {
  for (size_t at = name.find('%'); at != std::string_view::npos && at + 2 < name.size(); at = name.find('%', at + 1)) {
    std::string code(name.substr(at + 1, 2));
    std::transform(code.begin(), code.end(), code.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (code == "2e" || code == "2f" || code == "5c" || code == "00" || code == "25") return true;
  }
  return false;
}

}  // namespace

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  if (name.find_first_of("/\\:*?\"<>|") != std::string_view::npos) return false;
  if (name.back() == '.' || name.back() == ' ' || name.front() == ' ') return false;  // "." and ".." among them
  for (size_t i = 0; i < name.size();) {
    uint32_t c;
    const int n = decode_utf8(name.substr(i), c);
    if (n == 0 || is_deceptive(c)) return false;
    i += static_cast<size_t>(n);
  }
  return !is_device_name(name) && !has_encoded_separator(name);
}

bool is_safe_relative_path(std::string_view path) {
  if (path.size() > 4000) return false;
  for (;;) {
    const size_t slash = path.find('/');
    if (!is_safe_name(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

void require_safe_name(std::string_view name, const std::string& where) {
  if (is_safe_name(name)) return;
  std::string shown;  // never a control character on somebody's terminal
  for (const char c : name.substr(0, 80)) {
    const auto b = static_cast<unsigned char>(c);
    if (b >= 0x20 && b < 0x7f) {
      shown += c;
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      shown += std::string("\\x") + kDigits[b >> 4] + kDigits[b & 15];
    }
  }
  if (name.size() > 80) shown += "...";
  fail(ErrorCode::kInput, {.id = "name.unsafe",
                           .where = where,
                           .what = "a name in the file is not a plain file name",
                           .expected = "a name without separators, '..' and control characters, of at most 255 bytes",
                           .got = "'" + shown + "'",
                           .hint = ""});
}

}  // namespace attune
