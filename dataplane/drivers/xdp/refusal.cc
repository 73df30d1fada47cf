// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/refusal.h"

#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <vector>

namespace dam {
namespace {

std::vector<std::string> lines_of(const std::string& log) {
  std::vector<std::string> lines;
  std::istringstream text(log);
  for (std::string line; std::getline(text, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// "processed 12 insns (limit 1000000) …", and what follows it.
bool is_statistics(const std::string& line) {
  return line.starts_with("processed ") || line.starts_with("verification time") ||
         line.starts_with("stack depth") || line.starts_with("max_states");
}
bool is_instruction(const std::string& line) {
  return line.find_first_not_of("0123456789") == line.find(": ") && line.find(": ") > 0;
}

// What the verifier says last, and the line of our source that it had in hand: "; text @ file:1".
std::string essence_of(const std::string& log) {
  std::string said;
  std::string source;
  for (const std::string& line : lines_of(log)) {
    if (is_statistics(line)) continue;
    if (line.starts_with("; ")) {
      source = line.substr(2);
    } else if (!is_instruction(line)) {
      said = line;
    }
  }
  if (said.empty()) return {};
  return source.empty() ? said : said + ", at: " + source;
}

bool is_too_old(const std::string& release) {
  int major = 0;
  int minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return false;
  return major < 6 || (major == 6 && minor < 1);
}

std::string advice(int error, const std::string& log, const std::string& release) {
  if (is_too_old(release))
    return "Linux 6.1 or newer is needed (Debian 12 has it); this is " + release + ".";
  if (error == EPERM || error == EACCES) {
    if (log.empty()) {
      return "Loading it takes root, or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON, and a kernel "
             "that is not locked down (cat /sys/kernel/security/lockdown).";
    }
  }
  if (error == ENOMEM) {
    return "Its tables are as large as the policy's limits: flows and sources in dam.yaml.";
  }
  if (error == ENOSPC) return "Its log is longer than the dam keeps.";
  return "Linux 6.1 or newer is needed, and this is " + release +
         ": please report it with the lines below.";
}

}  // namespace

std::string explain_refusal(int error, const std::string& log, const std::string& release) {
  const std::string essence = essence_of(log);
  std::string text = "The kernel refuses the XDP program (" + std::string(std::strerror(error)) +
                     ")" + (essence.empty() ? ". " : ": " + essence + ". ") +
                     advice(error, log, release);
  const std::vector<std::string> lines = lines_of(log);
  constexpr size_t kLines = 6;
  for (size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i) {
    text += "\n  " + lines[i];
  }
  return text;
}

std::string explain_refusal(int error, const std::string& log) {
  utsname names{};
  uname(&names);
  return explain_refusal(error, log, names.release);
}

}  // namespace dam
