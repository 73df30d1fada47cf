// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace dam {
namespace {

void check(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::strerror(errno) + ".");
}

// "CapEff:\t0000000000000000"
bool thread_has_rights(const std::filesystem::path& task) {
  std::ifstream status(task / "status");
  for (std::string line; std::getline(status, line);) {
    const bool capabilities = line.starts_with("CapEff:") || line.starts_with("CapPrm:") ||
                              line.starts_with("CapInh:") || line.starts_with("CapAmb:");
    if (capabilities && line.find_first_not_of('0', line.find('\t') + 1) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

Account find_account(const std::string& user) {
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) throw std::runtime_error("There is no user \"" + user + "\".");
  return {user, entry->pw_uid, entry->pw_gid};
}

gid_t find_group(const std::string& name) {
  const group* entry = getgrnam(name.c_str());
  if (entry == nullptr) throw std::runtime_error("There is no group \"" + name + "\".");
  return entry->gr_gid;
}

void forbid_new_privileges() {
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "New privileges cannot be forbidden");
  // EINVAL: past the last capability that this kernel knows. EPERM: not root, nothing to drop.
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;
  }
}

void keep_only(const std::vector<uint32_t>& capabilities) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (const uint32_t capability : capabilities) {
    data[capability / 32].effective |= 1u << (capability % 32);
    data[capability / 32].permitted |= 1u << (capability % 32);
  }
  check(syscall(SYS_capset, &header, data) == 0, "Capabilities cannot be dropped");
}

void become(const Account& account, const std::vector<uint32_t>& kept) {
  const std::string who = "user \"" + account.name + "\"";
  check(prctl(PR_SET_KEEPCAPS, kept.empty() ? 0 : 1, 0, 0, 0) == 0, "Capabilities for " + who);
  check(setgroups(0, nullptr) == 0, "Groups cannot be left for " + who);
  check(setresgid(account.gid, account.gid, account.gid) == 0, "The group of " + who);
  check(setresuid(account.uid, account.uid, account.uid) == 0, "The change to " + who);
  keep_only(kept);
  const std::string own = std::to_string(gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (!kept.empty() && task.path().filename() == own) continue;
    if (thread_has_rights(task.path())) {
      throw std::runtime_error("A thread kept capabilities as " + who + ".");
    }
  }
}

}  // namespace dam
