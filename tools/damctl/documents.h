// SPDX-License-Identifier: BSD-3-Clause
// What is written of damctl, from the one table of its commands: the manual page, and what shells
// complete.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace dam::ctl {

std::string manual_page(const CLI::App& app);      // man(7)
std::string bash_completion(const CLI::App& app);  // zsh takes it too, by bashcompinit
std::string fish_completion(const CLI::App& app);

}  // namespace dam::ctl
