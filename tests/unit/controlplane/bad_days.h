// SPDX-License-Identifier: BSD-3-Clause
// What must lose nothing that was acknowledged: a process that is killed while it writes, and one
// whose disk is full.
#pragma once

#include <functional>

#include <sys/types.h>

namespace dam::control {

// `write_for_ever`, in a process of its own, says the number of each thing that is kept by now; the
// process is killed this long after the first `few`. Not after a time alone: on a machine that has
// no time for it, it would be killed before its first write. Gives the last number, `nothing` where
// there was none.
using Say = std::function<void(int64_t number)>;
int64_t last_acknowledged(const std::function<void(const Say&)>& write_for_ever, int few,
                          useconds_t then_us, int64_t nothing = 0);

// What a full disk does to SQLite: no file of the process that runs `body` may grow. Its exit code:
// 0 when the body throws words of the disk, 4 of something else, 3 when it does not throw, or what
// it exits with; below 0: the signal that ended it.
int exit_code_with_full_disk(const std::function<void()>& body);

}  // namespace dam::control
