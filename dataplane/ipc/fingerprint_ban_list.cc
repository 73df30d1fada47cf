// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/fingerprint_ban_list.h"

#include <utility>

#include "dataplane/ipc/bounds.h"

namespace dam {

std::vector<std::string> FingerprintBanList::replace(const v1::FingerprintBans& message) {
  std::vector<std::string> errors;
  if (message.version() == 0) {
    errors.emplace_back("Bans of fingerprints of version 0, which stands for none.");
  }
  if (message.bans_size() > static_cast<int>(kMaxJa4Bans)) {
    errors.push_back(std::to_string(message.bans_size()) + " bans of fingerprints are more than " +
                     std::to_string(kMaxJa4Bans) + ".");
    return errors;
  }
  std::vector<Entry> all;
  for (const v1::FingerprintBan& ban : message.bans()) {
    const auto pattern = Ja4Pattern::parse(ban.ja4());
    if (!pattern) {
      errors.push_back("A ban: \"" + ban.ja4().substr(0, 60) + "\" is no JA4 fingerprint.");
    } else {
      all.push_back({ban.ja4(), *pattern, ban.until_unix_s()});
    }
  }
  if (!errors.empty()) return errors;
  bans_ = std::move(all);
  version_ = message.version();
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
