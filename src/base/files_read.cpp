// Reading: whole files, ranges, lines. Only regular files are opened, so nothing here can wait for a writer that never comes.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/checked.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/signals.h"
#include "base/utf8.h"

namespace attune {
namespace {

[[noreturn]] void fail_input(std::string id, const fs::path& path, std::string what, std::string hint = "") {
  fail(ErrorCode::kInput,
       {.id = std::move(id), .where = path.string(), .what = std::move(what), .expected = "", .got = "", .hint = std::move(hint)});
}

void require_regular(const fs::path& path, const struct stat& s) {
  if (S_ISREG(s.st_mode)) return;
  if (S_ISDIR(s.st_mode)) fail_input("file.folder", path, "is a folder, not a file");
  fail_input("file.special", path, S_ISFIFO(s.st_mode) ? "is a named pipe, not a file" : "is a device or socket, not a file");
}

/// Waits for standard input and looks up now and then: Ctrl-C must end a program that waits for lines, and reads do not
/// see signals. Nothing is half done here, so Interrupted may leave.
void wait_for_input(int fd) {
  for (;;) {
    throw_if_interrupted();
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 200) > 0) return;
  }
}

}  // namespace

void fail_read(const fs::path& path, std::string_view operation, int error) {
  if (error == ENOENT || error == ENOTDIR) fail_input("file.missing", path, "does not exist");
  if (error == ELOOP) fail_input("file.missing", path, "is a link that leads nowhere (a loop)");
  if (error == ENAMETOOLONG) fail_input("file.missing", path, "has a name longer than the system allows");
  fail(ErrorCode::kIo, {.id = "file.unreadable",
                        .where = path.string(),
                        .what = fmt::format("cannot {}: {}", operation, std::strerror(error)),
                        .expected = "",
                        .got = "",
                        .hint = error == EACCES ? "check the permissions of the file and its folders" : ""});
}

Descriptor open_for_reading(const fs::path& path, uint64_t* size) {
  if (path.native().find('\0') != std::string::npos) fail_input("file.missing", path, "has a zero byte in its name");
  // stat first: opening a device may have effects. O_NONBLOCK and the second look cover a swap in between.
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) fail_read(path, "open", errno);
  require_regular(path, s);
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) fail_read(path, "open", errno);
  if (::fstat(fd.get(), &s) != 0) fail_read(path, "stat", errno);
  require_regular(path, s);
  if (size) *size = static_cast<uint64_t>(s.st_size);
  return fd;
}

size_t read_some(int fd, void* out, size_t bytes, const fs::path& path) {
  for (;;) {
    const ssize_t n = ::read(fd, out, std::min(bytes, size_t{1} << 30));
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN) {  // a terminal or pipe that somebody made non-blocking
      pollfd p{fd, POLLIN, 0};
      ::poll(&p, 1, -1);
    } else if (errno != EINTR) {
      fail_read(path, "read", errno);
    }
  }
}

std::string read_file(const fs::path& path, uint64_t limit) {
  uint64_t size = 0;
  const Descriptor fd = open_for_reading(path, &size);
  const auto too_large = [&](uint64_t n) {
    fail(ErrorCode::kInput, {.id = "file.too_large",
                             .where = path.string(),
                             .what = "is too large",
                             .expected = fmt::format("at most {} bytes", grouped(limit)),
                             .got = fmt::format("{} bytes", grouped(n)),
                             .hint = ""});
  };
  if (size > limit) too_large(size);
  std::string content;
  content.resize(size);
  size_t have = 0;
  for (;;) {  // to the end, whatever size says: files in /proc say 0, others grow
    if (have == content.size()) {
      char more[4096];
      const size_t n = read_some(fd.get(), more, sizeof more, path);
      if (n == 0) break;
      if (have + n > limit) too_large(have + n);
      content.append(more, n);
      have += n;
    } else {
      const size_t n = read_some(fd.get(), content.data() + have, content.size() - have, path);
      if (n == 0) {  // the file shrank while we read
        fail(ErrorCode::kInput, {.id = "file.truncated",
                                 .where = path.string(),
                                 .what = "became shorter while it was read",
                                 .expected = fmt::format("{} bytes", grouped(size)),
                                 .got = fmt::format("{} bytes", grouped(have)),
                                 .hint = ""});
      }
      have += n;
    }
  }
  return content;
}

