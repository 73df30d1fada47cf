// SPDX-License-Identifier: BSD-3-Clause
// After a restart: what ran comes back, or the next best does.
#include "controlplane/state/revive.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

ChangeResult RunningPolicy::begin() {
  const std::lock_guard lock(changing_);
  std::vector<Problem> problems;
  const auto attempt = [&problems](ChangeResult result) {
    problems.insert(problems.end(), result.problems.begin(), result.problems.end());
    result.problems = problems;
    return result;
  };
  try {
    const auto newest = store_.newest();
    if (newest && newest->file_digest == digest_of_file(config_)) {
      if (auto result = attempt(resume(*newest)); result.in_force()) return result;
    }
    ChangeResult result = attempt(load_config_locked(Intent::of(config_.string())));
    if (result.in_force() || !newest) return result;
    return attempt(resume_older());
  } catch (const std::exception& error) {
    return attempt(refusal_of(ChangeResult::Outcome::not_saved, error.what(),
                              "go on without what was kept: --state none, or another file"));
  }
}

// What ran before, when neither the newest nor dam.yaml can be put in force.
ChangeResult RunningPolicy::resume_older() {
  constexpr int kTried = 20;
  const auto waiting = store_.unconfirmed();
  ChangeResult result;
  for (const PolicyVersion& listed : store_.list(0, kTried)) {
    if (waiting && listed.number == waiting->number) continue;
    const auto version = store_.get(listed.number);
    if (version) result = resume(*version);
    if (result.in_force()) return result;
  }
  return result;
}

// A version that is in the store already.
ChangeResult RunningPolicy::resume(const PolicyVersion& version) {
  std::vector<Problem> problems;
  auto next = revive(version, problems);
  if (!next) return result_of(ChangeResult::Outcome::invalid, std::move(problems));
  const Delivery delivery = deliver_(next->policy);
  if (delivery.outcome != Delivery::Outcome::refused) {
    return delivered(std::move(*next), std::move(problems), delivery);
  }
  return refused_by_dataplane(delivery.errors, std::move(problems));
}

}  // namespace dam::control
