// SPDX-License-Identifier: BSD-3-Clause
// What goes wrong in a run, and when.
#include <algorithm>
#include <iterator>
#include <tuple>

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
        site_.source_ports.first = draw_first_port();
      }
      world_->dam().apply(policy_of(site_));
    });
  }
}

// Often so that the first ones, which are the probes', are in use.
uint16_t Scenario::draw_first_port() {
  const auto& owners = world_->book().owners;
  if (owners.empty() || random_.chance(0.4)) {
    return static_cast<uint16_t>(random_.between(15'000, 20'500));
  }
  auto owner = owners.begin();
  std::advance(owner, random_.below(owners.size()));
  return static_cast<uint16_t>(std::min<uint64_t>(std::get<2>(owner->first), 20'900) -
                               random_.below(16));
}

// Far enough, and timers of the dam end early what is open now, and has been silent before, too;
// nobody's octets may be wrong for it.
void Scenario::jump(uint64_t ns) {
  for (Connection& connection : world_->book().all()) {
    const bool open = connection.client_end.outcome == Outcome::open ||
                      connection.server_end.outcome == Outcome::open;
    const bool begun = connection.start_ns <= environment_.now_ns();
    if (begun && open && 2 * ns >= site_.timeouts.half_closed_ns) connection.jumped = true;
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
  if (audit_) audit_->note_restart();
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
  const uint64_t under_way_ns = 10 * (back_.delay_ns + back_.jitter_ns);
  environment_.queue.after(100 * kMs + under_way_ns, [this, client] {
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

}  // namespace dam::simulation
