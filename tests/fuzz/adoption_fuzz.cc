// SPDX-License-Identifier: BSD-3-Clause
// Tables that a dataplane before this one has left, with anything written into them: an engine
// adopts them, goes on with what it took, and gives everything back. The input is a list of
// changes to the tables and to the view that names their slots (adoption_changes.h), then frames.
#include <algorithm>
#include <memory>
#include <vector>

#include "dataplane/engine/standing_slots.h"
#include "tests/fuzz/adoption_changes.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/prototype.h"

namespace dam::fuzz {
namespace {

constexpr uint8_t kFill = 8;  // in the first octet's upper half: the table is filled at the end
constexpr uint64_t kStepNs = 50 * kMillisecond;  // as a worker sleeps: longer is a standstill

// What the first policy after the restart is, beside the one before.
Policy next_policy(const SmallSite& site, uint8_t choice) {
  Policy policy = policy_of(site);
  switch (choice % 5) {
    case 1:
      policy.source_ports = {31000, 31000 + kProbePorts + 99};
      break;
    case 2:
      policy.servers[0].address[0] = v4(198, 18, 10, 78);
      break;
    case 3:
      std::swap(policy.zones[kServiceZone].management, policy.zones[kManagementZone].management);
      break;
    case 4:
      policy.zones[kServiceZone].name = "another";
      break;
    default:
      break;
  }
  return policy;
}

// What holds of the tables while nobody writes into them.
void check_counts(SmallSite& site) {
  const SourceTable& sources = site.engine().sources;
  std::vector<uint32_t> references(sources.slots()), open(sources.slots());
  std::array<uint32_t, DAM_MAX_ZONES> in_zone{};
  uint32_t flows = 0;
  for (const dam_flow& flow : site.tables().flows) {
    if (flow.state == DAM_FLOW_free) continue;
    const Policy& policy = *site.engine().policy();
    ++flows;
    check(flow.state <= DAM_FLOW_established, "a state is one");
    check(flow.zone_slot < policy.zones.size() && flow.server_slot < policy.servers.size() &&
              flow.listener_slot < policy.listeners.size() &&
              flow.local < site.engine().local_addresses.size(),
          "slots are of the policy");
    const bool counted = (flow.flags & DAM_FLOW_COUNTED) != 0;
    if (flow.source != kNone) ++references.at(flow.source);
    if (flow.source != kNone && counted) ++open[flow.source];
    if (counted) ++in_zone[flow.zone_slot];
  }
  check(flows == site.flows(), "flows are counted");
  for (uint32_t i = 0; i < sources.slots(); ++i) {
    check(SourceTable::references(sources[i]) == references[i], "references are counted");
    check(SourceTable::concurrent(sources[i]) == open[i], "open connections of a source are");
  }
  for (size_t zone = 0; zone < in_zone.size(); ++zone) {
    check(site.engine().zone_concurrent[zone].load() == in_zone[zone], "those of a zone are");
  }
}

uint32_t ports_in_use(SmallSite& site) {
  uint32_t used = 0;
  for (uint16_t slot = 0; slot < 2; ++slot) {
    for (uint8_t local = 0; local < site.engine().local_addresses.size(); ++local) {
      const PortPool* pool = site.engine().ports(0, slot, local);
      if (pool != nullptr) used += pool->in_use();
    }
  }
  return used;
}

// A segment that the flow's own ends might send, or nearly.
void send_frame(SmallSite& site, Input& input) {
  const auto flows = site.tables().flows;
  const dam_flow& flow = flows[input.byte() % flows.size()];
  const uint8_t kind = input.byte(), flags = input.byte(), shift = input.byte();
  if (flow.state == DAM_FLOW_free) return;
  const Policy& policy = *site.engine().policy();
  const auto direction = static_cast<dam_direction>(kind & 1);
  const Server& server = policy.servers[flow.server_slot];
  const Listener& listener = policy.listeners[flow.listener_slot];
  Segment segment;
  segment.src = direction == DAM_C2S ? flow.client : server.address[flow.family == 6];
  segment.src_port = direction == DAM_C2S ? flow.client_port : server.port;
  segment.dst =
      direction == DAM_C2S ? listener.address : site.engine().local_addresses[flow.local].address;
  segment.dst_port = direction == DAM_C2S ? listener.port : dam_hton16(flow.source_port);
  if (dam_address_is_v4(&segment.src) != dam_address_is_v4(&segment.dst)) return;
  segment.seq = dam_seq_add(flow.track.next[direction], static_cast<uint32_t>(shift >> 4) - 8);
  segment.ack = dam_seq_add(
      dam_seq_untranslate(flow.track.next[1 - direction], flow.splice.seq_delta[direction]), 0);
  segment.flags = flags;
  segment.window = shift;
  segment.timestamps = (kind & 2) != 0;
  const std::string payload(shift & 15, 'p');
  segment.payload = {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
  const uint8_t from = flow.out_interface[1 - direction];
  site.send(site.engine().config().interfaces[from].port, segment);
}

void end_all(SmallSite& site) {
  Worker& worker = site.engine().worker(0);
  for (uint32_t i = 0; i < worker.flow_capacity(); ++i) {
    if (const auto flow = worker.glance(i)) worker.end(flow->id);
  }
  site.advance(kSecond, kStepNs);
}

void check_closed(const SmallSite& site) {
  for (const dam_zone_counters& zone : site.worker().zones) {
    check(zone.connections_opened == zone.connections_closed, "what was opened was closed");
  }
  for (const dam_server_counters& server : site.worker().servers) {
    check(server.connections_opened == server.connections_closed, "towards servers, too");
  }
}

// As tests/simulation/invariants.cc has it.
void check_nothing_left(SmallSite& site) {
  check(site.flows() == 0, "no flow is left");
  check(site.engine().worker(0).half_open_used() == 0, "no handshake");
  check(site.engine().worker(0).hold().used() == 0, "no held octets");
  check(ports_in_use(site) == 0, "no source port");
  check_counts(site);
  check_closed(site);
}

// As many connections as there are places: each place is in the list of free ones once.
void fill_table(SmallSite& site) {
  const uint32_t capacity = site.engine().worker(0).flow_capacity();
  uint32_t stood = 0;
  for (uint16_t i = 0; i < capacity; ++i) {
    ClientSide client;
    client.address = v4(198, 51, 100, static_cast<uint8_t>(10 + i % 100));
    client.port = static_cast<uint16_t>(20000 + i);
    stood += stand(site, client, "manage.example.org") ? 1 : 0;
  }
  check(stood >= 50 && stood <= capacity, "the table takes as many as it has places for");
  check_counts(site);
}

void run(Input input) {
  static Prototype prototype;
  SmallSite& site = prototype.put_back();
  const uint8_t choice = input.byte();
  const auto view = std::make_unique<dam_view>(prototype.view());
  change_tables(input, site.tables(), *view);
  site.restart(slots_of(*view));
  site.apply(next_policy(site, choice));
  site.advance(10 * kMillisecond);
  check_counts(site);
  while (!input.empty()) send_frame(site, input);
  check_counts(site);
  site.advance(12 * kSecond, kStepNs);
  end_all(site);
  check_nothing_left(site);
  if (choice >> 4 != kFill) return;
  site.advance(5 * kSecond, kStepNs);
  fill_table(site);
}

}  // namespace
}  // namespace dam::fuzz

// Each run makes an engine: its memory is used again soon, not kept back to catch late uses.
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=1"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dam::fuzz::run(dam::fuzz::Input(data, size));
  return 0;
}
