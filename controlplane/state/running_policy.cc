// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/running_policy.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <sstream>

#include "controlplane/policy/check.h"
#include "controlplane/state/text_diff.h"

namespace dam::control {

namespace {

ChangeResult result_of(ChangeResult::Outcome outcome, std::vector<Problem> problems) {
  ChangeResult result;
  result.outcome = outcome;
  result.problems = std::move(problems);
  return result;
}

ChangeResult refusal(ChangeResult::Outcome outcome, std::string message, std::string hint) {
  return result_of(outcome, {{Severity::error, "", {}, std::move(message), std::move(hint)}});
}

// Empty where it cannot be read.
std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Intent by(std::string author) {
  Intent intent;
  intent.author = std::move(author);
  return intent;
}

std::string version_text(int64_t number) { return "version " + std::to_string(number); }

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

// Its text, and the single changes on top; nothing where they fit together no more.
std::optional<Running> revive(const PolicyVersion& version, std::vector<Problem>& problems) {
  Loaded loaded = load_policy(version.text, "", version.folder);
  problems = std::move(loaded.problems);
  if (!loaded.policy) return std::nullopt;
  Problems found("");
  for (const ZoneChange& change : version.changes) {
    for (auto& entry : loaded.policy->zones) {
      if (entry.name == change.zone) control::change_zone(entry.value, change, found);
    }
  }
  check_zones(*loaded.policy, found);
  if (found.failed()) {
    problems = found.sorted();
    return std::nullopt;
  }
  Running running;
  running.policy = std::make_shared<const Policy>(std::move(*loaded.policy));
  running.version = version;
  return running;
}

}  // namespace

RunningPolicy::RunningPolicy(std::filesystem::path config, PolicyStore& store, Deliver deliver,
                             Report report)
    : config_(std::move(config)),
      store_(store),
      deliver_(std::move(deliver)),
      report_(std::move(report)),
      alarm_([this] { expire(); }) {}

std::shared_ptr<const Running> RunningPolicy::current() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

// What keeps a change from being made at all.
std::optional<ChangeResult> RunningPolicy::hindrance(const Intent& intent) const {
  const auto now = current();
  if (!now) return std::nullopt;
  const int64_t number = now->version.number;
  if (intent.expected && *intent.expected != number) {
    return refusal(ChangeResult::Outcome::outdated,
                   version_text(number) + " runs by now, by " + now->version.author + ": not " +
                       std::to_string(*intent.expected),
                   "look at what it changed: damctl diff " + std::to_string(*intent.expected) +
                       " " + std::to_string(number));
  }
  if (now->unconfirmed && !intent.dry_run) {
    return refusal(ChangeResult::Outcome::unconfirmed,
                   version_text(number) + " waits for its confirmation",
                   "keep it: damctl confirm; or not: damctl rollback " +
                       std::to_string(now->unconfirmed->before));
  }
  return std::nullopt;
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
  if (next.unconfirmed) {
    const int64_t left_s =
        std::max<int64_t>(next.unconfirmed->deadline_unix - std::time(nullptr), 0);
    alarm_.set(AlarmClock::Clock::now() + std::chrono::seconds(left_s));
  } else {
    alarm_.clear();
  }
  const std::lock_guard lock(current_mutex_);
  current_ = std::make_shared<const Running>(std::move(next));
  return result;
}

// What cannot be kept is not in force either: nobody would know it after a restart.
ChangeResult RunningPolicy::not_saved(const std::string& why, bool was_delivered) {
  const auto before = current();
  if (was_delivered && before) deliver_(before->policy);
  return refusal(ChangeResult::Outcome::not_saved, "the version could not be saved: " + why,
                 "look for a full disk: df -h; then try again");
}

ChangeResult RunningPolicy::put_in_force(Running next, std::vector<Problem> problems,
                                         int64_t within_s) {
  Delivery delivery;
  bool was_delivered = false;
  next.version.at_unix = std::time(nullptr);
  try {
    next.version.number = store_.add(next.version, within_s, [&] {
      delivery = deliver_(next.policy);
      was_delivered = delivery.outcome != Delivery::Outcome::refused;
      return was_delivered;
    });
  } catch (const std::exception& error) {
    return not_saved(error.what(), was_delivered);
  }
  if (was_delivered) return delivered(std::move(next), std::move(problems), delivery);
  for (const std::string& error : delivery.errors) {
    problems.push_back({Severity::error, "", {}, "the dataplane refuses: " + error, ""});
  }
  return result_of(ChangeResult::Outcome::refused, std::move(problems));
}

// The last steps of every change that is sound.
ChangeResult RunningPolicy::finish(Running next, std::vector<Problem> problems,
                                   const Intent& intent) {
  const auto now = current();
  const std::string diff =
      text_diff(now ? now->version.whole_text() : "", next.version.whole_text());
  next.version.file = text_of_file(config_);
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
  return finish(std::move(next), loaded.problems, intent);
}

ChangeResult RunningPolicy::load_config() {
  const std::lock_guard lock(changing_);
  return load_config_locked(by(config_.string()));
}

ChangeResult RunningPolicy::begin() {
  const std::lock_guard lock(changing_);
  const auto newest = store_.newest();
  if (newest && newest->file == text_of_file(config_)) return resume(*newest);
  ChangeResult result = load_config_locked(by(config_.string()));
  if (result.in_force() || !newest) return result;
  ChangeResult older = resume(*newest);
  older.problems.insert(older.problems.begin(), result.problems.begin(), result.problems.end());
  return older;
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
  return result_of(ChangeResult::Outcome::refused, std::move(problems));
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
  return finish(std::move(next), loaded.problems, intent);
}

ChangeResult RunningPolicy::restore(const PolicyVersion& version, const Intent& intent,
                                    const std::string& comment) {
  std::vector<Problem> problems;
  auto next = revive(version, problems);
  if (!next) return result_of(ChangeResult::Outcome::invalid, std::move(problems));
  next->version.comment = comment;
  return finish(std::move(*next), std::move(problems), intent);
}

ChangeResult RunningPolicy::roll_back(int64_t number, const Intent& intent) {
  const std::lock_guard lock(changing_);
  const auto now = current();
  const bool undoes = now && now->unconfirmed && now->unconfirmed->before == number;
  if (!undoes) {
    if (auto hindered = hindrance(intent)) return *hindered;
  }
  const auto version = store_.get(number);
  if (!version) {
    return refusal(ChangeResult::Outcome::unknown_version, "there is no " + version_text(number),
                   "which there are: damctl history");
  }
  return restore(*version, intent, "as " + version_text(number) + " again");
}

ChangeResult RunningPolicy::confirm(const Intent& intent) {
  const std::lock_guard lock(changing_);
  const auto now = current();
  if (!now || !now->unconfirmed || (intent.expected && *intent.expected != now->version.number)) {
    return refusal(ChangeResult::Outcome::outdated, "no such version waits for a confirmation",
                   "what became of it: damctl history");
  }
  try {
    store_.confirm();
  } catch (const std::exception& error) {
    return not_saved(error.what(), false);
  }
  alarm_.clear();
  Running next = *now;
  next.unconfirmed.reset();
  ChangeResult result = result_of(ChangeResult::Outcome::applied, {});
  result.version = next.version.number;
  const std::lock_guard current_lock(current_mutex_);
  current_ = std::make_shared<const Running>(std::move(next));
  return result;
}

// Nobody said in time that the version may stay.
void RunningPolicy::expire() {
  const std::lock_guard lock(changing_);
  const auto now = current();
  if (!now || !now->unconfirmed) return;
  const auto before = store_.get(now->unconfirmed->before);
  if (!before) return;
  const ChangeResult result =
      restore(*before, by("dam"),
              version_text(now->version.number) + " was not confirmed: as " +
                  version_text(before->number) + " again");
  if (report_) report_(result);
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
