// SPDX-License-Identifier: BSD-3-Clause
// Versions that wait for a confirmation, and the ways back to those before.
#include <algorithm>
#include <chrono>
#include <ctime>

#include "controlplane/state/revive.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

namespace {

// What operators can make, and nothing else. An equal text alone does not tell: applied whole it
// reads its lists anew.
bool is_zone_change(const PolicyVersion& version, const PolicyVersion& before) {
  return version.text == before.text && version.folder == before.folder &&
         version.comment.starts_with("zone ");  // as change_zone() writes
}

}  // namespace

// By the machine's clock across restarts alone; a clock that jumps makes it no longer than was
// asked for.
void RunningPolicy::set_alarm(const std::optional<Unconfirmed>& unconfirmed) {
  if (!unconfirmed) return alarm_.clear();
  const int64_t left_s = std::clamp<int64_t>(unconfirmed->deadline_unix - std::time(nullptr), 0,
                                             unconfirmed->within_s);
  expires_ = AlarmClock::Clock::now() + std::chrono::seconds(left_s);
  alarm_.set(expires_);
}

// Whoever may change a zone may end that change while it waits: what ran before was there without
// them, and what they keep they could have made to stay at once. A name alone is no proof that it
// is theirs: a certificate, a token and a Unix user may have the same one, with other roles.
std::optional<ChangeResult> RunningPolicy::not_theirs(const Running* now, bool ends,
                                                      const Intent& intent) const {
  if (!intent.own_alone) return std::nullopt;
  if (ends && now && now->unconfirmed && now->version.author == intent.author) {
    const auto before =
        now->before ? std::optional(now->before->version) : store_.get(now->unconfirmed->before);
    if (before && is_zone_change(now->version, *before)) return std::nullopt;
  }
  return refusal_of(
      ChangeResult::Outcome::not_theirs,
      "an operator may confirm or take back only a zone's change of their own that waits for its "
      "confirmation",
      "everything else takes an admin; who changed what: damctl history");
}

ChangeResult RunningPolicy::roll_back(int64_t number, const Intent& intent) {
  const std::lock_guard lock(changing_);
  const auto now = current();
  const bool undoes = now && now->unconfirmed && now->unconfirmed->before == number;
  if (auto refused = not_theirs(now.get(), undoes, intent)) return *refused;
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
      return refusal_of(ChangeResult::Outcome::unknown_version,
                        "there is no " + version_text(number), "which there are: damctl history");
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
  const bool waits = now && now->unconfirmed;
  if (auto refused = not_theirs(now.get(), waits, intent); waits && refused) return *refused;
  if (!waits || (intent.expected && *intent.expected != now->version.number)) {
    return refusal_of(ChangeResult::Outcome::outdated, "no such version waits for a confirmation",
                      "what became of it: damctl history");
  }
  try {
    store_.confirm();
  } catch (const std::exception& error) {
    return not_saved(std::string("the confirmation cannot be saved: ") + error.what());
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
  ChangeResult result = finish(std::move(*next), std::move(problems), Intent::of("dam"));
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
  if (!now || !now->unconfirmed) return;
  // It rang for another one, which has gone since.
  if (AlarmClock::Clock::now() < expires_) return alarm_.set(expires_);
  ChangeResult result;
  try {
    result = give_back(*now);
  } catch (const std::exception& error) {
    result = refusal_of(ChangeResult::Outcome::not_saved, error.what(), "");
  }
  if (current()->unconfirmed) alarm_.set(AlarmClock::Clock::now() + kAgain);
  if (report_) report_(result);
}

}  // namespace dam::control
