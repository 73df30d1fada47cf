// SPDX-License-Identifier: BSD-3-Clause
// The policy that runs, and the ways to change it. In memory: dam.yaml is what lasts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/policy/load.h"
#include "controlplane/policy/zone_edit.h"

namespace dam::control {

// One state of affairs; never changed once it is shared.
struct Running {
  std::shared_ptr<const Policy> policy;
  std::string text;    // of the file or request that it came from
  std::string source;  // "dam.yaml", "API"
  int64_t applied_at_unix = 0;
  std::vector<ZoneChange> changes;  // made since, one by one; not in `text`
};

struct ChangeResult {
  enum class Outcome { valid, applied, waiting, invalid, refused, unknown_zone };
  Outcome outcome = Outcome::invalid;
  std::vector<Problem> problems;  // errors and warnings
  uint64_t policy_version = 0;
  bool restart_needed = false;
};

class RunningPolicy {
 public:
  using Deliver = std::function<Delivery(std::shared_ptr<const Policy>)>;

  RunningPolicy(std::filesystem::path config, Deliver deliver)
      : config_(std::move(config)), deliver_(std::move(deliver)) {}

  ChangeResult load_config();  // at start and on SIGHUP
  // Files that the text names are looked for in `folder`; empty: beside dam.yaml.
  ChangeResult apply(const std::string& text, const std::filesystem::path& folder, bool dry_run);
  ChangeResult change_zone(const std::string& zone, const std::vector<ZoneChange>& changes);

  // Nothing until a first policy was valid.
  std::shared_ptr<const Running> current() const;
  const std::filesystem::path& config() const { return config_; }

 private:
  ChangeResult put_in_force(Running next, std::vector<Problem> problems);

  const std::filesystem::path config_;
  const Deliver deliver_;
  std::mutex changing_;  // one change at a time, from its first check to its delivery
  mutable std::mutex current_mutex_;
  std::shared_ptr<const Running> current_;
};

}  // namespace dam::control
