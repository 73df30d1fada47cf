// SPDX-License-Identifier: BSD-3-Clause
// What scripts may rely on.
#pragma once

namespace dam::ctl {

enum ExitCode {
  kOk = 0,
  kRefused =
      1,       // the policy or the change is invalid, the dam refused it, or doctor found problems
  kUsage = 2,  // the command line cannot be understood
  kUnreachable = 3,  // no control plane answers
};

}  // namespace dam::ctl
