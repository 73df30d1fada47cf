// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/library_words.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace dam {
namespace {

std::string last_words;  // their callbacks take no context of ours

int keep(const char* format, va_list words) {
  std::array<char, 512> line{};
  const int bytes = std::vsnprintf(line.data(), line.size(), format, words);
  last_words = line.data();
  while (!last_words.empty() && last_words.back() == '\n') last_words.pop_back();
  return bytes;
}

int keep_libbpf(libbpf_print_level level, const char* format, va_list words) {
  return level == LIBBPF_WARN ? keep(format, words) : 0;
}

int keep_libxdp(libxdp_print_level level, const char* format, va_list words) {
  return level == LIBXDP_WARN ? keep(format, words) : 0;
}

}  // namespace

LibraryWords::LibraryWords()
    : libbpf_before_(libbpf_set_print(keep_libbpf)), libxdp_before_(libxdp_set_print(keep_libxdp)) {
  if (libxdp_before_ != keep_libxdp) last_words.clear();  // one inside of another adds to it
}

LibraryWords::~LibraryWords() {
  libbpf_set_print(libbpf_before_);
  libxdp_set_print(libxdp_before_);
}

std::string LibraryWords::why(int error) const {
  return std::string(std::strerror(error)) + (last_words.empty() ? "" : "; " + last_words);
}

}  // namespace dam
