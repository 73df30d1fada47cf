// SPDX-License-Identifier: BSD-3-Clause
// What outlives a process belongs to one at a time, who holds a lock on it.
#pragma once

#include <string>

namespace dam {

// How often what was removed while somebody waited for it is made anew, and the lock asked for.
inline constexpr int kLockTries = 20;

// Within two seconds: one that was just killed may still be giving its memory back.
bool lock_soon(int fd);

// Who had it before may have removed it while this one waited: a lock on what has no name any more
// keeps nobody out.
bool is_still_named(int fd, const std::string& path);

}  // namespace dam
