// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/ban_list.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/wire_address.h"

namespace dam {
namespace {

constexpr uint64_t kForEver = UINT64_MAX;
constexpr size_t kMostReports = 20;

}  // namespace

bool BanList::less(const Entry& a, const Entry& b) {
  const int order = std::memcmp(&a.source.address, &b.source.address, sizeof(dam_address));
  return order != 0 ? order < 0 : a.source.prefix_bits < b.source.prefix_bits;
}

std::vector<std::string> BanList::change(const v1::Bans& message) {
  std::vector<std::string> errors;
  if (message.version() == 0) errors.emplace_back("Bans of version 0, which stands for none.");
  if (message.base() != 0 && message.base() != version_) {
    errors.push_back("These bans change version " + std::to_string(message.base()) + "; version " +
                     std::to_string(version_) + " is here.");
  }
  const auto most = static_cast<int>(kMaxBans);
  if (message.add_size() > most || message.lift_size() > most) {
    errors.push_back("A message of more than " + std::to_string(kMaxBans) + " bans.");
    return errors;
  }
  std::vector<Entry> fresh, gone;
  const auto read = [&errors](const v1::Subnet& subnet, uint64_t until, std::vector<Entry>& to) {
    Entry entry{{}, until == 0 ? kForEver : until};
    const std::string wrong = read_prefix(subnet, entry.source);
    if (!wrong.empty() && errors.size() < kMostReports) errors.push_back("A ban: " + wrong + ".");
    to.push_back(entry);
  };
  fresh.reserve(static_cast<size_t>(message.add_size()));
  for (const v1::Ban& ban : message.add()) read(ban.source(), ban.until_unix_s(), fresh);
  for (const v1::Subnet& subnet : message.lift()) read(subnet, 0, gone);
  if (!errors.empty()) return errors;

  // Of one that is there twice the last one counts, and what is added is not lifted.
  std::stable_sort(fresh.begin(), fresh.end(), less);
  std::reverse(fresh.begin(), fresh.end());
  fresh.erase(std::unique(fresh.begin(), fresh.end(), same), fresh.end());
  std::reverse(fresh.begin(), fresh.end());
  std::sort(gone.begin(), gone.end(), less);
  std::vector<Entry> left, all;
  if (message.base() != 0) {
    std::set_difference(bans_.begin(), bans_.end(), gone.begin(), gone.end(),
                        std::back_inserter(left), less);
  }
  std::set_union(fresh.begin(), fresh.end(), left.begin(), left.end(), std::back_inserter(all),
                 less);  // of equal ones the fresh one
  if (all.size() > kMaxBans) {
    return {std::to_string(all.size()) + " bans are more than " + std::to_string(kMaxBans) + "."};
  }
  bans_ = std::move(all);
  version_ = message.version();
  next_end_unix_s_ = kForEver;
  for (const Entry& one : bans_) next_end_unix_s_ = std::min(next_end_unix_s_, one.until_unix_s);
  return {};
}

bool BanList::expire(uint64_t now_unix_s) {
  if (now_unix_s < next_end_unix_s_) return false;
  std::erase_if(bans_, [&](const Entry& one) { return one.until_unix_s <= now_unix_s; });
  next_end_unix_s_ = kForEver;
  for (const Entry& one : bans_) next_end_unix_s_ = std::min(next_end_unix_s_, one.until_unix_s);
  return true;
}

PrefixSet BanList::set() const {
  std::vector<SourcePrefix> prefixes;
  prefixes.reserve(bans_.size());
  for (const Entry& one : bans_) append_prefix(one.source, prefixes);
  return PrefixSet(prefixes);
}

v1::Bans BanList::whole() const {
  v1::Bans message;
  message.set_version(version_);
  message.mutable_add()->Reserve(static_cast<int>(bans_.size()));
  for (const Entry& one : bans_) {
    v1::Ban& ban = *message.add_add();
    write_prefix(one.source, *ban.mutable_source());
    ban.set_until_unix_s(one.until_unix_s == kForEver ? 0 : one.until_unix_s);
  }
  return message;
}

}  // namespace dam
