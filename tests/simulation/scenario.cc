// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/scenario.h"

#include <algorithm>

namespace dam::simulation {

namespace {

constexpr uint64_t kPatience = 300 * kSecond;  // for what must come to an end by itself

}  // namespace

Scenario::Scenario(Environment& environment)
    : environment_(environment), random_(environment.random.fork()) {
  draw_adversities();
  site_ = draw_site(random_);
  site_.restarts = adversities_.restarts;
  // The audit looks at one, and each has its share of a small table.
  const bool one = adversities_.limits || adversities_.tables_fill;
  if (!one && random_.chance(0.4)) site_.workers = 2;
  if (adversities_.tables_fill) draw_tables();
  if (adversities_.limits) draw_limits();
  if (adversities_.few_ports) {
    site_.source_ports.last = static_cast<uint16_t>(20'016 + random_.between(3, 12));
  }
  world_ =
      std::make_unique<World>(environment, site_, static_cast<uint16_t>(random_.between(2, 8)));
  if (adversities_.slow_worker && !adversities_.limits)
    world_->dam().poll_delay_ns = random_.between(1, 20) * kMs;
  draw_faults();
  draw_connections();
  if (adversities_.limits) {
    const bool exact = front_.corrupt == 0 && back_.corrupt == 0;
    audit_ = std::make_unique<BucketAudit>(environment, *world_, site_, exact);
  }
  allow_reasons();
}

// Once its port is free.
void Scenario::start(Connection& connection) {
  if (connection.follows != nullptr && !connection.follows->over) {
    connection.start_ns += 100 * kMs;
    environment_.queue.after(100 * kMs, [this, &connection] { start(connection); });
    return;
  }
  const Connection* before = connection.follows;
  if (before != nullptr && before->client_end.outcome != Outcome::vanished &&
      before->client_end.outcome != Outcome::aborted) {
    connection.follows = nullptr;  // it ended well: its port rests
    connection.client_port = static_cast<uint16_t>(1'024 + connection.id);
  }
  world_->start(connection);
}

void Scenario::heal() {
  LinkFaults front;
  LinkFaults back;
  front.delay_ns = front_.delay_ns;
  back.delay_ns = back_.delay_ns;
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
  while (environment_.now_ns() < end_ns && environment_.finding().empty())
    environment_.queue.run_next();
}

void Scenario::run() {
  schedule();
  run_for(busy_ns_ + kSecond);
  heal();
  world_->dam().set_tick(10 * kMs);
  const uint64_t until_ns = environment_.now_ns() + kPatience;
  while (!all_over() && environment_.now_ns() < until_ns && environment_.finding().empty())
    run_for(kSecond);
  // Everything falls silent: the longest of the time-outs, twice, and the sweeps that come after
  // it.
  world_->dam().set_tick(50 * kMs);
  run_for(2 * site_.timeouts.idle_ns + 30 * kSecond);
}

}  // namespace dam::simulation
