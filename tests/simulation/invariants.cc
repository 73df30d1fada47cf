// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/invariants.h"

#include <algorithm>

#include "dataplane/engine/source_table.h"

namespace dam::simulation {

namespace {

const char* outcome_name(Outcome outcome) {
  static constexpr const char* kNames[] = {"open",    "orderly", "reset",
                                           "gave up", "aborted", "vanished"};
  return kNames[static_cast<size_t>(outcome)];
}

std::string text_of_end(const char* side, const EndState& end, uint64_t to_receive) {
  return std::string(side) + " " + outcome_name(end.outcome) + ", sent " +
         std::to_string(end.sent) + ", received " + std::to_string(end.received) + " of " +
         std::to_string(to_receive);
}

// An RST may follow the end of both streams: what one end still says of its window finds the other
// gone (RFC 9293 3.10.7.1).
bool is_whole(const Connection& c) {
  return c.client_end.peer_fin && c.server_end.peer_fin && c.client_end.outcome != Outcome::open &&
         c.client_end.received == c.server_plan.bytes && c.server_end.received == c.up_bytes();
}

// Each stream is whole, or there is a reason why it is not. (That what came is right has been
// checked octet by octet as it came.)
void check_connection(Environment& environment, Scenario& scenario, const Connection& c) {
  const bool whole = is_whole(c);
  const std::string excuse = scenario.excuse(c);
  const std::string text = "connection " + std::to_string(c.id) + ": " +
                           text_of_end("client", c.client_end, c.server_plan.bytes) + "; " +
                           text_of_end("server", c.server_end, c.up_bytes());
  environment.trace.say(environment.now_ns(), text + (excuse.empty() ? "" : "; " + excuse));
  if (!whole && excuse.empty()) environment.broken("not whole, " + text);
}

void check_tables(Environment& environment, Dam& dam) {
  const auto empty = [&](const char* what, uint64_t used) {
    if (used != 0) environment.broken("left over: " + std::to_string(used) + " " + what);
  };
  for (uint32_t i = 0; i < dam.workers(); ++i) {
    const Worker& worker = dam.engine().worker(i);
    empty("flows", worker.flows_used());
    empty("handshakes", worker.half_open_used());
    empty("pieces of held octets", worker.hold().used());
  }
  empty("source ports", dam.counters().table_used[DAM_TABLE_source_ports]);
  if (!dam.has_all_frames()) environment.broken("frames are lost");
  for (const auto& open : dam.engine().zone_concurrent)
    empty("open connections of a zone", open.load());
  const SourceTable& sources = dam.engine().sources;
  for (uint32_t i = 0; i < sources.slots(); ++i) {
    empty("references to a source", SourceTable::references(sources[i]));
    empty("open connections of a source", SourceTable::concurrent(sources[i]));
  }
  for (uint32_t i = 0; i < dam.workers(); ++i) {
    const dam_worker_counters& counters = dam.counters().worker[i];
    for (const auto& zone : counters.zones) {
      empty("connections of a zone not closed", zone.connections_opened - zone.connections_closed);
    }
    for (const auto& server : counters.servers) {
      empty("connections of a server not closed",
            server.connections_opened - server.connections_closed);
    }
  }
}

void check_drops(Environment& environment, const Scenario& scenario, const Dam& dam) {
  for (int i = 0; i < DAM_DROP_COUNT; ++i) {
    const auto reason = static_cast<dam_drop_reason>(i);
    const uint64_t count = dam.drops(reason);
    if (count == 0) continue;
    environment.trace.say(environment.now_ns(), std::string("dropped ") + std::to_string(count) +
                                                    " " + reason_name(reason));
    if (!scenario.may_refuse(reason)) {
      environment.broken("refused " + std::to_string(count) +
                         " for no cause: " + reason_name(reason));
    }
  }
}

// What the log is told of a connection that was whole.
void check_record(Environment& environment, const Connection& c, const ConnectionRecord& record) {
  const bool ended = record.end == DAM_END_closed || record.end == DAM_END_client_reset ||
                     record.end == DAM_END_server_reset;
  const std::string text = ", connection " + std::to_string(c.id);
  if (!ended) {
    environment.broken("told of a connection that it ended as " + std::to_string(record.end) +
                       text);
  }
  if (record.bytes_up != c.up_bytes() || record.bytes_down != c.server_plan.bytes) {
    environment.broken("told of " + std::to_string(record.bytes_up) + " octets up and " +
                       std::to_string(record.bytes_down) + " down" + text);
  }
}

void check_records(Environment& environment, Scenario& scenario) {
  const auto& records = scenario.world().dam().records();
  const Adversities& a = scenario.adversities();
  for (const Connection& c : scenario.world().book().all()) {
    const bool alone =
        c.follows == nullptr && !c.followed && !c.begun_again && !c.jumped && !c.interrupted;
    if (!alone || !is_whole(c)) continue;
    const dam_address client = client_address(c.client, c.family);
    uint32_t found = 0;
    for (const ConnectionRecord& record : records) {
      if (dam_ntoh16(record.client_port) != c.client_port) continue;
      if (!dam_address_equal(&record.client, &client)) continue;
      // It may have been refused once, with the RST lost, and begun anew; and a limit or a ban ends
      // what is about to be forgotten, too.
      if (record.end == DAM_END_refused) continue;
      ++found;
      if (!a.damages && !a.clock_jumps) check_record(environment, c, record);
    }
    const bool ends_early = found == 0 && (a.bans || a.limits);
    if (found != 1 && !ends_early) {
      environment.broken("told " + std::to_string(found) + " times of connection " +
                         std::to_string(c.id));
    }
  }
}

// Of plain HTTP: how many of a zone's requests there were, and how many of these a server has got
// for certain.
struct PlannedCount {
  uint64_t all = 0;
  uint64_t served = 0;
};

PlannedCount planned_requests(const Scenario& scenario, uint8_t zone) {
  PlannedCount count;
  for (const Connection& c : scenario.world().book().all()) {
    for (const PlannedRequest& request : c.requests) {
      if (request.zone != zone) continue;
      ++count.all;
      count.served += is_whole(c) ? 1 : 0;
    }
  }
  return count;
}

// Exactly, where nothing makes the dam lose sight of a connection: each request once, in the zone
// of its own path and host.
void check_requests(Environment& environment, const Scenario& scenario) {
  const BucketAudit* audit = scenario.audit();
  const Adversities& a = scenario.adversities();
  const auto& all = scenario.world().book().all();
  const bool twice =
      std::any_of(all.begin(), all.end(), [](const Connection& c) { return c.begun_again; });
  if (audit == nullptr || a.restarts || a.attacks || a.damages || twice || !audit->routed_all())
    return;
  for (const uint8_t zone : {kLightZone, kHeavyZone}) {
    if (scenario.site().zones[zone].mode == Mode::shadow) return;
  }
  for (const uint8_t zone : {kLightZone, kHeavyZone}) {
    const ZonePlan& plan = scenario.site().zones[zone];
    if (plan.per_source[DAM_DIM_requests].per_second_milli == 0 &&
        plan.total[DAM_DIM_requests].per_second_milli == 0) {
      continue;
    }
    const PlannedCount count = planned_requests(scenario, zone);
    const uint64_t counted = audit->http_requests(zone);
    if (counted <= count.all && counted >= count.served) continue;
    environment.broken("counted " + std::to_string(counted) + " requests of zone " +
                       std::to_string(zone) + ": there were " + std::to_string(count.all) +
                       ", and servers have got " + std::to_string(count.served));
  }
}

}  // namespace

void check_invariants(Environment& environment, Scenario& scenario) {
  for (const Connection& connection : scenario.world().book().all()) {
    check_connection(environment, scenario, connection);
  }
  check_tables(environment, scenario.world().dam());
  check_records(environment, scenario);
  check_requests(environment, scenario);
  check_drops(environment, scenario, scenario.world().dam());
}

}  // namespace dam::simulation
