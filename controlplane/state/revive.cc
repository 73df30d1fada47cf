// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/state/revive.h"

#include <openssl/evp.h>

#include <fstream>
#include <sstream>

#include "controlplane/policy/check.h"

namespace dam::control {

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

}  // namespace dam::control
