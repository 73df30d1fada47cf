// SPDX-License-Identifier: BSD-3-Clause
// The picture of `damctl watch`, as lines that fit the terminal. Without input or output.
#pragma once

#include <string>
#include <vector>

#include "tools/damctl/style.h"
#include "tools/damctl/terminal.h"
#include "tools/damctl/watch_fetch.h"

namespace dam::ctl {

struct Picture {
  Fetcher::State state;
  double age_s = 0;  // of what is shown
  double every_s = 1;
  bool paused = false;
  std::string clock;  // "12:34:56"
};

// At most size.rows lines of at most size.columns columns. What a sign or a colour says, a word or
// a number says too.
std::vector<std::string> draw(const Picture& picture, const ScreenSize& size, const Style& style);

}  // namespace dam::ctl
