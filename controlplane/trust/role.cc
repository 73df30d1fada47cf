// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/role.h"

namespace dam::control {

bool may(Role role, Role needed) {
  if (needed == Role::reporter) return role == Role::reporter || role >= Role::operator_;
  return role >= needed;
}

const char* role_text(Role role) {
  switch (role) {
    case Role::reporter:
      return "reporter";
    case Role::viewer:
      return "viewer";
    case Role::operator_:
      return "operator";
    case Role::admin:
      return "admin";
    default:
      return "anyone";
  }
}

std::optional<Role> role_of(std::string_view text) {
  for (const Role role : {Role::reporter, Role::viewer, Role::operator_, Role::admin}) {
    if (text == role_text(role)) return role;
  }
  return std::nullopt;
}

}  // namespace dam::control
