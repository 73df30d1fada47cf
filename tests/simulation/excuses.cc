// SPDX-License-Identifier: BSD-3-Clause
// What of a run's adversities may show: which connections may fail, and for which reasons the dam
// may refuse packets. All else is a finding.
#include <algorithm>
#include <initializer_list>

#include "tests/simulation/scenario.h"

namespace dam::simulation {

// Towards its server, where each port rests for a while when its connection is over, and each
// worker has its share of them, for each family: all may be one worker's, the one with the fewest.
bool Scenario::lacks_ports_for_management(uint8_t family) const {
  const auto& all = world_->book().all();
  const auto its = std::count_if(all.begin(), all.end(), [&](const Connection& c) {
    return c.kind == Kind::manage && c.family == family;
  });
  const uint32_t ports = site_.source_ports.last - site_.source_ports.first + 1u - kProbePorts;
  return static_cast<uint32_t>(its) > ports / site_.workers;
}

// Empty: the connection must succeed.
std::string Scenario::excuse(const Connection& connection) {
  const auto odd = [](const Behaviour& b) {
    return b.ending == Ending::abort || b.ending == Ending::vanish || b.ending == Ending::stay;
  };
  if (odd(connection.client_plan)) return "its client ends it";
  if (odd(connection.server_plan)) return "its server ends it";
  if (connection.client_end.stack_lost_octets || connection.server_end.stack_lost_octets) {
    return "lwIP has lost octets of its own";
  }
  const NicConnection* at_client = connection.at_client.get();
  const auto moves = [](const NicConnection* end) { return end != nullptr && end->fin_moved; };
  if (moves(at_client) || (at_client != nullptr && moves(at_client->other.get()))) {
    return "lwIP has set its FIN amid its octets";
  }
  if (connection.begun_again) return "it began anew with another server";
  if (is_cut_off(connection.client)) return "its client is banned";
  const bool management = connection.kind == Kind::manage;
  if (adversities_.few_ports && (!management || lacks_ports_for_management(connection.family))) {
    return "there are few ports";
  }
  if (management ? troubled_[kAdminServer] : troubled_[kWebServer] || troubled_[kSecondServer]) {
    return "its server is in trouble";
  }
  if (connection.interrupted) return "the dam began anew before it stood";
  if (connection.jumped) return "the clock jumped over it";
  if (!management && adversities_.limits) return "its zone has limits";
  if (adversities_.tables_fill && !management) return "tables are full";
  // Who has no route yet is nobody's management.
  const Dam& dam = world_->dam();
  if (dam.front_drops(DAM_DROP_half_open_limit) + dam.front_drops(DAM_DROP_hold_full) +
          dam.front_drops(DAM_DROP_source_table_full) + dam.front_drops(DAM_DROP_half_open_source) >
      0) {
    return "the table of those without a route is full";
  }
  // Segments that come before their connection's first one, twice, are taken for those of a
  // connection that was lost (dam_is_lost): behind two losses, on a path that takes no large
  // segment, or where somebody has sent the first in the client's name.
  const bool ahead = adversities_.links || adversities_.mtu_shrinks;
  if (ahead && connection.at_client != nullptr && connection.at_client->stray_reset) {
    return "its first octets were lost";
  }
  // What still comes of the connection before makes lwIP use up its SYNs; or it opens the old
  // connection at the dam once more, where this one's segments then fit nowhere.
  if (connection.follows != nullptr && !connection.reached) {
    return "its port was in use";
  }
  if (adversities_.heavy_loss && !connection.client_end.connected) return "its SYNs were lost";
  // Two or three losses in a row, and lwIP needs longer than the dam waits for a hello.
  const bool late = world_->dam().drops(DAM_DROP_hello_timeout) > 0;
  if (ahead && late && !connection.reached) return "its hello came too late";
  // Before the first probe has told, a server may have been promised to do what it cannot.
  const bool withdrew = world_->dam().drops(DAM_DROP_server_options) > 0;
  return withdrew && !connection.reached ? "its server withdrew an option" : "";
}

void Scenario::allow_reasons() {
  const auto allow = [&](bool where, std::initializer_list<dam_drop_reason> reasons) {
    for (const dam_drop_reason reason : reasons) {
      if (where) allowed_.set(reason);
    }
  };
  const Adversities& a = adversities_;
  const auto& all = world_->book().all();
  const bool quitters = std::any_of(all.begin(), all.end(), [](const Connection& connection) {
    return connection.client_plan.ending > Ending::after_peer;
  });
  allow(quitters, {DAM_DROP_hello_timeout, DAM_DROP_out_of_window, DAM_DROP_bad_cookie});
  const bool deserters = std::any_of(all.begin(), all.end(), [](const Connection& connection) {
    return connection.server_plan.ending > Ending::after_peer;
  });
  // What a server that is gone says of held octets names the number after its SYN, and that is
  // taken for no exact RST where its client has heard more.
  allow(deserters, {DAM_DROP_server_timeout});
  const bool damage = front_.corrupt > 0 || back_.corrupt > 0 || a.attacks;
  // The course of things: what the dam takes in itself, what comes late or twice.
  allow(true, {DAM_DROP_none, DAM_DROP_consumed, DAM_DROP_held_duplicate, DAM_DROP_closed,
               DAM_DROP_no_flow});
  allow(a.links || a.mtu_shrinks || a.attacks, {DAM_DROP_out_of_window, DAM_DROP_bad_cookie});
  allow(damage, {DAM_DROP_bad_checksum, DAM_DROP_malformed, DAM_DROP_fragment, DAM_DROP_not_ours,
                 DAM_DROP_bad_flags, DAM_DROP_icmp_unmatched, DAM_DROP_bad_source,
                 DAM_DROP_no_neighbour, DAM_DROP_ttl_expired, DAM_DROP_link_limited});
  allow(a.mtu_shrinks || a.attacks, {DAM_DROP_icmp_limited, DAM_DROP_icmp_unmatched});
  allow(a.links || a.mtu_shrinks, {DAM_DROP_hello_timeout});
  // Until a probe has told, which may be lost, clients are promised what a server may not hold.
  allow(site_.timeouts.probe_interval_ns != 0, {DAM_DROP_server_options});
  allow(a.servers_die || a.servers_refuse, {DAM_DROP_server_down, DAM_DROP_server_refused,
                                            DAM_DROP_server_timeout, DAM_DROP_bad_cookie});
  allow(a.bans, {DAM_DROP_banned, DAM_DROP_source_banned, DAM_DROP_denied, DAM_DROP_zone_banned});
  allow(a.clock_jumps, {DAM_DROP_bad_cookie, DAM_DROP_out_of_window});
  allow(a.tables_fill, {DAM_DROP_half_open_limit, DAM_DROP_half_open_source,
                        DAM_DROP_flow_table_full, DAM_DROP_source_table_full, DAM_DROP_hold_full,
                        DAM_DROP_bad_cookie, DAM_DROP_hello_timeout});
  allow(a.restarts, {DAM_DROP_bad_cookie, DAM_DROP_out_of_window, DAM_DROP_hello_timeout});
  allow(a.few_ports, {DAM_DROP_no_source_port, DAM_DROP_bad_cookie});
  allow(a.limits, {DAM_DROP_source_packets, DAM_DROP_source_bytes_up, DAM_DROP_source_bytes_down,
                   DAM_DROP_source_connections, DAM_DROP_source_concurrent, DAM_DROP_zone_packets,
                   DAM_DROP_zone_bytes_up, DAM_DROP_zone_bytes_down, DAM_DROP_zone_connections,
                   DAM_DROP_zone_concurrent, DAM_DROP_zone_banned, DAM_DROP_banned,
                   DAM_DROP_source_requests, DAM_DROP_zone_requests, DAM_DROP_overtaken,
                   DAM_DROP_bad_cookie, DAM_DROP_out_of_window, DAM_DROP_server_timeout});
}

}  // namespace dam::simulation
