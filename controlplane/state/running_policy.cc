// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/running_policy.h"

#include <openssl/evp.h>

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

// SHA-256 of a file's text, in hexadecimal; of nothing where it cannot be read.
std::string digest_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string bytes = text.str();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
  }
  return hex;
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
  const int64_t number = now ? now->version.number : 0;
  if (intent.expected && *intent.expected != number) {
    return refusal(ChangeResult::Outcome::outdated,
                   version_text(number) + " runs, not " + std::to_string(*intent.expected),
                   "look at what it changed: damctl diff " + std::to_string(*intent.expected) +
                       " " + std::to_string(number));
  }
  if (now && now->unconfirmed && !intent.dry_run) {
    return refusal(ChangeResult::Outcome::unconfirmed,
                   version_text(number) + " waits for its confirmation",
                   "keep it: damctl confirm; or not: damctl rollback " +
                       std::to_string(now->unconfirmed->before));
  }
  return std::nullopt;
}

void RunningPolicy::share(Running next) {
  const std::lock_guard lock(current_mutex_);
  current_ = std::make_shared<const Running>(std::move(next));
}

// By the machine's clock across restarts; a clock that jumps makes it no longer than was asked for.
void RunningPolicy::set_alarm(const std::optional<Unconfirmed>& unconfirmed) {
  if (!unconfirmed) return alarm_.clear();
  const int64_t left_s = std::clamp<int64_t>(unconfirmed->deadline_unix - std::time(nullptr), 0,
                                             unconfirmed->within_s);
  alarm_.set(AlarmClock::Clock::now() + std::chrono::seconds(left_s));
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
  return refusal(
      ChangeResult::Outcome::not_saved,
      "the version could not be saved: " + why +
          (back ? "" : "; it is in force all the same, until the next change or restart"),
      "look for a full disk: df -h; then try again");
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
    return refusal(
        ChangeResult::Outcome::not_saved,
        std::string("nothing has changed, for the version cannot be saved: ") + error.what(),
        "look for a full disk: df -h; then try again");
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
  return finish(std::move(next), loaded.problems, intent);
}

ChangeResult RunningPolicy::load_config() {
  const std::lock_guard lock(changing_);
  return load_config_locked(by(config_.string()));
}

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
    ChangeResult result = attempt(load_config_locked(by(config_.string())));
    if (result.in_force() || !newest) return result;
    return attempt(resume_older());
  } catch (const std::exception& error) {
    return attempt(refusal(ChangeResult::Outcome::not_saved, error.what(),
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

ChangeResult RunningPolicy::roll_back(int64_t number, const Intent& intent) {
  const std::lock_guard lock(changing_);
  const auto now = current();
  const bool undoes = now && now->unconfirmed && now->unconfirmed->before == number;
  const auto hindered = hindrance(intent);
  if (hindered && !(undoes && hindered->outcome == ChangeResult::Outcome::unconfirmed))
    return *hindered;
  std::vector<Problem> problems;
  std::optional<Running> next;
  if (undoes) {
    next = come_back(*now, problems);
  } else {
    const auto version = store_.get(number);
    if (!version) {
      return refusal(ChangeResult::Outcome::unknown_version, "there is no " + version_text(number),
                     "which there are: damctl history");
    }
    next = revive(*version, problems);
  }
  if (!next) return result_of(ChangeResult::Outcome::invalid, std::move(problems));
  next->version.comment = "as " + version_text(number) + " again";
  return finish(std::move(*next), std::move(problems), intent);
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
    return refusal(ChangeResult::Outcome::not_saved,
                   std::string("the confirmation cannot be saved: ") + error.what(),
                   "look for a full disk: df -h; then try again");
  }
  alarm_.clear();
  Running next = *now;
  next.unconfirmed.reset();
  next.before.reset();
  ChangeResult result = result_of(ChangeResult::Outcome::applied, {});
  result.version = next.version.number;
  share(std::move(next));
  return result;
}

// The very policy that ran before, with the lists that it had then; after a restart, from the
// store.
std::optional<Running> RunningPolicy::come_back(const Running& now,
                                                std::vector<Problem>& problems) const {
  if (now.before) return *now.before;
  const auto version = store_.get(now.unconfirmed->before);
  return version ? revive(*version, problems) : std::nullopt;
}

// In force even where it cannot be saved. The store then still has the unconfirmed version, whose
// time is over: a restart comes here again.
ChangeResult RunningPolicy::give_back(const Running& now) {
  std::vector<Problem> problems;
  auto next = come_back(now, problems);
  if (!next) return result_of(ChangeResult::Outcome::invalid, std::move(problems));
  const Running before = *next;
  next->version.comment = version_text(now.version.number) + " was not confirmed: as " +
                          version_text(now.unconfirmed->before) + " again";
  ChangeResult result = finish(std::move(*next), std::move(problems), by("dam"));
  if (result.outcome == ChangeResult::Outcome::not_saved) {
    const Delivery delivery = deliver_(before.policy);
    if (delivery.outcome != Delivery::Outcome::refused) share(before);
  }
  return result;
}

// Nobody said in time that the version may stay. What keeps it from going is tried again.
void RunningPolicy::expire() {
  constexpr auto kAgain = std::chrono::seconds(5);
  const std::lock_guard lock(changing_);
  const auto now = current();
  if (!now || !now->unconfirmed || now->unconfirmed->deadline_unix > std::time(nullptr)) {
    if (now) set_alarm(now->unconfirmed);
    return;
  }
  ChangeResult result;
  try {
    result = give_back(*now);
  } catch (const std::exception& error) {
    result = refusal(ChangeResult::Outcome::not_saved, error.what(), "");
  }
  if (current()->unconfirmed) alarm_.set(AlarmClock::Clock::now() + kAgain);
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
