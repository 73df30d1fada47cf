// SPDX-License-Identifier: BSD-3-Clause
// What libxdp and libbpf would write to stderr, kept for an error of ours.
#pragma once

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include <string>

namespace dam {

class LibraryWords {  // as long as it lives; one thread
 public:
  LibraryWords();
  ~LibraryWords();
  LibraryWords(const LibraryWords&) = delete;
  LibraryWords& operator=(const LibraryWords&) = delete;

  // Why a call of theirs ended with `error`: an errno, and the last that they had to say.
  std::string why(int error) const;

 private:
  libbpf_print_fn_t libbpf_before_;
  libxdp_print_fn_t libxdp_before_;
};

}  // namespace dam
