// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/scenario.h"

#include <algorithm>
#include <initializer_list>

namespace dam::simulation {

namespace {

constexpr uint64_t kPatience = 300 * kSecond;  // for what must come to an end by itself

double some(Random& random, double most) {
  return random.chance(0.4) ? 0 : most * static_cast<double>(random.below(1000)) / 1000;
}

}  // namespace

Scenario::Scenario(Environment& environment)
    : environment_(environment), random_(environment.random.fork()) {
  draw_adversities();
  site_ = draw_site(random_);
  if (adversities_.tables_fill) {
    site_.limits.flows = static_cast<uint32_t>(random_.between(8, 24));
    site_.limits.half_open = static_cast<uint32_t>(random_.between(4, 12));
    site_.limits.hold_bytes = static_cast<uint32_t>(random_.between(3, 12)) * (16384 + 2048);
    site_.limits.sources = static_cast<uint32_t>(random_.between(16, 64));
    site_.limits.management_share_percent = 25;
  }
  if (adversities_.few_ports) site_.source_ports.last = static_cast<uint16_t>(20'016 + random_.between(3, 12));
  if (adversities_.limits) {
    for (const uint8_t zone : {kLightZone, kHeavyZone}) {
      ZonePlan& plan = site_.zones[zone];
      plan.exceeded = static_cast<Exceeded>(random_.below(3));
      if (random_.chance(0.15)) plan.mode = Mode::shadow;
      if (random_.chance(0.5)) plan.per_source[DAM_DIM_packets] = {random_.between(20'000, 400'000), random_.between(5, 60)};
      if (random_.chance(0.4)) plan.per_source[DAM_DIM_bytes_up] = {random_.between(20, 400) * 1'000'000, random_.between(3'000, 60'000)};
      if (random_.chance(0.4)) plan.per_source[DAM_DIM_bytes_down] = {random_.between(20, 400) * 1'000'000, random_.between(3'000, 60'000)};
      if (random_.chance(0.4)) plan.per_source[DAM_DIM_connections] = {random_.between(200, 4'000), random_.between(1, 5)};
      if (random_.chance(0.3)) plan.total[DAM_DIM_packets] = {random_.between(50'000, 900'000), random_.between(10, 100)};
      if (random_.chance(0.3)) plan.total[DAM_DIM_bytes_down] = {random_.between(50, 900) * 1'000'000, random_.between(5'000, 100'000)};
      if (random_.chance(0.3)) plan.per_source_concurrent = static_cast<uint32_t>(random_.between(1, 4));
      if (random_.chance(0.2)) plan.total_concurrent = static_cast<uint32_t>(random_.between(3, 10));
    }
  }
  world_ = std::make_unique<World>(environment, site_, static_cast<uint16_t>(random_.between(2, 8)));
  if (adversities_.limits) world_->dam().burst_most = 1;
  if (adversities_.slow_worker) world_->dam().poll_delay_ns = random_.between(1, 20) * kMs;
  draw_faults();
  draw_connections();
  allow_reasons();
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
}

void Scenario::draw_faults() {
  for (LinkFaults* faults : {&front_, &back_}) {
    faults->delay_ns = faults == &front_ ? random_.between(1, 60) * kMs : random_.between(50, 2'000) * 1'000;
    faults->jitter_ns = random_.below(faults->delay_ns);
    if (!adversities_.links) continue;
    const double most = faults == &front_ ? 0.03 : 0.01;
    faults->lose = some(random_, adversities_.heavy_loss && faults == &front_ ? 0.15 : most);
    faults->duplicate = some(random_, 0.03);
    faults->reorder = some(random_, 0.10);
    faults->corrupt = some(random_, 0.01);
  }
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
    behaviour->chunk = static_cast<uint32_t>(random_.chance(0.3) ? random_.between(1, 700) : 1u << 16);
    if (random_.chance(0.3)) {
      behaviour->gap_ns = random_.between(1, 40) * kMs;
      behaviour->chunk = std::max<uint32_t>(behaviour->chunk, static_cast<uint32_t>(behaviour->bytes / 200 + 1));
      behaviour->chunk = std::max<uint32_t>(behaviour->chunk, client ? 97 : 1);
    }
    if (random_.chance(0.2)) behaviour->read_delay_ns = random_.between(5, 2'500) * kMs;
    if (client && random_.chance(0.4)) behaviour->ending = Ending::after_peer;
    if (!random_.chance(odd)) continue;
    behaviour->ending = static_cast<Ending>(random_.between(2, 4));
    behaviour->ending_at = random_.below(behaviour->bytes + 1);
  }
  if (connection.client_plan.ending != Ending::after_peer && random_.chance(0.3)) {
    if (connection.server_plan.ending == Ending::when_sent) connection.server_plan.ending = Ending::after_peer;
  }
}

void Scenario::draw_connections() {
  const uint64_t count = random_.between(4, 30);
  busy_ns_ = random_.between(2, 25) * kSecond;
  uint16_t port = static_cast<uint16_t>(random_.between(1024, 60'000));
  for (uint64_t i = 0; i < count; ++i) {
    Connection& connection = world_->book().add();
    const uint64_t kind = random_.below(10);
    connection.kind = kind < 4 ? Kind::web : kind < 6 ? Kind::api : kind < 8 ? Kind::manage : kind < 9 ? Kind::raw : Kind::http;
    connection.family = random_.chance(0.6) ? 4 : 6;
    connection.client = static_cast<uint16_t>(random_.below(world_->clients()));
    connection.client_port = port++;
    connection.listener_port = connection.kind == Kind::raw ? kRawPort : connection.kind == Kind::http ? kHttpPort : kTlsPort;
    connection.start_ns = 200 * kMs + random_.below(random_.chance(0.3) ? 300 * kMs : busy_ns_);
    connection.opening = make_opening(connection, random_);
    draw_endings(connection);
    environment_.queue.after(connection.start_ns, [this, &connection] { world_->start(connection); });
  }
}

void Scenario::allow_reasons() {
  const auto allow = [&](std::initializer_list<dam_drop_reason> reasons) {
    for (const dam_drop_reason reason : reasons) allowed_.set(reason);
  };
  // The course of things: what the dam takes in itself, what comes late or twice, what is damaged.
  allow({DAM_DROP_none, DAM_DROP_consumed, DAM_DROP_held_duplicate, DAM_DROP_closed, DAM_DROP_no_flow});
}

bool Scenario::is_banned(uint16_t client) const {
  return std::find(banned_.begin(), banned_.end(), client) != banned_.end();
}

void Scenario::heal() {
  LinkFaults front;
  LinkFaults back;
  front.delay_ns = front_.delay_ns;
  back.delay_ns = back_.delay_ns;
  front.mtu = world_->client(0).down->faults.mtu;
  world_->set_faults(front, back);
  for (uint16_t slot = 0; slot < kServers; ++slot) world_->server(slot).revive();
}

bool Scenario::all_over() {
  const auto& all = world_->book().all();
  return std::all_of(all.begin(), all.end(), [](const Connection& c) {
    return c.over || (c.client_plan.ending == Ending::stay);
  });
}

void Scenario::run_for(uint64_t ns) {
  const uint64_t end_ns = environment_.now_ns() + ns;
  while (environment_.now_ns() < end_ns && environment_.finding().empty()) environment_.queue.run_next();
}

void Scenario::run() {
  schedule();
  run_for(busy_ns_ + kSecond);
  heal();
  world_->dam().set_tick(10 * kMs);
  const uint64_t until_ns = environment_.now_ns() + kPatience;
  while (!all_over() && environment_.now_ns() < until_ns && environment_.finding().empty()) run_for(kSecond);
  // Everything falls silent: the longest of the time-outs, twice, and the sweeps that come after it.
  world_->dam().set_tick(50 * kMs);
  run_for(2 * site_.timeouts.idle_ns + 30 * kSecond);
}

}  // namespace dam::simulation
