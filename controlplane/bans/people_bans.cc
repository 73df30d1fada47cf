// SPDX-License-Identifier: BSD-3-Clause
// What people ban: a source, a kind of clients, or a list of both, whole or not at all.
#include "controlplane/bans/ban_book.h"
#include "controlplane/bans/fingerprint_book.h"
#include "controlplane/bans/protected_addresses.h"

namespace dam::control {

namespace {

Problem too_many_bans(size_t count, size_t most) {
  return {Severity::error,
          "",
          {},
          "that would be " + std::to_string(count) + " bans; at most " + std::to_string(most) +
              " may hold (bans.at_most)",
          "lift some (damctl unban), or raise bans.at_most in dam.yaml"};
}

BanResult not_banned(BanResult::Outcome outcome, std::vector<Problem> problems) {
  BanResult result;
  result.outcome = outcome;
  result.problems = std::move(problems);
  return result;
}

// How many are taken, and a word of those that are over already.
BanResult with_skipped(const std::vector<BanRequest>& requests, int64_t now_unix) {
  BanResult result;
  for (const BanRequest& one : requests) ++(one.is_over(now_unix) ? result.skipped : result.count);
  const size_t over = result.skipped;
  if (over == 0) return result;
  result.problems = {{Severity::warning,
                      "",
                      {},
                      std::to_string(over) + (over == 1 ? " ban is" : " bans are") +
                          " over already: skipped, which lets nobody in",
                      "to lift a ban: damctl unban"}};
  return result;
}

}  // namespace

// How many would hold; 0: it is not worth counting, since there cannot be too many.
size_t BanBook::holding_with(const std::vector<KeptBan>& put, size_t most, int64_t now_unix) const {
  if (all_.size() + put.size() <= most) return 0;
  std::set<Network, NetworkOrder> fresh;
  for (const KeptBan& ban : put) {
    const KeptBan* before = find(ban.source);
    if (before == nullptr || !before->everywhere() || !before->holds(now_unix)) {
      fresh.insert(ban.source);
    }
  }
  return holding(now_unix) + fresh.size();
}

std::vector<KeptBan> BanBook::of_sources(const std::vector<BanRequest>& requests,
                                         const Asker& asker, const Policy& policy, int64_t now_unix,
                                         Objections& wrong) const {
  const ProtectedAddresses people(&policy, asker.addresses);
  std::vector<KeptBan> put;
  put.reserve(requests.size());
  for (const BanRequest& request : requests) {
    if (request.is_of_kind() || request.is_over(now_unix)) continue;
    const auto objection = people.to(request.source, asker.force);
    if (objection.message.empty()) {
      put.push_back(made_of(request, asker, policy.bans, now_unix));
    } else {
      wrong.add(request.at, objection.message, objection.hint);
    }
  }
  return put;
}

BanResult BanBook::ban(const std::vector<BanRequest>& requests, const Asker& asker,
                       Objections wrong) {
  const auto policy = policy_now();
  const std::lock_guard lock(mutex_);
  const int64_t now_unix = clock_();
  note_ends(now_unix);
  std::vector<KeptBan> put = of_sources(requests, asker, *policy, now_unix, wrong);
  const FingerprintBook::Draft kinds = fingerprints_->draft(requests, asker, wrong);
  if (wrong.any()) return not_banned(BanResult::Outcome::refused, wrong.told());
  const size_t most = most_bans(policy->bans);
  const size_t count = holding_with(put, most, now_unix);
  std::vector<Problem> full = kinds.full;
  if (count > most) full.push_back(too_many_bans(count, most));
  if (!full.empty()) return not_banned(BanResult::Outcome::full, std::move(full));
  BanResult result = with_skipped(requests, now_unix);
  const auto gone =
      put.empty() ? std::vector<Network>() : forgettable(policy->bans, put.size(), now_unix);
  if (!save(put, gone, result, kinds.change)) return result;
  fingerprints_->commit(kinds);
  report(put, now_unix);
  if (requests.size() == 1) {
    result.bans = std::move(put);
    if (!kinds.change.put.empty()) result.fingerprint = kinds.change.put.front();
  }
  return result;
}

}  // namespace dam::control
