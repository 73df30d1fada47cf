// SPDX-License-Identifier: BSD-3-Clause
// A capture into a file, or into a pipe to Wireshark. Ctrl-C ends it whole; a second one at once.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <thread>

#include "tools/damctl/block_writer.h"
#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"

namespace dam::ctl {

namespace {

constexpr std::chrono::seconds kLate(30);  // a capture's end, after its time

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// Asks for the capture's end at the first signal; a second one ends this program.
class Stopper {
 public:
  Stopper(const Settings& settings, std::string path)
      : thread_([this, settings, path = std::move(path)] { wait(settings, path); }) {}
  ~Stopper() {
    over_ = true;
    thread_.join();
  }
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

 private:
  void wait(const Settings& settings, const std::string& path) const {
    const sigset_t set = ending_signals();
    const timespec moment = {0, 50'000'000};
    while (!over_ && sigtimedwait(&set, nullptr, &moment) < 0) continue;
    if (over_) return;
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    remove(settings, path);
  }

  std::atomic<bool> over_{false};
  std::thread thread_;
};

// Payloads are nobody else's. Emptied only once the capture has begun.
int open_output(const std::string& file) {
  if (file == "-") {
    if (isatty(STDOUT_FILENO) == 0) return STDOUT_FILENO;
    std::cerr << "damctl: a capture is not for the eye.\n"
              << "  damctl capture -w FILE; damctl capture | wireshark -k -i -\n";
    return -1;
  }
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct stat info {};
  const bool known = fd >= 0 && fstat(fd, &info) == 0;
  if (known && (!S_ISREG(info.st_mode) || fchmod(fd, 0600) == 0)) return fd;
  std::cerr << "damctl: " << file << ": " << std::strerror(errno) << "\n";
  if (fd >= 0) close(fd);
  return -1;
}

Json request_of(const Capturing& what) {
  Json body = {
      {"packets", what.packets}, {"seconds", what.seconds}, {"snap_bytes", what.snap_bytes}};
  if (what.dropped || what.passed) body["which"] = what.dropped ? "dropped" : "passed";
  if (!what.client.empty()) body["client"] = what.client;
  if (!what.zone.empty()) body["zone"] = what.zone;
  if (!what.reason.empty()) body["reason"] = what.reason;
  return body;
}

int stop_capture(const Settings& settings) {
  const auto answer = remove(settings, "/v1/captures/current");
  if (!answer) return kUnreachable;
  if (!answer->ok()) return show_refusal(*answer);
  const Json body = answer->json();
  if (settings.json) {
    std::cout << body.dump(2) << "\n";
  } else {
    std::cout << "The capture of " << body.value("by", "") << " has ended.\n";
  }
  return kOk;
}

// On stderr: stdout may be the capture itself.
void say_how_it_went(const Settings& settings, const Json& state, uint64_t packets) {
  if (settings.json) {
    std::cerr << state.dump(2) << "\n";
    return;
  }
  std::cerr << "damctl: " << packets << (packets == 1 ? " packet" : " packets");
  const auto not_kept = state.value("not_kept", uint64_t{0});
  if (not_kept > 0) std::cerr << ", " << not_kept << " more that found no room";
  std::cerr << "; " << state.value("ended", "it goes on") << ".\n";
}

int fetch(const Settings& settings, const Capturing& what, const std::string& id, int fd) {
  BlockWriter writer(fd, !what.file.empty() && what.file != "-");
  const int code = download(settings, "/v1/captures/current/file" + id,
                            std::chrono::seconds(what.seconds) + kLate,
                            [&writer](std::string_view piece) { return writer.take(piece); });
  if (!writer.trouble().empty()) {
    std::cerr << "damctl: " << what.file << ": " << writer.trouble() << "; it has "
              << writer.packets() << " packets.\n";
    return kRefused;
  }
  if (code != kOk) return code;
  const auto state = get(settings, "/v1/captures/current" + id);
  if (!state) return kUnreachable;
  if (!state->ok()) return show_refusal(*state);
  const Json how = state->json();
  say_how_it_went(settings, how, writer.packets());
  return how.contains("ended") && writer.packets() < how.value("kept", uint64_t{0}) ? kRefused
                                                                                    : kOk;
}

}  // namespace

int capture(const Settings& settings, const Capturing& what) {
  if (what.stop) return stop_capture(settings);
  const int fd = open_output(what.file);
  if (fd < 0) return kUsage;
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const auto begun = post_json(settings, "/v1/captures", request_of(what));
  if (!begun) return kUnreachable;
  if (!begun->ok()) return show_refusal(*begun);
  if (what.file != "-" && ftruncate(fd, 0) != 0) errno = 0;  // a device or a pipe
  const std::string id = "?id=" + std::to_string(begun->json().value("id", 0));
  const Stopper stopper(settings, "/v1/captures/current" + id);
  return fetch(settings, what, id, fd);
}

}  // namespace dam::ctl
