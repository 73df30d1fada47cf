// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/fingerprint_ban_list.h"

#include <utility>

#include "dataplane/ipc/bounds.h"

namespace dam {

namespace {

std::string too_many(int count) {
  return std::to_string(count) + " bans of fingerprints are more than " +
         std::to_string(kMaxJa4Bans) + ".";
}

}  // namespace

std::vector<FingerprintBanList::Entry> FingerprintBanList::read(const v1::FingerprintBans& message,
                                                                std::vector<std::string>& errors) {
  std::vector<Entry> all;
  for (const v1::FingerprintBan& ban : message.bans()) {
    const auto pattern = Ja4Pattern::parse(ban.ja4());
    if (!pattern) {
      errors.push_back("A ban: \"" + ban.ja4().substr(0, 60) + "\" is no JA4 fingerprint.");
    } else {
      all.push_back({ban.ja4(), *pattern, ban.until_unix_s()});
    }
  }
  return all;
}

void FingerprintBanList::drop(const std::string& text) {
  std::erase_if(bans_, [&](const Entry& one) { return one.text == text; });
}

std::vector<std::string> FingerprintBanList::change(const v1::FingerprintBans& message) {
  std::vector<std::string> errors;
  if (message.version() == 0) {
    errors.emplace_back("Bans of fingerprints of version 0, which stands for none.");
  }
  if (message.base() != 0 && message.base() != version_) {
    errors.push_back("These bans of fingerprints change version " + std::to_string(message.base()) +
                     "; version " + std::to_string(version_) + " is here.");
  }
  if (message.bans_size() > static_cast<int>(kMaxJa4Bans)) return {too_many(message.bans_size())};
  const std::vector<Entry> added = read(message, errors);
  if (!errors.empty()) return errors;
  FingerprintBanList next;
  if (message.base() != 0) next.bans_ = bans_;
  for (const std::string& ja4 : message.lift()) next.drop(ja4);
  for (const Entry& one : added) {
    next.drop(one.text);
    next.bans_.push_back(one);
  }
  if (next.size() > kMaxJa4Bans) return {too_many(static_cast<int>(next.size()))};
  next.version_ = message.version();
  *this = std::move(next);
  return {};
}

bool FingerprintBanList::expire(uint64_t now_unix_s) {
  return std::erase_if(bans_, [&](const Entry& one) {
           return one.until_unix_s != 0 && one.until_unix_s <= now_unix_s;
         }) > 0;
}

std::vector<Ja4Pattern> FingerprintBanList::patterns() const {
  std::vector<Ja4Pattern> patterns;
  patterns.reserve(bans_.size());
  for (const Entry& one : bans_) patterns.push_back(one.pattern);
  return patterns;
}

v1::FingerprintBans FingerprintBanList::whole() const {
  v1::FingerprintBans message;
  message.set_version(version_);
  for (const Entry& one : bans_) {
    v1::FingerprintBan& ban = *message.add_bans();
    ban.set_ja4(one.text);
    ban.set_until_unix_s(one.until_unix_s);
  }
  return message;
}

}  // namespace dam
