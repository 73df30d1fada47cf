// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

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

std::string contents_of(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// "0100007F:1F90": words of the host's byte order.
bool read_place(const std::string& text, Listening& place) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  uint32_t words[4] = {};
  for (size_t i = 0; i * 8 < colon; ++i) {
    words[i] = static_cast<uint32_t>(std::strtoul(text.substr(i * 8, 8).c_str(), nullptr, 16));
  }
  char address[INET6_ADDRSTRLEN] = "";
  inet_ntop(colon == 8 ? AF_INET : AF_INET6, words, address, sizeof address);
  place.address = address;
  place.port = static_cast<uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 16));
  return true;
}

}  // namespace

std::string Listening::text() const {
  return (process.empty() ? "something" : process) + " on port " + std::to_string(port);
}

std::vector<Listening> listening_in(const std::string& text,
                                    const std::map<uint64_t, std::string>& processes) {
  constexpr char kListen[] = "0A";  // TCP_LISTEN
  std::vector<Listening> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout;
    uint64_t inode = 0;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
        timeout >> inode;
    Listening one;
    if (state != kListen || !read_place(local, one)) continue;
    const auto process = processes.find(inode);
    if (process != processes.end()) one.process = process->second;
    found.push_back(std::move(one));
  }
  return found;
}

std::vector<Listening> look_who_listens() {
  const auto processes = sockets_of_processes();
  std::vector<Listening> all;
  for (const char* file : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    for (Listening& one : listening_in(contents_of(file), processes)) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace dam::ctl
