// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/running_policy.h"

#include <algorithm>
#include <ctime>

#include "controlplane/policy/check.h"
#include "controlplane/state/revive.h"
#include "controlplane/state/text_diff.h"

namespace dam::control {

namespace {

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

RunningPolicy::RunningPolicy(std::filesystem::path config, PolicyStore& store, Deliver deliver,
                             Report report, Objections objections)
    : config_(std::move(config)),
      store_(store),
      deliver_(std::move(deliver)),
      report_(std::move(report)),
      objections_(std::move(objections)),
      alarm_([this] { expire(); }) {}

std::shared_ptr<const Running> RunningPolicy::current() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

// What keeps a change from being made at all.
std::optional<ChangeResult> RunningPolicy::hindrance(const Intent& intent) const {
  const auto now = current();
  const int64_t number = now ? now->version.number : 0;
  if (intent.expected && *intent.expected != number) {
    return refusal_of(ChangeResult::Outcome::outdated,
                      version_text(number) + " runs, not " + std::to_string(*intent.expected),
                      "look at what it changed: damctl diff " + std::to_string(*intent.expected) +
                          " " + std::to_string(number));
  }
  if (now && now->unconfirmed && !intent.dry_run) {
    return refusal_of(ChangeResult::Outcome::unconfirmed,
                      version_text(number) + " waits for its confirmation",
                      "keep it: damctl confirm; or not: damctl rollback " +
                          std::to_string(now->unconfirmed->before));
  }
  return std::nullopt;
}

// False: it is refused for them. With force they are warnings, and the version says so.
bool RunningPolicy::object(Running& next, std::vector<Problem>& problems, bool force) const {
  std::vector<Problem> found = objections_ ? objections_(*next.policy) : std::vector<Problem>();
  if (found.empty()) return true;
  if (force) next.version.comment += ", by force";
  for (Problem& problem : found) {
    problem.severity = force ? Severity::warning : Severity::error;
    problems.push_back(std::move(problem));
  }
  return force;
}

void RunningPolicy::share(Running next) {
  const std::lock_guard lock(current_mutex_);
  current_ = std::make_shared<const Running>(std::move(next));
}

ChangeResult RunningPolicy::delivered(Running next, std::vector<Problem> problems,
                                      const Delivery& delivery) {
  const bool applied = delivery.outcome == Delivery::Outcome::applied;
  ChangeResult result =
      result_of(applied ? ChangeResult::Outcome::applied : ChangeResult::Outcome::waiting,
                std::move(problems));
  result.policy_version = delivery.policy_version;
  result.restart_needed = delivery.restart_needed;
  result.version = next.version.number;
  next.unconfirmed = store_.unconfirmed();
  set_alarm(next.unconfirmed);
  if (!next.unconfirmed) next.before.reset();
  share(std::move(next));
  return result;
}

// What cannot be kept does not stay in force: nobody would know it after a restart.
ChangeResult RunningPolicy::not_kept(const std::string& why) {
  const auto before = current();
  const bool back = before && deliver_(before->policy).outcome != Delivery::Outcome::refused;
  return not_saved("the version could not be saved: " + why +
                   (back ? "" : "; it is in force all the same, until the next change or restart"));
}

ChangeResult RunningPolicy::put_in_force(Running next, std::vector<Problem> problems,
                                         int64_t within_s) {
  const auto now = current();
  const bool undoes = now && now->unconfirmed;  // then that one is nothing to come back to
  const int64_t back_to = undoes ? now->unconfirmed->before : now ? now->version.number : 0;
  next.before = undoes ? now->before : now;
  next.version.at_unix = std::time(nullptr);
  try {
    next.version.number = store_.propose(next.version);
  } catch (const std::exception& error) {
    return not_saved(std::string("nothing has changed, for the version cannot be saved: ") +
                     error.what());
  }
  const Delivery delivery = deliver_(next.policy);
  try {
    if (delivery.outcome != Delivery::Outcome::refused) {
      store_.settle(next.version.number, within_s, back_to);
      return delivered(std::move(next), std::move(problems), delivery);
    }
    store_.withdraw(next.version.number);
  } catch (const std::exception& error) {
    if (delivery.outcome != Delivery::Outcome::refused) return not_kept(error.what());
  }
  return refused_by_dataplane(delivery.errors, std::move(problems));
}

// The last steps of every change that is sound.
ChangeResult RunningPolicy::finish(Running next, std::vector<Problem> problems,
                                   const Intent& intent) {
  const auto now = current();
  const std::string diff =
      text_diff(now ? now->version.whole_text() : "", next.version.whole_text());
  next.version.file_digest = digest_of_file(config_);
  next.version.author = intent.author;
  ChangeResult result =
      intent.dry_run ? result_of(ChangeResult::Outcome::valid, std::move(problems))
                     : put_in_force(std::move(next), std::move(problems), intent.confirm_within_s);
  result.diff = diff;
  return result;
}

ChangeResult RunningPolicy::load_config_locked(const Intent& intent) {
  if (auto hindered = hindrance(intent)) return *hindered;
  Loaded loaded = load_policy_file(config_);
  if (!loaded.policy) return result_of(ChangeResult::Outcome::invalid, loaded.problems);
  Running next;
  next.policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  next.version.text = std::move(loaded.text);
  next.version.folder = config_.parent_path().string();
  next.version.comment = "read from " + config_.string();
  if (!object(next, loaded.problems, intent.force)) {
    return result_of(ChangeResult::Outcome::objected, std::move(loaded.problems));
  }
  return finish(std::move(next), loaded.problems, intent);
}

ChangeResult RunningPolicy::load_config() {
  const std::lock_guard lock(changing_);
  return load_config_locked(Intent::of(config_.string()));
}

ChangeResult RunningPolicy::apply(const std::string& text, const std::filesystem::path& folder,
                                  const Intent& intent) {
  const std::lock_guard lock(changing_);
  if (auto hindered = hindrance(intent)) return *hindered;
  const std::filesystem::path where = folder.empty() ? config_.parent_path() : folder;
  Loaded loaded = load_policy(text, "", where);
  if (!loaded.policy) return result_of(ChangeResult::Outcome::invalid, loaded.problems);
  Running next;
  next.policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  next.version.text = text;
  next.version.folder = where.string();
  next.version.comment = "applied whole";
  if (!object(next, loaded.problems, intent.force)) {
    return result_of(ChangeResult::Outcome::objected, std::move(loaded.problems));
  }
  return finish(std::move(next), loaded.problems, intent);
}

ChangeResult RunningPolicy::change_zone(const std::string& zone,
                                        const std::vector<ZoneChange>& changes,
                                        const Intent& intent) {
  const std::lock_guard lock(changing_);
  if (auto hindered = hindrance(intent)) return *hindered;
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
  merge_changes(next.version.changes, changes);
  next.version.comment = "zone " + zone + " changed";
  return finish(std::move(next), problems.sorted(), intent);
}

}  // namespace dam::control
