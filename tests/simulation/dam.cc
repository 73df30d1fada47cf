// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/dam.h"

#include <algorithm>

namespace dam::simulation {

Dam::Dam(Environment& environment, const Site& site, Deliver deliver)
    : environment_(environment),
      random_(environment.random.fork()),
      deliver_(std::move(deliver)),
      frames_(environment, site.workers),
      base_ns_(site.start_ns) {
  config_.limits = site.limits;
  config_.workers = site.workers;
  config_.interfaces = interfaces_of(site);
  if (site.restarts) {
    tables_ = std::make_unique<test::OwnTables>(table_sizes(site.limits, site.workers));
    config_.shared = tables_->shared();
  }
  config_.hash_key[0] = random_.next();
  config_.hash_key[1] = random_.next();
  begin_engine();
  for (uint32_t i = 0; i < site.workers; ++i) {
    lanes_.emplace_back().index = i;
    tick(lanes_.back());
  }
  control();
}

void Dam::begin_engine() {
  counters_.reset(new dam_counters());
  config_.counters = counters_.get();
  config_.cookie_key[0] = random_.next();  // without effect where there are secrets already
  config_.cookie_key[1] = random_.next();
  engine_ = std::make_unique<Engine>(config_);
  const auto count = static_cast<uint16_t>(config_.interfaces.size());
  for (uint16_t i = 0; i < count; ++i) engine_->neighbours.leave_to_host(i);
}

void Dam::restart() {
  for (int i = 0; i < DAM_DROP_COUNT; ++i) {
    dropped_before_[i] = drops(static_cast<dam_drop_reason>(i));
  }
  take_records();
  config_.standing = Standing{applied_, engine_->secrets(), now_ns()};
  engine_.reset();
  for (dam_index_bucket& bucket : config_.shared.index) bucket = {};
  begin_engine();
  apply(*applied_);
  environment_.trace.say(environment_.now_ns(), "the dam is another one");
}

void Dam::apply(const Policy& policy) {
  auto applied = std::make_shared<Policy>(policy);
  applied->version = ++version_;
  applied->derive();
  applied_ = applied;
  engine_->apply(applied);
  resolve_next_hops();
}

// As a host's kernel does for the XDP driver: the links have no ARP.
void Dam::resolve_next_hops() { test::set_next_hops(engine_->neighbours, neighbour_mac); }

// The NIC spreads packets by a hash that nobody else knows; those of one flow go one way.
void Dam::receive(uint8_t port, Bytes packet) {
  uint32_t hash = 0;
  for (size_t i = 8; lanes_.size() > 1 && i < std::min<size_t>(packet.size(), 44); ++i) {
    const bool counts = packet[0] >> 4 == 6 || (i >= 12 && i < 24);
    if (counts) hash = hash * 31 + packet[i];
  }
  bring(lanes_[(hash >> 4) % lanes_.size()], {port, std::move(packet)});
}

void Dam::bring(Lane& lane, Arrival arrival) {
  lane.arrivals.push_back(std::move(arrival));
  ask_to_poll(lane);
}

void Dam::ask_to_poll(Lane& lane) {
  if (lane.poll_due || lane.arrivals.empty()) return;
  lane.poll_due = true;
  environment_.queue.after(random_.below(poll_delay_ns + 1), [this, &lane] { poll(lane); });
}

std::vector<Dam::Arrival> Dam::take_burst(Lane& lane) {
  const auto count = static_cast<int>(std::min<size_t>(lane.arrivals.size(), burst_most));
  std::vector<Arrival> burst(std::make_move_iterator(lane.arrivals.begin()),
                             std::make_move_iterator(lane.arrivals.begin() + count));
  lane.arrivals.erase(lane.arrivals.begin(), lane.arrivals.begin() + count);
  return burst;
}

// Software steering: true where the frame is another worker's.
bool Dam::hand_off(const Lane& lane, Arrival& arrival, const Frame& frame) {
  if (lanes_.size() == 1 || arrival.handed) return false;
  const uint32_t owner = engine_->worker(lane.index).owner_of(frame);
  if (owner == lane.index) return false;
  arrival.handed = true;
  frames_.give(frame);
  bring(lanes_[owner], std::move(arrival));
  return true;
}

void Dam::poll(Lane& lane) {
  lane.poll_due = false;
  std::vector<Arrival> burst = take_burst(lane);
  std::vector<Frame> frames;
  frames_.top_up(lane.output);
  for (Arrival& arrival : burst) {
    const Frame frame = frames_.make(arrival.port, arrival.packet);
    if (!hand_off(lane, arrival, frame)) frames.push_back(frame);
  }
  if (frames.empty()) return ask_to_poll(lane);
  const bool watched = before_step && frames.size() == 1;
  const Step step{now_ns(), burst[0].port, burst[0].packet, frames[0].bytes};
  if (watched) before_step(step);
  engine_->worker(lane.index).poll(frames, lane.output, now_ns());
  if (watched) after_step(step);
  if (tell_refusals()) {
    for (const Arrival& arrival : burst) {
      environment_.trace.say(environment_.now_ns(), "  of " + text_of(arrival.packet));
    }
  }
  transmit(lane);
  ask_to_poll(lane);
}

void Dam::tick(Lane& lane) {
  frames_.top_up(lane.output);
  engine_->worker(lane.index).tick(lane.output, now_ns());
  tell_refusals();
  transmit(lane);
  environment_.queue.after(tick_ns_, [this, &lane] { tick(lane); });
}

void Dam::control() {
  resolve_next_hops();
  engine_->control_tick(now_ns());
  take_records();
  environment_.queue.after(100 * kMs, [this] { control(); });
}

void Dam::take_records() {
  ConnectionRecord record;
  for (const Lane& lane : lanes_) {
    while (engine_->worker(lane.index).take_record(record)) records_.push_back(record);
  }
}

void Dam::transmit(Lane& lane) {
  const auto give_back = [&](auto& list, bool sent) {
    for (const Frame& frame : list.all()) {
      Bytes packet = sent ? frames_.packet_of(frame) : Bytes();
      if (!packet.empty()) deliver_(std::move(packet));
      frames_.give(frame);
    }
    list.count = 0;
  };
  give_back(lane.output.urgent, true);
  give_back(lane.output.normal, true);
  give_back(lane.output.dropped, false);
  give_back(lane.output.host, false);
  give_back(lane.output.host_first, false);
}

bool Dam::has_all_frames() const {
  size_t spares = 0;
  for (const Lane& lane : lanes_) spares += lane.output.spare.count;
  return frames_.has_all(spares);
}

}  // namespace dam::simulation
