// SPDX-License-Identifier: BSD-3-Clause
// The terminal as one picture that is drawn over and over: another screen than the shell's, no
// echo, keys one by one. Everything is as it was once it is gone, whatever ends the program but
// SIGKILL.
//
// Plain ECMA-48 sequences that every terminal of the last decades knows: no library's database, and
// nothing to install on a phone's SSH.
#pragma once

#include <termios.h>

#include <string>
#include <vector>

namespace dam::ctl {

struct ScreenSize {
  size_t columns = 80;
  size_t rows = 24;
};

class Terminal {
 public:
  // Before the first thread is started: signals are blocked in all of them.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  static ScreenSize size();
  // Lines that fit the size; nothing of an older picture stays.
  void draw(const std::vector<std::string>& lines) const;

  // What has happened within so many milliseconds: a key ('q'), or one of these.
  enum Event { kNothing = 0, kResized = -1, kWoken = -2, kEnd = -3 };
  int wait(int milliseconds);
  void wake() const;  // from another thread
  // After kEnd: which signal ends the program; 0: the terminal is gone.
  int ended_by() const { return ended_by_; }

 private:
  void enter();
  void leave();
  void stop();
  int read_key();
  int read_signal();

  termios before_{};
  bool has_keys_ = false;
  bool entered_ = false;
  int signals_ = -1;
  int wake_ = -1;
  int ended_by_ = 0;
};

}  // namespace dam::ctl
