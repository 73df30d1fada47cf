// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/watch_fetch.h"

#include <iostream>
#include <sstream>
#include <thread>
#include <utility>

#include "controlplane/api/problem_json.h"
#include "controlplane/dataplane_link/counters_reader.h"

namespace dam::ctl {

namespace {

// What would be said on stderr, in the midst of the picture.
class Hushed {
 public:
  Hushed() : before_(std::cerr.rdbuf(said_.rdbuf())) {}
  ~Hushed() { std::cerr.rdbuf(before_); }
  Hushed(const Hushed&) = delete;
  Hushed& operator=(const Hushed&) = delete;

  // The first line of it.
  std::string words() const {
    std::string line;
    std::istringstream lines(said_.str());
    std::getline(lines, line);
    const std::string who = "damctl: ";
    return line.starts_with(who) ? line.substr(who.size()) : line;
  }

 private:
  std::ostringstream said_;
  std::streambuf* before_;
};

std::string refusal_in(const Answer& answer) {
  const auto problems = control::problems_from_json(answer.json());
  return problems.empty() ? "it answers " + std::to_string(answer.status)
                          : problems.front().message;
}

bool ask(const Settings& settings, const std::string& path, Json& into, std::string& trouble) {
  const Hushed hushed;
  const auto answer = get(settings, path);
  if (answer && answer->ok()) {
    into = answer->json();
    return true;
  }
  trouble = answer ? refusal_in(*answer) : hushed.words();
  return false;
}

}  // namespace

Json Sight::json() const {
  Json all = {{"status", status}, {"zones", zones}, {"servers", servers}, {"bans", bans}};
  if (!top.is_null()) all["top"] = top;
  return all;
}

bool look(const Settings& settings, const std::string& ranking, Sight& sight,
          std::string& trouble) {
  for (const auto& [path, into] :
       {std::pair("/v1/status", &sight.status), std::pair("/v1/zones", &sight.zones),
        std::pair("/v1/servers", &sight.servers), std::pair("/v1/bans?count=1", &sight.bans)}) {
    if (!ask(settings, path, *into, trouble)) return false;
  }
  std::string unanswered;  // a dataplane that is away has none
  ask(settings, "/v1/top?count=20&by=" + ranking, sight.top, unanswered);
  sight.at = Sight::Clock::now();
  return true;
}

struct Fetcher::Shared {
  Shared(Settings of, double every_s, std::function<void()> tell)
      : settings(std::move(of)), seconds(every_s), came(std::move(tell)) {}

  void run();
  void note(bool answered, Sight fresh, std::string words);

  const Settings settings;
  std::mutex mutex;
  std::condition_variable wake;
  double seconds;
  std::string ranking = control::top_measures().front();
  bool paused = false;
  bool now = false;
  bool over = false;
  State state;
  std::function<void()> came;
};

void Fetcher::Shared::note(bool answered, Sight fresh, std::string words) {
  if (answered) {
    state.before = std::exchange(state.now, std::move(fresh));
    state.trouble.clear();
  } else {
    state.trouble = words.empty() ? "no answer" : std::move(words);
  }
  came();
}

void Fetcher::Shared::run() {
  std::unique_lock lock(mutex);
  while (!over) {
    const std::string by = ranking;
    lock.unlock();
    Sight fresh;
    std::string words;
    const bool answered = look(settings, by, fresh, words);
    lock.lock();
    if (over) return;
    note(answered, std::move(fresh), std::move(words));
    const auto due = Sight::Clock::now();
    while (!over && !now) {
      const auto left = due + std::chrono::duration_cast<Sight::Clock::duration>(
                                  std::chrono::duration<double>(seconds));
      if (!paused && Sight::Clock::now() >= left) break;
      if (paused) {
        wake.wait(lock);
      } else {
        wake.wait_until(lock, left);
      }
    }
    now = false;
  }
}

Fetcher::Fetcher(const Settings& settings, double seconds, std::function<void()> came)
    : shared_(std::make_shared<Shared>(settings, seconds, std::move(came))) {
  std::thread([shared = shared_] { shared->run(); }).detach();
}

Fetcher::~Fetcher() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->wake.notify_all();
}

Fetcher::State Fetcher::state() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->state;
}

void Fetcher::look_now() {
  const std::lock_guard lock(shared_->mutex);
  shared_->now = true;
  shared_->wake.notify_all();
}

void Fetcher::every(double seconds) {
  const std::lock_guard lock(shared_->mutex);
  shared_->seconds = seconds;
  shared_->wake.notify_all();
}

void Fetcher::rank_by(const std::string& ranking) {
  const std::lock_guard lock(shared_->mutex);
  shared_->ranking = ranking;
  shared_->now = true;
  shared_->wake.notify_all();
}

void Fetcher::pause(bool paused) {
  const std::lock_guard lock(shared_->mutex);
  shared_->paused = paused;
  shared_->wake.notify_all();
}

}  // namespace dam::ctl
