// SPDX-License-Identifier: BSD-3-Clause
// What goes wrong in a run, and when; and what of it may show: which connections may fail, and for
// which reasons the dam may refuse packets.
#include <algorithm>
#include <initializer_list>

#include "tests/simulation/scenario.h"

namespace dam::simulation {

void Scenario::schedule() {
  schedule_links();
  if (adversities_.attacks) schedule_attacks();
  schedule_servers();
  schedule_policies();
  if (adversities_.bans) schedule_bans();
  if (adversities_.restarts) schedule_restarts();
}

void Scenario::schedule_links() {
  if (!adversities_.mtu_shrinks) return;
  environment_.queue.after(some_time(), [this] {
    for (uint16_t i = 0; i < world_->clients(); ++i) {
      Host& host = world_->client(i);
      host.down->faults.mtu = static_cast<uint16_t>(random_.between(1280, 1500));
      host.up->faults.mtu = static_cast<uint16_t>(random_.between(1280, 1500));
    }
    if (random_.chance(0.5)) return;
    for (uint16_t slot = 0; slot < kServers; ++slot) {
      Host& host = world_->server_host(slot);
      host.down->faults.mtu = static_cast<uint16_t>(random_.between(1280, 1500));
    }
  });
}

void Scenario::schedule_attacks() {
  attacker_ = std::make_unique<Attacker>(environment_, *world_);
  world_->expect_strangers();
  for (uint64_t i = random_.between(1, 4); i > 0; --i) {
    const uint64_t packets = random_.between(10, 300);
    const uint64_t gap_ns = random_.between(10, 5'000) * 1'000;
    environment_.queue.after(some_time(),
                             [this, packets, gap_ns] { attacker_->attack(packets, gap_ns); });
  }
}

void Scenario::schedule_servers() {
  for (uint16_t slot = 0; slot < kServers; ++slot) {
    const bool dies = adversities_.servers_die && random_.chance(0.5);
    const bool refuses = adversities_.servers_refuse && random_.chance(0.5);
    if (!dies && !refuses) continue;
    troubled_.set(slot);
    const uint64_t at_ns = some_time();
    environment_.queue.after(at_ns, [this, slot, dies] {
      dies ? world_->server(slot).die() : world_->server(slot).refuse();
    });
    environment_.queue.after(at_ns + random_.between(500, 8'000) * kMs,
                             [this, slot] { world_->server(slot).revive(); });
  }
}

void Scenario::schedule_policies() {
  EventQueue& queue = environment_.queue;
  if (adversities_.secrets_rotate) {
    // A cookie lives through one rotation, so a client has this long to come back with it.
    for (uint64_t at_ns = some_time(); at_ns < busy_ns_;
         at_ns += random_.between(6, 12) * kSecond) {
      queue.after(at_ns, [this] {
        const uint64_t fresh[2] = {random_.next(), random_.next()};
        world_->dam().engine().rotate_secret(fresh);
      });
    }
  }
  if (adversities_.clock_jumps) {
    const uint64_t ns = random_.chance(0.5) ? random_.between(100, 30'000) * kMs
                                            : random_.between(60, 20'000) * kSecond;
    queue.after(some_time(), [this, ns] { jump(ns); });
  }
  const uint64_t changes = adversities_.policy_changes ? random_.between(1, 8) : 0;
  for (uint64_t i = 0; i < changes; ++i) {
    queue.after(some_time(), [this] {
      site_.fallback = random_.chance(0.5);
      site_.timeouts.closing_ns = random_.between(5, 15) * kSecond;
      if (!adversities_.few_ports) {
        site_.source_ports.first = static_cast<uint16_t>(random_.between(15'000, 20'500));
      }
      world_->dam().apply(policy_of(site_));
    });
  }
}

// Timers of the dam end early what is open now; nobody's octets may be wrong for it.
void Scenario::jump(uint64_t ns) {
  for (Connection& connection : world_->book().all()) {
    const bool open = connection.client_end.outcome == Outcome::open ||
                      connection.server_end.outcome == Outcome::open;
    if (connection.start_ns <= environment_.now_ns() && open) connection.jumped = true;
  }
  environment_.trace.say(environment_.now_ns(), "the dam's clock jumps by " + std::to_string(ns));
  world_->dam().jump(ns);
  LwipStack::end_time_wait();  // the servers' went the same way
}

void Scenario::schedule_restarts() {
  for (uint64_t i = random_.between(1, 3); i > 0; --i) {
    environment_.queue.after(some_time(), [this] { restart(); });
  }
}

// Connections that stand go on; those that needed the engine's own memory (a hello, a server's
// handshake, octets that the server has not acknowledged) are lost with it.
void Scenario::restart() {
  const uint64_t now_ns = environment_.now_ns();
  for (Connection& connection : world_->book().all()) {
    const bool stands = connection.reached && now_ns - connection.reached_ns > 3 * kSecond;
    if (connection.start_ns <= now_ns && !stands) connection.interrupted = true;
  }
  world_->dam().restart();
}

void Scenario::schedule_bans() {
  if (random_.chance(0.5)) site_.admins.push_back(0);
  for (uint64_t i = random_.between(1, 2); i > 0; --i) {
    environment_.queue.after(some_time(), [this] {
      const auto client = static_cast<uint16_t>(random_.below(world_->clients()));
      cut_off(client);
    });
  }
}

bool Scenario::is_cut_off(uint16_t client) const {
  const auto has = [client](const std::vector<uint16_t>& list) {
    return std::find(list.begin(), list.end(), client) != list.end();
  };
  return (has(site_.banned) || has(site_.denied)) && !has(site_.admins);
}

// Rule 8: a ban also cuts live connections. Nothing more of them comes to a server.
void Scenario::cut_off(uint16_t client) {
  (random_.chance(0.5) ? site_.banned : site_.denied).push_back(client);
  ++site_.bans_grown;
  world_->dam().apply(policy_of(site_));
  if (!is_cut_off(client)) return;
  environment_.queue.after(100 * kMs, [this, client] {
    for (const Connection& connection : world_->book().all()) {
      if (connection.client != client) continue;
      const uint64_t heard = connection.server_end.received;
      environment_.queue.after(60 * kSecond, [this, &connection, heard] {
        if (connection.server_end.received == heard) return;
        environment_.broken("a server heard of a banned client, connection " +
                            std::to_string(connection.id));
      });
    }
  });
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
  if (connection.begun_again) return "it began anew with another server";
  if (is_cut_off(connection.client)) return "its client is banned";
  if (adversities_.few_ports) return "there are few ports";
  const bool management = connection.kind == Kind::manage;
  if (management ? troubled_[kAdminServer] : troubled_[kWebServer] || troubled_[kSecondServer]) {
    return "its server is in trouble";
  }
  if (connection.interrupted) return "the dam began anew before it stood";
  if (connection.jumped) return "the clock jumped over it";
  if (!management && adversities_.limits) return "its zone has limits";
  if (adversities_.tables_fill && !management) return "tables are full";
  // Who has no route yet is nobody's management.
  const dam_zone_counters& front = world_->dam().counters().worker[0].zones[kFrontZone];
  if (front.drops[DAM_DROP_half_open_limit] + front.drops[DAM_DROP_hold_full] +
          front.drops[DAM_DROP_source_table_full] + front.drops[DAM_DROP_half_open_source] >
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
  // What still comes of the connection before makes lwIP use up its SYNs.
  if (connection.follows != nullptr && !connection.client_end.connected) {
    return "its port was in use";
  }
  if (adversities_.heavy_loss && !connection.client_end.connected) return "its SYNs were lost";
  if (adversities_.heavy_loss && !connection.reached) return "its hello was lost";
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
  const bool damage = front_.corrupt > 0 || back_.corrupt > 0 || a.attacks;
  // The course of things: what the dam takes in itself, what comes late or twice.
  allow(true, {DAM_DROP_none, DAM_DROP_consumed, DAM_DROP_held_duplicate, DAM_DROP_closed,
               DAM_DROP_no_flow});
  allow(a.links || a.mtu_shrinks || a.attacks, {DAM_DROP_out_of_window, DAM_DROP_bad_cookie});
  allow(damage, {DAM_DROP_bad_checksum, DAM_DROP_malformed, DAM_DROP_fragment, DAM_DROP_not_ours,
                 DAM_DROP_bad_flags, DAM_DROP_icmp_unmatched, DAM_DROP_bad_source,
                 DAM_DROP_no_neighbour, DAM_DROP_ttl_expired, DAM_DROP_link_limited});
  allow(a.mtu_shrinks || a.attacks, {DAM_DROP_icmp_limited, DAM_DROP_icmp_unmatched});
  allow(a.heavy_loss, {DAM_DROP_hello_timeout});
  // Until a probe has told, which may be lost, clients are promised what a server may not hold.
  allow(site_.timeouts.probe_interval_ns != 0, {DAM_DROP_server_options});
  allow(a.servers_die || a.servers_refuse, {DAM_DROP_server_down, DAM_DROP_server_refused,
                                            DAM_DROP_server_timeout, DAM_DROP_bad_cookie});
  allow(a.bans, {DAM_DROP_banned, DAM_DROP_source_banned, DAM_DROP_denied, DAM_DROP_zone_banned});
  allow(a.clock_jumps, {DAM_DROP_hello_timeout, DAM_DROP_server_timeout, DAM_DROP_bad_cookie,
                        DAM_DROP_out_of_window});
  allow(a.tables_fill, {DAM_DROP_half_open_limit, DAM_DROP_half_open_source,
                        DAM_DROP_flow_table_full, DAM_DROP_source_table_full, DAM_DROP_hold_full,
                        DAM_DROP_bad_cookie, DAM_DROP_hello_timeout});
  allow(a.restarts, {DAM_DROP_bad_cookie, DAM_DROP_out_of_window, DAM_DROP_hello_timeout});
  allow(a.few_ports, {DAM_DROP_no_source_port, DAM_DROP_bad_cookie});
  allow(a.limits, {DAM_DROP_source_packets, DAM_DROP_source_bytes_up, DAM_DROP_source_bytes_down,
                   DAM_DROP_source_connections, DAM_DROP_source_concurrent, DAM_DROP_zone_packets,
                   DAM_DROP_zone_bytes_up, DAM_DROP_zone_bytes_down, DAM_DROP_zone_connections,
                   DAM_DROP_zone_concurrent, DAM_DROP_zone_banned, DAM_DROP_banned,
                   DAM_DROP_bad_cookie, DAM_DROP_out_of_window, DAM_DROP_server_timeout});
}

}  // namespace dam::simulation
