// SPDX-License-Identifier: BSD-3-Clause
// The dam, live: zones as water levels, servers, who sends most.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <thread>

#include "controlplane/dataplane_link/counters_reader.h"
#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/watch_frame.h"

namespace dam::ctl {

namespace {

constexpr double kFastest_s = 0.25, kSlowest_s = 60;

std::string clock_of_now() {
  const time_t now = std::time(nullptr);
  tm parts{};
  char text[16];
  localtime_r(&now, &parts);
  strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

// One line of JSON a round.
int print_rounds(const Settings& settings, double every_s) {
  for (int round = 1;; ++round) {
    Sight sight;
    std::string trouble;
    if (!look(settings, control::top_measures().front(), sight, trouble)) {
      std::cerr << "damctl: " << trouble << "\n";
      return kUnreachable;
    }
    std::cout << sight.json().dump() << std::endl;
    if (round == settings.rounds) return kOk;
    std::this_thread::sleep_for(std::chrono::duration<double>(every_s));
  }
}

class Live {
 public:
  Live(const Settings& settings, double every_s)
      : every_s_(every_s),
        fetcher_(settings, every_s, [this] { terminal_.wake(); }),
        style_(wants_colour(STDOUT_FILENO)) {}

  // Which signal ended it; 0: a key.
  int run() {
    while (!over_) {
      terminal_.draw(draw(picture(), Terminal::size(), style_));
      take(terminal_.wait(1000));
    }
    return terminal_.ended_by();
  }

 private:
  Picture picture() const {
    Picture picture{fetcher_.state(), 0, every_s_, paused_, clock_of_now()};
    if (picture.state.now.status.is_null()) return picture;
    picture.age_s =
        std::chrono::duration<double>(Sight::Clock::now() - picture.state.now.at).count();
    return picture;
  }

  void pace(double every_s) {
    every_s_ = std::clamp(every_s, kFastest_s, kSlowest_s);
    fetcher_.every(every_s_);
  }

  void take(int event) {
    if (event == 'q' || event == 'Q' || event == Terminal::kEnd) over_ = true;
    if (event == ' ') fetcher_.look_now();
    if (event == 'p') {
      paused_ = !paused_;
      fetcher_.pause(paused_);
    }
    const auto& rankings = control::top_measures();
    if (event == 'b') fetcher_.rank_by(rankings[++ranking_ % rankings.size()]);
    if (event == '+') pace(every_s_ / 2);
    if (event == '-') pace(every_s_ * 2);
  }

  Terminal terminal_;  // first: signals are blocked before there is another thread
  double every_s_;
  size_t ranking_ = 0;
  bool paused_ = false;
  bool over_ = false;
  Fetcher fetcher_;
  const Style style_;
};

// As whoever waits for this program expects it: it was ended by that signal.
void end_by(int number) {
  signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  raise(number);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

int watch(const Settings& settings) {
  const double every_s = settings.watch_seconds > 0 ? settings.watch_seconds : 1;
  if (settings.json) return print_rounds(settings, every_s);
  const char* kind = std::getenv("TERM");
  if (isatty(STDOUT_FILENO) != 1 || (kind != nullptr && std::string(kind) == "dumb")) {
    std::cerr << "damctl: watch draws on a terminal, and this is none.\n"
              << "  For scripts: damctl watch --json, damctl zones --watch\n";
    return kUsage;
  }
  const int number = Live(settings, every_s).run();
  if (number != 0) end_by(number);
  // The fetcher's thread may be waiting for an answer still: nothing of the program is taken from
  // under it.
  std::cout << std::flush;
  std::_Exit(kOk);
}

}  // namespace dam::ctl
