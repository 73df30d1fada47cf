// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace dam::ctl {

namespace {

// The other screen, no cursor, and lines that are cut off rather than wrapped.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view kLeave = "\033[0m\033[?7h\033[?25h\033[?1049l";

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT}) {
    sigaddset(&set, number);
  }
  return set;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace

Terminal::Terminal() {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  has_keys_ = tcgetattr(STDIN_FILENO, &before_) == 0;
  enter();
}

Terminal::~Terminal() {
  leave();
  close(signals_);
  close(wake_);
}

void Terminal::enter() {
  if (has_keys_) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays a signal
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write_all(kEnter);
  entered_ = true;
}

void Terminal::leave() {
  if (!entered_) return;
  entered_ = false;
  write_all(kLeave);
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

// Ctrl-Z: the shell gets its screen, until fg.
void Terminal::stop() {
  leave();
  kill(getpid(), SIGSTOP);
  enter();
}

ScreenSize Terminal::size() {
  winsize window{};
  ScreenSize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return size;
  if (window.ws_col > 0) size.columns = window.ws_col;
  if (window.ws_row > 0) size.rows = window.ws_row;
  return size;
}

void Terminal::draw(const std::vector<std::string>& lines) const {
  std::string text = "\033[H";
  for (size_t i = 0; i < lines.size(); ++i) {
    text += lines[i] + "\033[K" + (i + 1 < lines.size() ? "\n" : "");
  }
  write_all(text + "\033[J");
}

void Terminal::wake() const {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) return;  // full: it is awake
}

int Terminal::read_key() {
  char key = 0;
  const ssize_t count = read(STDIN_FILENO, &key, 1);
  if (count == 1) return static_cast<unsigned char>(key);
  return count < 0 && (errno == EINTR || errno == EAGAIN) ? kNothing : kEnd;
}

int Terminal::read_signal() {
  signalfd_siginfo info{};
  if (read(signals_, &info, sizeof info) != sizeof info) return kNothing;
  const int number = static_cast<int>(info.ssi_signo);
  if (number == SIGWINCH || number == SIGCONT) return kResized;
  if (number == SIGTSTP) {
    stop();
    return kResized;
  }
  ended_by_ = number;
  return kEnd;
}

int Terminal::wait(int milliseconds) {
  pollfd of[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  if (poll(of, has_keys_ ? 3 : 2, milliseconds) <= 0) return kNothing;
  if (of[0].revents != 0) return read_signal();
  if (of[1].revents != 0) {
    uint64_t count = 0;
    return read(wake_, &count, sizeof count) > 0 ? kWoken : kNothing;
  }
  return read_key();
}

}  // namespace dam::ctl
