// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/bad_days.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>

namespace dam::control {

int64_t last_acknowledged(const std::function<void(const Say&)>& write_for_ever, int few,
                          useconds_t then_us, int64_t nothing) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    write_for_ever([&ends](int64_t number) {
      if (write(ends[1], &number, sizeof number) != sizeof number) _exit(1);
    });
    _exit(0);
  }
  close(ends[1]);
  int64_t last = nothing;
  for (int i = 0; i < few; ++i) {
    if (read(ends[0], &last, sizeof last) != sizeof last) break;
  }
  usleep(then_us);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (int64_t number = 0; read(ends[0], &number, sizeof number) == sizeof number;) last = number;
  close(ends[0]);
  return last;
}

int exit_code_with_full_disk(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    try {
      body();
      _exit(3);
    } catch (const std::exception& error) {
      _exit(std::string(error.what()).find("disk") != std::string::npos ? 0 : 4);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace dam::control
