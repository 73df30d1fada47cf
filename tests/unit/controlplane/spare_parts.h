// SPDX-License-Identifier: BSD-3-Clause
// The parts of the API that a test is not about: in memory, and nobody listens to them.
#pragma once

#include <ctime>
#include <string>

#include "controlplane/api/endpoints.h"

namespace dam::control {

struct SpareParts {
  explicit SpareParts(RunningPolicy& running) : policy(running) {}

  RunningPolicy& policy;
  EventLog events;
  Trust trust{StateFile::kInMemory};
  ServerStore words{ServerStore::kInMemory};
  Servers servers{words,
                  {[](auto) { return true; }, [](const std::string&) { return true; },
                   [](const std::string&, const std::string&) {}}};
  BanStore ban_store{BanStore::kInMemory};
  BanBook bans{ban_store,
               [this] {
                 const auto now = policy.current();
                 return now ? now->policy : nullptr;
               },
               [] { return static_cast<int64_t>(std::time(nullptr)); }};

  Ask ask{[](const v1::Request&, std::string& wrong) {
    wrong = "there is none";
    return std::optional<v1::Reply>();
  }};
  Captures captures{ask};
  Signals signals{bans,
                  [this] {
                    const auto now = policy.current();
                    return now ? now->policy : nullptr;
                  },
                  [] { return uint64_t{1'000'000'000}; }};

  Lookalikes lookalikes{"/nonexistent",
                        {[this] {
                           const auto now = policy.current();
                           return now ? now->policy : nullptr;
                         },
                         ask,
                         {}}};

  // Of these, a dam that has counted nothing, and a dataplane that does not answer.
  ApiParts parts() {
    return {policy,
            [] { return Sight(); },
            [] { return std::string(); },
            events,
            trust,
            servers,
            bans,
            ask,
            captures,
            signals,
            lookalikes};
  }
};

}  // namespace dam::control
