// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/damctl/doctor/network.h"

namespace dam::ctl {

namespace {

namespace fs = std::filesystem;

// What is in a folder now: of processes, it may go while one looks.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    entries.push_back(at->path());
  }
  return entries;
}

// A process calls itself what it likes; a terminal obeys control characters.
std::string name_of_process(const fs::path& process) {
  std::string name;
  std::ifstream in(process / "comm");
  std::getline(in, name);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return name + " (pid " + process.filename().string() + ")";
}

// The sockets of all processes that we may look at, by inode.
std::map<uint64_t, std::string> sockets_of_processes() {
  std::map<uint64_t, std::string> found;
  for (const fs::path& process : entries_of("/proc")) {
    const std::string pid = process.filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string name;
    for (const fs::path& file : entries_of(process / "fd")) {
      std::error_code ignored;
      const std::string target = fs::read_symlink(file, ignored);
      if (!target.starts_with("socket:[")) continue;
      if (name.empty()) name = name_of_process(process);
      found.emplace(std::strtoull(target.c_str() + 8, nullptr, 10), name);
    }
  }
  return found;
}

}  // namespace

std::string Listening::text() const {
  return (process.empty() ? "something" : process) + " on port " + std::to_string(port);
}

std::vector<Listening> listening_among(const std::vector<TcpSocket>& sockets,
                                       const std::map<uint64_t, std::string>& processes) {
  std::vector<Listening> found;
  for (const TcpSocket& socket : sockets) {
    if (!socket.listens) continue;
    const auto process = processes.find(socket.inode);
    found.push_back(
        {socket.address, socket.port, process == processes.end() ? "" : process->second});
  }
  return found;
}

std::vector<Listening> look_who_listens() {
  return listening_among(tcp_sockets(), sockets_of_processes());
}

}  // namespace dam::ctl
