// SPDX-License-Identifier: BSD-3-Clause
// What a seed draws: which adversities, the links' faults, the connections.
#include <algorithm>

#include "tests/simulation/scenario.h"

namespace dam::simulation {

namespace {

double some(Random& random, double most) {
  return random.chance(0.4) ? 0 : most * static_cast<double>(random.below(1000)) / 1000;
}

}  // namespace

void Scenario::draw_tables() {
  site_.limits.flows = static_cast<uint32_t>(random_.between(8, 24));
  site_.limits.half_open = static_cast<uint32_t>(random_.between(4, 12));
  site_.limits.hold_bytes = static_cast<uint32_t>(random_.between(4, 12)) * (16384 + 2048);
  site_.limits.sources = static_cast<uint32_t>(random_.between(16, 64));
  site_.limits.management_share_percent = 25;
}

void Scenario::draw_limits() {
  const auto draw = [&](ZonePlan::Rate& rate, double chance, uint64_t most_per_second,
                        uint64_t most_burst) {
    if (!random_.chance(chance)) return;
    rate.per_second_milli = random_.between(most_per_second * 50, most_per_second * 1000);
    rate.burst = random_.between(most_burst / 20 + 1, most_burst);
  };
  for (const uint8_t zone : {kLightZone, kHeavyZone}) {
    ZonePlan& plan = site_.zones[zone];
    plan.exceeded = static_cast<Exceeded>(random_.below(3));
    if (random_.chance(0.15)) plan.mode = Mode::shadow;
    draw(plan.per_source[DAM_DIM_packets], 0.5, 400, 60);
    draw(plan.per_source[DAM_DIM_bytes_up], 0.4, 400'000, 60'000);
    draw(plan.per_source[DAM_DIM_bytes_down], 0.4, 400'000, 60'000);
    draw(plan.per_source[DAM_DIM_connections], 0.4, 4, 5);
    draw(plan.per_source[DAM_DIM_requests], 0.4, 20, 15);
    draw(plan.total[DAM_DIM_packets], 0.3, 900, 100);
    draw(plan.total[DAM_DIM_bytes_up], 0.2, 900'000, 100'000);
    draw(plan.total[DAM_DIM_bytes_down], 0.3, 900'000, 100'000);
    draw(plan.total[DAM_DIM_connections], 0.2, 10, 10);
    draw(plan.total[DAM_DIM_requests], 0.2, 60, 30);
    if (random_.chance(0.3))
      plan.per_source_concurrent = static_cast<uint32_t>(random_.between(1, 4));
    if (random_.chance(0.2)) plan.total_concurrent = static_cast<uint32_t>(random_.between(3, 10));
  }
}

void Scenario::draw_adversities() {
  Adversities& a = adversities_;
  const bool plain = random_.chance(0.25);
  a.links = random_.chance(0.8);
  a.heavy_loss = a.links && random_.chance(0.15);
  a.mtu_shrinks = random_.chance(0.25);
  a.slow_worker = random_.chance(0.2);
  a.secrets_rotate = random_.chance(0.3);
  if (plain) return;
  a.servers_die = random_.chance(0.2);
  a.servers_refuse = random_.chance(0.15);
  a.bans = random_.chance(0.2);
  a.policy_changes = random_.chance(0.3);
  a.clock_jumps = random_.chance(0.15);
  a.tables_fill = random_.chance(0.2);
  a.few_ports = random_.chance(0.12);
  a.limits = random_.chance(0.25);
  a.attacks = random_.chance(0.2);
  a.restarts = random_.chance(0.2);
}

void Scenario::draw_faults() {
  for (LinkFaults* faults : {&front_, &back_}) {
    const bool far = faults == &front_ || random_.chance(0.2);
    faults->delay_ns = far ? random_.between(1, 60) * kMs : random_.between(50, 2'000) * 1'000;
    faults->jitter_ns = random_.below(faults->delay_ns);
    if (!adversities_.links) continue;
    const double most = faults == &front_ ? 0.03 : 0.01;
    faults->lose = some(random_, adversities_.heavy_loss && faults == &front_ ? 0.15 : most);
    faults->duplicate = some(random_, 0.03);
    faults->reorder = some(random_, random_.chance(0.3) ? 0.4 : 0.10);
    faults->corrupt = some(random_, 0.01);
  }
  // Two bits of one packet, flipped on two links, may hide from its checksum.
  (random_.chance(0.5) ? front_ : back_).corrupt = 0;
  adversities_.damages = front_.corrupt + back_.corrupt > 0;
  world_->set_faults(front_, back_);
  for (uint16_t i = 0; i < world_->clients(); ++i) {
    Nic& nic = *world_->client(i).nic;
    nic.features = {random_.chance(0.7), random_.chance(0.8)};
  }
  const bool promises = site_.timeouts.probe_interval_ns != 0 && random_.chance(0.3);
  for (uint16_t slot = 0; slot < kServers && promises; ++slot) {
    world_->server_host(slot).nic->features = {random_.chance(0.7), random_.chance(0.7)};
  }
}

void Scenario::draw_endings(Connection& connection) {
  const double odd = random_.chance(0.3) ? 0.3 : 0.02;
  for (Behaviour* behaviour : {&connection.client_plan, &connection.server_plan}) {
    const bool client = behaviour == &connection.client_plan;
    behaviour->bytes = random_.chance(0.6) ? random_.below(8'000) : random_.below(150'000);
    if (random_.chance(0.1)) behaviour->bytes = 0;
    behaviour->chunk =
        static_cast<uint32_t>(random_.chance(0.3) ? random_.between(1, 700) : 1u << 16);
    if (random_.chance(0.3)) {
      behaviour->gap_ns = random_.between(1, 40) * kMs;
      behaviour->chunk =
          std::max<uint32_t>(behaviour->chunk, static_cast<uint32_t>(behaviour->bytes / 200 + 1));
      behaviour->chunk = std::max<uint32_t>(behaviour->chunk, client ? 97 : 1);
    }
    if (random_.chance(0.2)) behaviour->read_delay_ns = random_.between(5, 2'500) * kMs;
    if (client && random_.chance(0.4)) behaviour->ending = Ending::after_peer;
    if (!random_.chance(odd)) continue;
    behaviour->ending = static_cast<Ending>(random_.between(2, 4));
    behaviour->ending_at = random_.below(behaviour->bytes + 1);
  }
  if (connection.client_plan.ending != Ending::after_peer && random_.chance(0.3)) {
    if (connection.server_plan.ending == Ending::when_sent)
      connection.server_plan.ending = Ending::after_peer;
  }
}

// A client that forgot a connection may use its port again, at once; the dam has the old one still.
void Scenario::reuse_port(Connection& connection) {
  auto& all = world_->book().all();
  if (all.size() < 2 || !random_.chance(0.1)) return;
  Connection& before = all[random_.below(all.size() - 1)];
  const bool quits =
      before.client_plan.ending == Ending::vanish || before.client_plan.ending == Ending::abort;
  if (!quits || before.followed) return;
  before.followed = true;
  connection.client = before.client;
  connection.client_port = before.client_port;
  connection.family = before.family;
  connection.follows = &before;
}

void Scenario::draw_connections() {
  const uint64_t count = random_.between(4, 30);
  busy_ns_ = random_.between(2, 25) * kSecond;
  // No more of management's at once than its share of a small table.
  uint32_t managements = adversities_.tables_fill ? site_.limits.flows / 4 : ~0u;
  uint16_t port = static_cast<uint16_t>(random_.between(1024, 60'000));
  for (uint64_t i = 0; i < count; ++i) {
    Connection& connection = world_->book().add();
    const uint64_t kind = random_.below(10);
    connection.kind = kind < 4   ? Kind::web
                      : kind < 6 ? Kind::api
                      : kind < 8 ? Kind::manage
                      : kind < 9 ? Kind::raw
                                 : Kind::http;
    if (adversities_.limits && kind < 6 && random_.chance(0.3)) connection.kind = Kind::http;
    if (connection.kind == Kind::manage && managements-- == 0) {
      connection.kind = Kind::web;
      managements = 0;
    }
    connection.family = random_.chance(0.6) ? 4 : 6;
    connection.client = static_cast<uint16_t>(random_.below(world_->clients()));
    connection.client_port = port++;
    reuse_port(connection);
    connection.listener_port = connection.kind == Kind::raw    ? kRawPort
                               : connection.kind == Kind::http ? kHttpPort
                                                               : kTlsPort;
    connection.start_ns = 200 * kMs + random_.below(random_.chance(0.3) ? 300 * kMs : busy_ns_);
    draw_endings(connection);
    connection.opening = make_opening(connection, random_);
    environment_.queue.after(connection.start_ns, [this, &connection] { start(connection); });
  }
}

}  // namespace dam::simulation
