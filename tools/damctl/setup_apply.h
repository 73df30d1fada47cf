// SPDX-License-Identifier: BSD-3-Clause
// A policy that setup has made, put in force by the control plane that runs, and kept once somebody
// has confirmed that everything still works.
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "tools/damctl/client.h"

namespace dam::ctl {

// Does one listen on the socket?
bool control_plane_answers(const Settings& settings);

struct InForce {
  int code = 0;  // kOk: it is in force, for good
  int64_t version = 0;
  bool restart_needed = false;
  std::string error;  // where the code is another one and nothing has been said yet
};

// `before`: the text of dam.yaml, or nothing where there is none; where something else runs, that
// would be lost, and it is refused. `confirm_within` empty: no confirmation is asked for. It comes
// from the terminal where `asks`, or by `damctl confirm` from anywhere.
struct Putting {
  std::string file, text;
  std::optional<std::string> before;
  std::string confirm_within;
  bool asks = false;
};
InForce put_in_force(const Settings& settings, const Putting& what, std::ostream& out);

}  // namespace dam::ctl
