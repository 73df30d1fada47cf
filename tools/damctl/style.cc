// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/style.h"

#include <unistd.h>

#include <cstdlib>

namespace dam::ctl {

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(fd) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace dam::ctl
