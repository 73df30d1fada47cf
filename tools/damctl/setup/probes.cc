// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/probes.h"

#include <csignal>

#include <algorithm>

#include "controlplane/health/round.h"

namespace dam::ctl {

namespace {

constexpr uint64_t kPatience_ns = 1'000'000'000;

// A server that hangs up is no reason to end: OpenSSL writes without MSG_NOSIGNAL.
class NoSigpipe {
 public:
  NoSigpipe() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  ~NoSigpipe() { std::signal(SIGPIPE, before_); }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  void (*before_)(int);
};

}  // namespace

std::vector<ServerLook> look_at_servers(const control::Policy& policy) {
  const NoSigpipe quiet;
  control::Policy checked = policy;
  for (auto& server : checked.servers) {
    if (!server.value.check) server.value.check.emplace().ca.value = "none";
    server.value.check->timeout_ns = std::min(server.value.check->timeout_ns, kPatience_ns);
  }
  control::Authorities authorities;
  std::vector<ServerLook> looks;
  for (const control::CheckPlan& plan : control::plan_checks(checked)) {
    const control::Round round = control::look_at(
        plan, 0, [] { return false; }, authorities);
    ServerLook& look = looks.emplace_back();
    look.server = plan.server;
    look.well = round.outcome == control::Round::Outcome::well;
    if (plan.addresses.size() == 1) look.words = plan.addresses.front().text() + " ";
    look.words += "port " + std::to_string(plan.port) + ": " + round.words;
    for (const control::Finding& one : round.findings) {
      look.hints.push_back(one.message == round.words ? one.hint : one.message + ": " + one.hint);
    }
  }
  return looks;
}

std::string proxy_that_works(const std::string& address, uint16_t port) {
  const NoSigpipe quiet;
  const auto parsed = control::parse_address(address);
  if (!parsed) return "";
  control::Authorities authorities;
  std::string wrong;
  const auto context = authorities.of("none", wrong);
  if (context == nullptr) return "";
  using control::Proxy;
  for (const auto& [proxy, name] :
       {std::pair(Proxy::v2, "v2"), std::pair(Proxy::v1, "v1"), std::pair(Proxy::none, "none")}) {
    control::VisitRequest request;
    request.address = *parsed;
    request.port = port;
    request.proxy = proxy;
    request.kind = control::CheckKind::tls;
    request.context = context.get();
    request.until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(kPatience_ns);
    const control::Visit visit = control::visit(request);
    if (visit.outcome == control::Visit::Outcome::well) return name;
    if (visit.outcome != control::Visit::Outcome::failed) return "";  // no connection: nor later
  }
  return "";
}

}  // namespace dam::ctl
