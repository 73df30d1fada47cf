// SPDX-License-Identifier: BSD-3-Clause
// Whom no ban may hit: administrators, whoever asks, and what the site itself is made of.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "controlplane/bans/ban.h"
#include "controlplane/policy/model.h"

namespace dam::control {

class ProtectedAddresses {
 public:
  // `askers`: addresses of whoever asks.
  ProtectedAddresses(const Policy* policy, const std::vector<Address>& askers);

  struct Objection {
    std::string message;  // empty: it may be banned
    std::string hint;
  };
  // `force`: a ban may be as wide as somebody likes, and lie over the site's own addresses; never
  // over an administrator's, or over those of who asks.
  Objection to(const Network& source, bool force) const;

 private:
  struct Entry {
    std::string what;  // "the admin network", "server web's address"
    bool of_people = false;
  };
  void add(const Network& network, std::string what, bool of_people);
  const std::pair<const Network, Entry>* touched_by(const Network& source, bool people) const;

  std::map<Network, Entry, NetworkOrder> all_[2];  // [of people]
  std::array<bool, 129> lengths_[2][2]{};          // [of people][IPv6]: prefixes of this length
};

}  // namespace dam::control
