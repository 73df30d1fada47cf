// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/keeper.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "dataplane/drivers/netdev/ethtool.h"
#include "dataplane/drivers/netdev/nic_binding.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/netdev/reserved_ports.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

struct Change {
  enum : uint32_t { kLast, kInterface, kPorts } kind;
  char name[IFNAMSIZ];
  InterfaceChange what;
};

constexpr timespec kHeedsWithin = {20, 0};

void clear_promiscuous(const char* name) {
  ifreq request{};
  if (!ask_device(name, SIOCGIFFLAGS, request)) return;
  request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_PROMISC);
  ask_device(name, SIOCSIFFLAGS, request);
}

void undo(const Change& change) {
  const auto index = static_cast<int>(if_nametoindex(change.name));
  if (index == 0) return;  // gone, and all of it with it
  if (change.what.xdp_program) bpf_xdp_detach(index, 0, nullptr);
  if (change.what.promiscuous) clear_promiscuous(change.name);
  switch_offloads_on(change.name, change.what.offloads);
}

void undo_all(int pipe, const std::string& reserved_ports) {
  Change change;
  while (read(pipe, &change, sizeof change) == static_cast<ssize_t>(sizeof change)) {
    change.name[sizeof change.name - 1] = '\0';
    if (change.kind == Change::kLast) return;
    if (change.kind == Change::kPorts) set_reserved_ports(reserved_ports);
    if (change.kind == Change::kInterface) undo(change);
  }
}

// Passes requests to stop on, and ends a child that does not heed them; returns its wait status.
int wait_for(pid_t child, const sigset_t& signals) {
  bool asked = false;
  for (;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    const int signal =
        asked ? sigtimedwait(&signals, nullptr, &kHeedsWithin) : sigwaitinfo(&signals, nullptr);
    if (signal < 0 && errno == EAGAIN) kill(child, SIGKILL);
    if (signal < 0 || signal == SIGCHLD) continue;
    asked = true;
    kill(child, SIGTERM);
  }
}

// Root alone writes there, so that the dataplane, having become another user, can say nothing.
void give_back_nics(const std::string& folder) {
  if (!std::filesystem::exists(folder) || records_in(folder).empty()) return;
  try {
    for (const std::string& sentence : NicBinding({.records = folder}).give_back()) say(sentence);
  } catch (const std::exception& error) {
    say(error.what());
  }
}

[[noreturn]] void keep(pid_t child, int pipe, const std::string& socket_path,
                       const std::string& nics, const std::string& reserved_ports,
                       const sigset_t& signals) {
  prctl(PR_SET_NAME, "dam-keeper", 0, 0, 0);
  keep_only({CAP_NET_ADMIN, CAP_KILL});
  const int status = wait_for(child, signals);
  undo_all(pipe, reserved_ports);
  give_back_nics(nics);
  unlink(socket_path.c_str());
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

Keeper::Keeper(const std::string& socket_path, const std::string& nics)
    : reserved_ports_(dam::reserved_ports().value_or("")) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("No pipe to the keeper.");
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("No process for the keeper.");
  if (child > 0) {
    close(ends[1]);
    keep(child, ends[0], socket_path, nics, reserved_ports_, signals);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  close(ends[0]);
  pipe_ = ends[1];
  end_with_parent();
}

Keeper::~Keeper() { close(pipe_); }

void Keeper::changed_interface(const std::string& name, const InterfaceChange& what) {
  Change change{};
  change.kind = Change::kInterface;
  std::strncpy(change.name, name.c_str(), sizeof change.name - 1);
  change.what = what;
  tell(&change);
}

void Keeper::changed_ports() {
  Change change{};
  change.kind = Change::kPorts;
  tell(&change);
}

void Keeper::seal() {
  const Change last{};
  tell(&last);
}

void Keeper::tell(const void* change) {
  if (write(pipe_, change, sizeof(Change)) != static_cast<ssize_t>(sizeof(Change))) {
    throw std::runtime_error("The keeper is gone.");
  }
}

void Keeper::end_with_parent() { prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0); }

}  // namespace dam
