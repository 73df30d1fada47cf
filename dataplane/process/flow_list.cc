// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/flow_list.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/engine/worker.h"
#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/names.h"
#include "dataplane/process/rhythm.h"

namespace dam {
namespace {

constexpr const char* kFlowStates[] = {"free", "hello", "connect", "deliver", "established"};

struct FlowFilter {
  std::optional<PrefixSet> clients;
  std::string zone, server, listener, state;
  std::optional<Ja4Pattern> ja4;
};

std::string read_flow_filter(const v1::FlowQuery& query, FlowFilter& filter) {
  if (query.has_client()) {
    std::vector<SourcePrefix> prefixes;
    std::string wrong = append_prefix(query.client(), prefixes);
    if (!wrong.empty()) return wrong;
    filter.clients = PrefixSet(prefixes);
  }
  filter.zone = query.zone();
  filter.server = query.server();
  filter.listener = query.listener();
  filter.state = query.state();
  if (query.ja4().empty()) return {};
  filter.ja4 = Ja4Pattern::parse(query.ja4());
  return filter.ja4 ? "" : "\"" + query.ja4() + "\" is no JA4 fingerprint.";
}

const std::string& server_of(const Policy& policy, const FlowGlance& flow) {
  static const std::string kNone;
  return flow.state < DAM_FLOW_connect ? kNone : name_of(policy.servers, flow.server_slot);
}

bool matches_but_for_ja4(const FlowFilter& filter, const Policy& policy, const FlowGlance& flow) {
  const auto is = [](const std::string& wanted, const std::string& found) {
    return wanted.empty() || wanted == found;
  };
  return is(filter.zone, name_of(policy.zones, flow.zone_slot)) &&
         is(filter.server, server_of(policy, flow)) &&
         is(filter.listener, name_of(policy.listeners, flow.listener_slot)) &&
         is(filter.state, kFlowStates[flow.state]) &&
         (!filter.clients || filter.clients->contains(flow.client));
}

void write_flow(const FlowGlance& flow, const Policy& policy, uint64_t now_ns, v1::Flow& to) {
  to.set_id(flow.id.number());
  write_prefix({flow.client, 128}, *to.mutable_client());
  to.set_client_port(dam_ntoh16(flow.client_port));
  to.set_source_port(flow.source_port);
  to.set_listener(name_of(policy.listeners, flow.listener_slot));
  to.set_zone(name_of(policy.zones, flow.zone_slot));
  to.set_server(server_of(policy, flow));
  to.set_state(kFlowStates[flow.state]);
  to.set_closing((flow.flags & DAM_FLOW_SLOW & ~DAM_FLOW_SYN_SEEN) != 0);
  const uint64_t silent_ns = uint64_t{dam_coarse_since(flow.last_seen, coarse(now_ns))} * kCoarseNs;
  to.set_silent_ms(silent_ns / 1'000'000);
  to.set_ja4(flow.ja4.text());
  if (flow.requests.followed) write_rhythm(flow.requests, *to.mutable_requests());
}

// Where a scan stands: worker and entry in one number, + 1, so that 0 is its beginning and end.
struct ScanPlace {
  uint32_t worker = 0;
  uint32_t index = 0;
};

ScanPlace place_of(uint64_t number) {
  if (number == 0) return {};
  return {static_cast<uint32_t>((number - 1) >> 32), static_cast<uint32_t>(number - 1)};
}

uint64_t number_of(const ScanPlace& place) {
  return (uint64_t{place.worker} << 32 | place.index) + 1;
}

}  // namespace

std::string list_flows(Engine& engine, const v1::FlowQuery& query, uint64_t now_ns,
                       v1::FlowList& to) {
  FlowFilter filter;
  std::string wrong = read_flow_filter(query, filter);
  const Policy* policy = engine.policy();
  if (!wrong.empty() || policy == nullptr) return wrong;
  const uint32_t most = std::min(query.most(), kMostFlowsAnAnswer);
  ScanPlace at = place_of(query.from());
  for (uint32_t looks = kLooksAnAnswer; at.worker < engine.config().workers; --looks) {
    const bool full = most > 0 && static_cast<uint32_t>(to.flows_size()) == most;
    if (looks == 0 || full) {
      to.set_next(number_of(at));
      return {};
    }
    const Worker& worker = engine.worker(at.worker);
    if (at.index >= worker.flow_capacity()) {
      at = {at.worker + 1, 0};
      continue;
    }
    const auto flow = worker.glance(at.index++);
    if (!flow || !matches_but_for_ja4(filter, *policy, *flow)) continue;
    if (flow->ja4.known()) to.set_matched_but_for_ja4(to.matched_but_for_ja4() + 1);
    if (filter.ja4 && !filter.ja4->matches(flow->ja4)) continue;
    to.set_matched(to.matched() + 1);
    if (most > 0) write_flow(*flow, *policy, now_ns, *to.add_flows());
  }
  return {};
}

void end_flows(Engine& engine, const v1::EndFlows& request, v1::FlowList& to) {
  for (const uint64_t number : request.ids()) {
    const FlowId id = FlowId::of(number);
    if (id.worker >= engine.config().workers) continue;
    Worker& worker = engine.worker(id.worker);
    const auto flow = id.index < worker.flow_capacity() ? worker.glance(id.index) : std::nullopt;
    if (!flow || flow->id.number() != number) continue;
    if (!worker.end(id)) return;
    to.set_matched(to.matched() + 1);
  }
}

}  // namespace dam
