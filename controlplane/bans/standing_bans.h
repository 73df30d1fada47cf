// SPDX-License-Identifier: BSD-3-Clause
// How many bans of each author hold, without a look at each: whoever is refused one is refused
// quickly.
#pragma once

#include <map>
#include <string>

#include "controlplane/bans/ban.h"

namespace dam::control {

class StandingBans {
 public:
  // Of the source it is the only one from now on.
  void begin(const Network& source, const std::string& author) {
    end(source);
    ++by_author_[author];
    authors_.emplace(source, author);
  }
  void end(const Network& source) {
    const auto found = authors_.find(source);
    if (found == authors_.end()) return;
    const auto count = by_author_.find(found->second);
    if (--count->second == 0) by_author_.erase(count);
    authors_.erase(found);
  }
  size_t all() const { return authors_.size(); }
  size_t of(const std::string& author) const {
    const auto found = by_author_.find(author);
    return found == by_author_.end() ? 0 : found->second;
  }

 private:
  std::map<Network, std::string, NetworkOrder> authors_;
  std::map<std::string, size_t> by_author_;
};

}  // namespace dam::control
