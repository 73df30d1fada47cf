// SPDX-License-Identifier: BSD-3-Clause
// What somebody may do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dam::control {

// Each may do what those before it may, but what is the reporter's: a server's program, which tells
// of its clients (signals) and does nothing else. Operators, who ban, may do that too; viewers may
// not.
enum class Role { anyone, reporter, viewer, operator_, admin };

bool may(Role role, Role needed);
const char* role_text(Role role);  // "anyone", "reporter", "viewer", "operator", "admin"
// Of the roles that somebody can be given: all but "anyone".
std::optional<Role> role_of(std::string_view text);

// Who asks. `address` is that of a client on the network; empty on the Unix socket.
struct Caller {
  std::string name;
  Role role = Role::anyone;
  std::string address = {};
  std::string refusal =
      {};  // why what it has shown counts for nothing; empty: it has shown nothing
  int64_t retry_after_s = 0;  // above 0: it asks too often
  // For answers that last: why it may not do by now what `needed` may; empty: it may. Not set where
  // that does not change while its connection stands.
  std::function<std::string(Role needed)> refused_by_now = {};
};

}  // namespace dam::control
