// SPDX-License-Identifier: BSD-3-Clause
// What the process may do, and how it stops being allowed to. Linux keeps capabilities for each
// thread: what must hold for all of them is done before there are any, or by setresuid(), which
// glibc does in every thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dam {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Throws std::runtime_error when there is no such user.
Account find_account(const std::string& user);

// Throws std::runtime_error when there is no such group.
gid_t find_group(const std::string& name);

// First thing in main(): no exec can ever give more rights than the process has, and none at all
// once become() was called. The rights that it has now stay.
void forbid_new_privileges();

// Keeps these capabilities (CAP_…) of the calling thread, drops all others.
void keep_only(const std::vector<uint32_t>& capabilities);

// All threads become this user, without any capability but those that the calling thread keeps
// (CAP_…); checked afterwards, thread by thread. Throws std::runtime_error when a right is left.
void become(const Account& account, const std::vector<uint32_t>& kept = {});

}  // namespace dam
