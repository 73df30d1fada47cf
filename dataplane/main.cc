// SPDX-License-Identifier: BSD-3-Clause
// dam-dataplane: the parts list.
#include <bpf/libbpf.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>

#include "dataplane/ipc/control_socket.h"
#include "dataplane/ipc/only_one.h"
#include "dataplane/process/controller.h"
#include "dataplane/process/keeper.h"
#include "dataplane/process/options.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/say.h"
#include "dataplane/process/service_manager.h"

namespace {

constexpr std::chrono::milliseconds kTick(100);

// Blocked in every thread, asked for once a round: no handlers.
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

dam::ControlAccess control_access(const dam::Options& options) {
  dam::ControlAccess access;
  if (!options.control_group.empty()) access.group = dam::find_group(options.control_group);
  access.log = dam::say;
  return access;
}

void tell_how_far(dam::ServiceManager& service, const dam::Controller& controller) {
  if (controller.is_open()) return service.ready("The ports are open.");
  const std::string& why = controller.last_refusal();
  service.waits(why.empty() ? "No port is open yet: nobody has said which." : why);
}

int run(const dam::Options& options) {
  const sigset_t signals = stop_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  dam::ServiceManager service;
  dam::forbid_new_privileges();
  const dam::OnlyOne only_one(options.socket);
  dam::Keeper keeper(options.socket, options.nics);
  dam::Controller controller(options, keeper);
  dam::ControlSocket socket(options.socket, control_access(options));
  dam::say("Listening for the control plane on " + options.socket + ".");

  const timespec at_once = {0, 0};
  auto next_tick = std::chrono::steady_clock::now();
  while (sigtimedwait(&signals, nullptr, &at_once) < 0) {
    const auto now = std::chrono::steady_clock::now();
    if (!service.is_ready()) tell_how_far(service, controller);
    if (now >= next_tick) {
      controller.tick();
      next_tick = now + kTick;
      if (service.wants_to_hear(now) && controller.workers_move()) service.alive(now);
    }
    controller.listen();
    socket.serve(std::min(std::chrono::ceil<std::chrono::milliseconds>(next_tick - now),
                          controller.listen_within()),
                 [&](const dam::v1::Request& request) { return controller.handle(request); });
    if (controller.failed()) return 1;
  }
  dam::ServiceManager::stopping();
  dam::say("Stopped.");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const dam::ParsedOptions parsed = dam::parse_options(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  libbpf_set_print(nullptr);  // it warns of sections of libxdp's own program
  try {
    return run(*parsed.options);
  } catch (const std::exception& error) {
    dam::say(error.what());
    return 1;
  }
}
