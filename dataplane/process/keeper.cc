// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/keeper.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "dataplane/process/privileges.h"

namespace dam {
namespace {

// One without a name is the last that counts.
struct Change {
  char name[IFNAMSIZ];
  InterfaceChange what;
};

void clear_promiscuous(const char* name) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::memcpy(request.ifr_name, name, sizeof request.ifr_name);
  if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_PROMISC);
    ioctl(fd, SIOCSIFFLAGS, &request);
  }
  close(fd);
}

void switch_gro_on(const char* name) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::memcpy(request.ifr_name, name, sizeof request.ifr_name);
  ethtool_value on{ETHTOOL_SGRO, 1};
  request.ifr_data = reinterpret_cast<char*>(&on);
  ioctl(fd, SIOCETHTOOL, &request);
  close(fd);
}

void undo(const Change& change) {
  const auto index = static_cast<int>(if_nametoindex(change.name));
  if (index == 0) return;  // gone, and all of it with it
  if (change.what.xdp_program) bpf_xdp_detach(index, 0, nullptr);
  if (change.what.promiscuous) clear_promiscuous(change.name);
  if (change.what.gro) switch_gro_on(change.name);
}

void undo_all(int pipe) {
  Change change;
  while (read(pipe, &change, sizeof change) == static_cast<ssize_t>(sizeof change)) {
    change.name[sizeof change.name - 1] = '\0';
    if (change.name[0] == '\0') return;
    undo(change);
  }
}

// Passes requests to stop on; returns the child's wait status.
int wait_for(pid_t child, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal > 0 && signal != SIGCHLD) kill(child, SIGTERM);
  }
}

[[noreturn]] void keep(pid_t child, int pipe, const std::string& socket_path,
                       const sigset_t& signals) {
  prctl(PR_SET_NAME, "dam-keeper", 0, 0, 0);
  keep_only({CAP_NET_ADMIN, CAP_KILL});
  const int status = wait_for(child, signals);
  undo_all(pipe);
  unlink(socket_path.c_str());
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

Keeper::Keeper(const std::string& socket_path) {
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
    keep(child, ends[0], socket_path, signals);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  close(ends[0]);
  pipe_ = ends[1];
  end_with_parent();
}

Keeper::~Keeper() { close(pipe_); }

void Keeper::changed_interface(const std::string& name, const InterfaceChange& what) {
  Change change{};
  std::strncpy(change.name, name.c_str(), sizeof change.name - 1);
  change.what = what;
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
