// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/start_builder.h"
#include "dataplane/process/replies.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/steered_dam.h"

namespace dam::fuzz {
namespace {

void check_start(const StartConfig& config) {
  check(config.workers >= 1 && config.workers <= DAM_MAX_WORKERS, "workers are bounded");
  check(!config.interfaces.empty() && config.interfaces.size() <= 32, "so are interfaces");
  for (const Interface& interface : config.interfaces) {
    check(interface.port < config.devices.size(), "an interface is on a device");
    check(interface.mtu >= 1280 && interface.mtu <= 1500, "an MTU is one");
    check(!interface.subnets.empty() && interface.gateways.size() <= 2,
          "an interface has a subnet");
    for (const Subnet& subnet : interface.subnets) check(subnet.prefix_bits <= 128, "of some bits");
  }
  const Limits& limits = config.limits;
  check(limits.flows >= 64 && limits.flows <= 1u << 26, "flows are bounded");
  check(limits.half_open >= 16 && limits.half_open <= 1u << 22, "half-open ones are");
  check(limits.sources >= 64 && limits.sources <= 1u << 26, "sources are");
  check(limits.hello_bytes >= kLeastHelloBytes && limits.hello_bytes <= kMostHelloBytes, "hellos");
}

v1::Reply start(const v1::Start& request) {
  const StartResult result = read_start(request);
  check(result.config.has_value() == result.errors.empty(), "a start, or errors");
  if (result.config) check_start(*result.config);
  return result.config ? done() : refusal(result.errors);
}

v1::Reply look_at(const v1::Snapshot& snapshot) {
  const PolicyResult result = build_policy(snapshot, Limits{}, nullptr);
  check((result.policy != nullptr) == result.errors.empty(), "a policy, or errors");
  if (result.policy) check_policy(*result.policy);
  return result.policy ? done() : refusal(result.errors);
}

}  // namespace

std::optional<v1::Reply> answer_without_engine(const v1::Request& request) {
  switch (request.what_case()) {
    case v1::Request::kStart:
      return start(request.start());
    case v1::Request::kCheck:
      return look_at(request.check());
    case v1::Request::kApply: {
      v1::Reply reply = look_at(request.apply());
      return reply.ok() ? std::nullopt : std::optional(reply);
    }
    case v1::Request::kHello:
    case v1::Request::WHAT_NOT_SET:
      return refusal({"A request that asks for nothing known."});
    default:
      return std::nullopt;
  }
}

}  // namespace dam::fuzz