void read_range(const fs::path& path, uint64_t offset, uint64_t count, void* out) {
  uint64_t size = 0;
  const Descriptor fd = open_for_reading(path, &size);
  const auto truncated = [&](uint64_t have) {
    fail(ErrorCode::kInput, {.id = "file.truncated",
                             .where = path.string(),
                             .what = fmt::format("ends inside the part that begins at byte {}", grouped(offset)),
                             .expected = fmt::format("{} bytes", grouped(count)),
                             .got = fmt::format("{} bytes", grouped(have)),
                             .hint = "copy or download the file again"});
  };
  const auto end = checked_add(offset, count);
  if (!end || *end > size) truncated(size > offset ? size - offset : 0);
  auto* to = static_cast<char*>(out);
  uint64_t done = 0;
  while (done < count) {
    const ssize_t n = ::pread(fd.get(), to + done, std::min<uint64_t>(count - done, uint64_t{1} << 30), static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_read(path, "read", errno);
    if (n == 0) truncated(done);
    done += static_cast<uint64_t>(n);
  }
}

MappedFile::MappedFile(const fs::path& path) {
  uint64_t size = 0;
  const Descriptor fd = open_for_reading(path, &size);
  if (size == 0) return;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) fail_read(path, "map", errno);
  data_ = static_cast<const char*>(data);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), size_);
}

uint64_t file_size(const fs::path& path) {
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) fail_read(path, "stat", errno);
  require_regular(path, s);
  return static_cast<uint64_t>(s.st_size);
}

bool file_exists(const fs::path& path) {
  struct stat s;
  return ::stat(path.c_str(), &s) == 0 && !S_ISDIR(s.st_mode);
}

bool folder_exists(const fs::path& path) {
  struct stat s;
  return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

std::vector<std::string> list_folder(const fs::path& path) {
  std::error_code e;
  fs::directory_iterator it(path.empty() ? fs::path(".") : path, e);
  if (e) {
    if (e.value() == ENOTDIR) fail_input("file.not_folder", path, "is a file, not a folder");
    fail_read(path, "list", e.value());
  }
  std::vector<std::string> names;
  for (; it != fs::directory_iterator(); it.increment(e)) {
    names.push_back(it->path().filename().string());
    if (e) break;
  }
  if (e) fail_read(path, "list", e.value());
  std::sort(names.begin(), names.end());
  return names;
}

void for_each_line(const fs::path& path, const std::function<bool(std::string_view, uint64_t)>& each, uint64_t max_line) {
  const bool standard_input = path == "-";
  const Descriptor file = standard_input ? Descriptor() : open_for_reading(path);
  const int fd = standard_input ? STDIN_FILENO : file.get();
  std::string buffer(size_t{1} << 16, '\0');
  std::string carried;  // the beginning of a line that crosses buffers
  uint64_t number = 0;
  const auto give = [&](std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return each(line, number);
  };
  const auto check = [&](uint64_t length) {
    if (length <= max_line) return;
    fail(ErrorCode::kInput, {.id = "line.too_long",
                             .where = fmt::format("{}:{}", standard_input ? "standard input" : path.string(), number + 1),
                             .what = "the line is too long",
                             .expected = fmt::format("at most {} bytes", grouped(max_line)),
                             .got = "",
                             .hint = "is this a text file with one record a line?"});
  };
  for (;;) {
    if (standard_input) wait_for_input(fd);
    const size_t n = read_some(fd, buffer.data(), buffer.size(), path);
    if (n == 0) break;
    std::string_view rest(buffer.data(), n);
    for (size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
      check(carried.size() + end);
      ++number;
      bool more;
      if (carried.empty()) {
        more = give(rest.substr(0, end));
      } else {
        carried.append(rest.substr(0, end));
        more = give(carried);
        carried.clear();
      }
      if (!more) return;
    }
    check(carried.size() + rest.size());
    carried.append(rest);
  }
  if (!carried.empty()) {
    ++number;
    give(carried);
  }
}

}  // namespace attune
