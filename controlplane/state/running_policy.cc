// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/running_policy.h"

#include <algorithm>
#include <ctime>

#include "controlplane/policy/check.h"

namespace dam::control {

namespace {

ChangeResult result_of(ChangeResult::Outcome outcome, std::vector<Problem> problems) {
  ChangeResult result;
  result.outcome = outcome;
  result.problems = std::move(problems);
  return result;
}

// A later change of the same key takes the place of an earlier one.
void merge_changes(std::vector<ZoneChange>& all, const std::vector<ZoneChange>& fresh) {
  for (const ZoneChange& change : fresh) {
    std::erase_if(all, [&](const ZoneChange& old) {
      return old.zone == change.zone && old.key == change.key;
    });
    all.push_back(change);
  }
  std::stable_sort(all.begin(), all.end(), [](const ZoneChange& a, const ZoneChange& b) {
    return std::tie(a.zone, a.key) < std::tie(b.zone, b.key);
  });
}

// Lines of dam.yaml mean nothing to whoever changed one zone.
void warn_of_management(const Policy& policy, Problems& problems) {
  Problems found("");
  check_management(policy, found);
  for (Problem problem : found.sorted()) {
    problem.mark = {};
    problems.add(std::move(problem));
  }
}

}  // namespace

std::shared_ptr<const Running> RunningPolicy::current() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

ChangeResult RunningPolicy::put_in_force(Running next, std::vector<Problem> problems) {
  const Delivery delivery = deliver_(next.policy);
  ChangeResult result = result_of(ChangeResult::Outcome::refused, std::move(problems));
  result.policy_version = delivery.policy_version;
  result.restart_needed = delivery.restart_needed;
  if (delivery.outcome == Delivery::Outcome::refused) {
    for (const std::string& error : delivery.errors) {
      result.problems.push_back({Severity::error, "", {}, "the dataplane refuses: " + error, ""});
    }
    return result;
  }
  next.applied_at_unix = std::time(nullptr);
  const std::lock_guard lock(current_mutex_);
  current_ = std::make_shared<const Running>(std::move(next));
  result.outcome = delivery.outcome == Delivery::Outcome::applied ? ChangeResult::Outcome::applied
                                                                  : ChangeResult::Outcome::waiting;
  return result;
}

ChangeResult RunningPolicy::load_config() {
  const std::lock_guard lock(changing_);
  Loaded loaded = load_policy_file(config_);
  if (!loaded.policy) return result_of(ChangeResult::Outcome::invalid, loaded.problems);
  Running next;
  next.policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  next.text = std::move(loaded.text);
  next.source = config_.string();
  return put_in_force(std::move(next), loaded.problems);
}

ChangeResult RunningPolicy::apply(const std::string& text, const std::filesystem::path& folder,
                                  bool dry_run) {
  const std::lock_guard lock(changing_);
  Loaded loaded = load_policy(text, "", folder.empty() ? config_.parent_path() : folder);
  if (!loaded.policy) return result_of(ChangeResult::Outcome::invalid, loaded.problems);
  if (dry_run) return result_of(ChangeResult::Outcome::valid, loaded.problems);
  Running next;
  next.policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  next.text = text;
  next.source = "API";
  return put_in_force(std::move(next), loaded.problems);
}

ChangeResult RunningPolicy::change_zone(const std::string& zone,
                                        const std::vector<ZoneChange>& changes) {
  const std::lock_guard lock(changing_);
  const auto now = current();
  const auto known = now ? names_of(now->policy->zones) : std::vector<std::string>{};
  Problems problems("");
  if (std::find(known.begin(), known.end(), zone) == known.end()) {
    const std::string guess = did_you_mean(zone, known);
    problems.error(
        {}, "no zone is named \"" + zone + "\"",
        guess.empty() ? "zones are " + any_of(known) : "did you mean \"" + guess + "\"?");
    return result_of(ChangeResult::Outcome::unknown_zone, problems.sorted());
  }
  Running next = *now;
  auto policy = std::make_shared<Policy>(*now->policy);
  for (auto& entry : policy->zones) {
    if (entry.name != zone) continue;
    for (const ZoneChange& change : changes) control::change_zone(entry.value, change, problems);
  }
  check_zones(*policy, problems);
  warn_of_management(*policy, problems);
  if (problems.failed()) {
    return result_of(ChangeResult::Outcome::invalid, problems.sorted());
  }
  next.policy = std::move(policy);
  merge_changes(next.changes, changes);
  return put_in_force(std::move(next), problems.sorted());
}

}  // namespace dam::control
