// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/ssh_client.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dam::ctl {

namespace {

constexpr int kMostAbove = 16;
constexpr char kVariable[] = "SSH_CONNECTION=";

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// In the environment as /proc has it: NUL after each variable.
std::string connection_in(const std::string& environment) {
  std::istringstream in(environment);
  for (std::string variable; std::getline(in, variable, '\0');) {
    if (variable.starts_with(kVariable)) return variable.substr(sizeof kVariable - 1);
  }
  return {};
}

// "pid (name) state ppid …", and a name may hold anything.
int parent_of(int pid) {
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 > stat.size()) return 0;
  return std::atoi(stat.c_str() + name_end + 4);
}

// "CLIENT PORT SERVER PORT"
std::string connection() {
  if (const char* own = std::getenv("SSH_CONNECTION")) return own;
  int pid = getppid();
  for (int i = 0; i < kMostAbove && pid > 1; ++i, pid = parent_of(pid)) {
    std::string found = connection_in(contents("/proc/" + std::to_string(pid) + "/environ"));
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

std::string ssh_client() { return ssh_session().client; }

SshSession ssh_session() {
  std::istringstream words(connection());
  SshSession session;
  std::string port;
  words >> session.client >> port >> session.server;
  return session;
}

}  // namespace dam::ctl
