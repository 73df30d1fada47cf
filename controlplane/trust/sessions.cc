// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trust/sessions.h"

#include <algorithm>

#include "controlplane/trust/secret.h"

namespace dam::control {

std::string Sessions::begin(const std::string& token_digest, int64_t now) {
  std::string id = random_hex();
  const std::lock_guard lock(mutex_);
  make_room(token_digest, now);
  sessions_.push_back({sha256_hex(id), token_digest, now + kLasts_s});
  return id;
}

std::string Sessions::token_digest(const std::string& id, int64_t now) {
  const std::lock_guard lock(mutex_);
  const auto found = find(id);
  return found == sessions_.end() || found->ends_at <= now ? "" : found->token_digest;
}

bool Sessions::end(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = find(id);
  if (found == sessions_.end()) return false;
  sessions_.erase(found);
  return true;
}

size_t Sessions::size() {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

// All of them are compared, so that the time taken tells nothing about any.
Sessions::List::iterator Sessions::find(const std::string& id) {
  const std::string digest = sha256_hex(id);
  auto found = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (same_digest(at->id_digest, digest)) found = at;
  }
  return found;
}

void Sessions::make_room(const std::string& token_digest, int64_t now) {
  std::erase_if(sessions_, [now](const Session& one) { return one.ends_at <= now; });
  const auto same = [&](const Session& one) { return one.token_digest == token_digest; };
  const auto own = std::count_if(sessions_.begin(), sessions_.end(), same);
  if (static_cast<size_t>(own) >= kMostOfOneToken) {
    sessions_.erase(std::find_if(sessions_.begin(), sessions_.end(), same));
  } else if (sessions_.size() >= kMost) {
    sessions_.erase(sessions_.begin());
  }
}

}  // namespace dam::control
