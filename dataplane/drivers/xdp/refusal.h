// SPDX-License-Identifier: BSD-3-Clause
// Why the kernel does not load the XDP program, in words.
#pragma once

#include <string>

namespace dam {

// `error`: an errno. `log`: what the verifier wrote. `release`: of the kernel, "6.1.0-18-amd64".
std::string explain_refusal(int error, const std::string& log, const std::string& release);
std::string explain_refusal(int error, const std::string& log);  // on this kernel

}  // namespace dam
