// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup_apply.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <thread>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/outcome.h"
#include "tools/damctl/show_problems.h"

namespace dam::ctl {

namespace {

using namespace std::chrono_literals;

InForce ended(int code, const std::string& error) {
  InForce result;
  result.code = code;
  result.error = error;
  return result;
}

// What runs must be what dam.yaml says: the new policy begins from there.
std::optional<InForce> other_policy(const Json& running, const Putting& what) {
  if (!running.value("loaded", false)) return std::nullopt;
  const bool changed = !running.value("changes", Json::array()).empty();
  if (what.before && !changed && running.value("text", "") == *what.before) return std::nullopt;
  return ended(kRefused, "the policy that runs is not the one of " + what.file +
                             ", and what was changed since would be lost.\n  What runs: damctl "
                             "policy\n  " +
                             what.file + " as it is: damctl apply -f " + what.file +
                             "\n  Then again: damctl setup");
}

// Whatever is typed within half a second; nothing for nothing.
std::optional<std::string> typed() {
  pollfd entry{STDIN_FILENO, POLLIN, 0};
  if (poll(&entry, 1, 500) <= 0) return std::nullopt;
  std::string line;
  if (!std::getline(std::cin, line)) std::this_thread::sleep_for(500ms);  // the terminal is gone
  return line;
}

// Until it is confirmed, or is there no more.
InForce wait_for_word(const Settings& settings, const Putting& what, InForce result,
                      std::ostream& out) {
  const std::string number = std::to_string(result.version);
  if (what.asks) {
    out << "In force for " << what.confirm_within
        << ". Look whether everything still works; then type yes to keep it, no to go back: "
        << std::flush;
  } else {
    out << "In force for " << what.confirm_within << ". To keep it: damctl confirm " << number
        << std::endl;
  }
  while (true) {
    const auto answer = get(settings, "/v1/policy/versions?count=1");
    if (!answer) return ended(kUnreachable, "whether it stays is not known: damctl history");
    const Json now = answer->json();
    const bool runs = now.value("running", int64_t{0}) == result.version;
    if (runs && !now.contains("unconfirmed")) return result;
    if (!runs) {
      return ended(kRefused, "it was not confirmed: what ran before is in force again, and " +
                                 what.file + " is as it was");
    }
    if (!what.asks) {
      std::this_thread::sleep_for(500ms);
      continue;
    }
    const auto line = typed();
    const int64_t before = now["unconfirmed"].value("back_to", int64_t{0});
    if (line == "yes" || line == "y") {
      post(settings, "/v1/policy/confirm", "", result.version);
    } else if (line == "no" || line == "n") {
      post(settings, "/v1/policy/rollback?to=" + std::to_string(before), "", result.version);
    }
  }
}

}  // namespace

bool control_plane_answers(const Settings& settings) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (settings.socket.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, settings.socket.data(), settings.socket.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool there = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return there;
}

InForce put_in_force(const Settings& settings, const Putting& what, std::ostream& out) {
  const auto running = get(settings, "/v1/policy");
  if (!running) return ended(kUnreachable, "nothing has changed");
  const Json policy = running->json();
  if (const auto other = other_policy(policy, what)) return *other;
  const auto folder = std::filesystem::absolute(what.file).parent_path();
  std::string path = "/v1/policy?folder=" + query_text(folder.string());
  if (!what.confirm_within.empty()) path += "&confirm_within=" + query_text(what.confirm_within);
  const auto answer = post(settings, path, what.text, policy.value("version", int64_t{0}));
  if (!answer) return ended(kUnreachable, "whether it is in force is not known: damctl history");
  const Json body = answer->json();
  show_problems(std::cerr, control::problems_from_json(body), what.file, what.text,
                Style(wants_colour(STDERR_FILENO)));
  if (!answer->ok()) return ended(kRefused, "the dam refuses it: nothing has changed");
  InForce result;
  result.version = body.value("version", int64_t{0});
  result.restart_needed = body.value("restart_needed", false);
  if (body.value("waiting_for_dataplane", false)) {
    out << "The dataplane does not answer; it gets this as soon as it does: damctl status\n";
  }
  return what.confirm_within.empty() ? result : wait_for_word(settings, what, result, out);
}

}  // namespace dam::ctl
