// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/dam.h"

#include <algorithm>
#include <cstring>

namespace dam::simulation {

namespace {

constexpr size_t kBufferBytes = 2048;
constexpr size_t kBuffers = 2 * (kSpares + kBurst);

// Everybody on a link has this one.
MacAddress neighbour_mac(uint8_t port) { return {2, 0, 0, 0, 1, port}; }

}  // namespace

Dam::Dam(Environment& environment, const Site& site, Deliver deliver)
    : environment_(environment),
      random_(environment.random.fork()),
      deliver_(std::move(deliver)),
      base_ns_(site.start_ns) {
  config_.limits = site.limits;
  config_.interfaces = interfaces_of(site);
  if (site.restarts) {
    tables_ = std::make_unique<StandingTables>(site.limits);
    config_.shared = tables_->shared();
  }
  config_.hash_key[0] = random_.next();
  config_.hash_key[1] = random_.next();
  begin_engine();
  for (size_t i = 0; i < kBuffers; ++i) {
    free_.push_back(buffers_.emplace_back(new uint8_t[kBufferBytes]).get());
  }
  tick();
  control();
}

void Dam::begin_engine() {
  counters_.reset(new dam_counters());
  config_.counters = counters_.get();
  config_.cookie_key[0] = random_.next();  // without effect where there are secrets already
  config_.cookie_key[1] = random_.next();
  engine_ = std::make_unique<Engine>(config_);
  for (uint16_t i = 0; i < config_.interfaces.size(); ++i) engine_->neighbours.leave_to_host(i);
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
void Dam::resolve_next_hops() {
  Neighbours& neighbours = engine_->neighbours;
  std::vector<std::pair<uint16_t, dam_address>> all;
  neighbours.for_each([&](uint16_t, uint16_t interface, const dam_address& address) {
    all.emplace_back(interface, address);
  });
  for (const auto& [interface, address] : all) {
    neighbours.set_mac(interface, address, neighbour_mac(neighbours.interfaces()[interface].port));
  }
}

void Dam::receive(uint8_t port, Bytes packet) {
  arrivals_.push_back({port, std::move(packet)});
  if (poll_due_) return;
  poll_due_ = true;
  environment_.queue.after(random_.below(poll_delay_ns + 1), [this] { poll(); });
}

void Dam::top_up() {
  while (output_.spare.count < kSpares && !free_.empty()) {
    Frame frame;
    frame.data = free_.back() + kHeadroom;
    frame.buffer = free_.back();
    free_.pop_back();
    output_.spare.add(frame);
  }
}

Frame Dam::frame_of(const Arrival& arrival) {
  const bool tagged = arrival.port == kManagementPort && kManagementVlan != 0;
  Frame frame;
  frame.buffer = free_.back();
  frame.data = free_.back() + kHeadroom;
  frame.port = arrival.port;
  free_.pop_back();
  const MacAddress own = own_mac(arrival.port);
  const MacAddress other = neighbour_mac(arrival.port);
  std::memcpy(frame.data, own.data(), 6);
  std::memcpy(frame.data + 6, other.data(), 6);
  size_t at = 12;
  if (tagged) {
    store16(frame.data + 12, 0x8100);
    store16(frame.data + 14, kManagementVlan);
    at = 16;
  }
  store16(frame.data + at, arrival.packet[0] >> 4 == 6 ? 0x86dd : 0x0800);
  std::memcpy(frame.data + at + 2, arrival.packet.data(), arrival.packet.size());
  frame.bytes = static_cast<uint16_t>(at + 2 + arrival.packet.size());
  if (frame.bytes < 60) {  // padded, as Ethernet does
    std::memset(frame.data + frame.bytes, 0xee, 60u - frame.bytes);
    frame.bytes = 60;
  }
  return frame;
}

void Dam::poll() {
  poll_due_ = false;
  const size_t count = std::min<size_t>(arrivals_.size(), burst_most);
  std::vector<Arrival> burst(std::make_move_iterator(arrivals_.begin()),
                             std::make_move_iterator(arrivals_.begin() + static_cast<int>(count)));
  arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<int>(count));
  std::vector<Frame> frames;
  top_up();
  for (const Arrival& arrival : burst) frames.push_back(frame_of(arrival));
  const bool watched = before_step && frames.size() == 1;
  const Step step{now_ns(), burst[0].port, burst[0].packet, frames[0].bytes};
  if (watched) before_step(step);
  worker().poll(frames, output_, now_ns());
  if (watched) after_step(step);
  if (tell_refusals()) {
    for (const Arrival& arrival : burst) {
      environment_.trace.say(environment_.now_ns(), "  of " + text_of(arrival.packet));
    }
  }
  transmit();
  if (arrivals_.empty()) return;
  poll_due_ = true;
  environment_.queue.after(random_.below(poll_delay_ns + 1), [this] { poll(); });
}

void Dam::tick() {
  top_up();
  worker().tick(output_, now_ns());
  tell_refusals();
  transmit();
  environment_.queue.after(tick_ns_, [this] { tick(); });
}

void Dam::control() {
  resolve_next_hops();
  engine_->control_tick(now_ns());
  take_records();
  environment_.queue.after(100 * kMs, [this] { control(); });
}

void Dam::take_records() {
  ConnectionRecord record;
  while (worker().take_record(record)) records_.push_back(record);
}

void Dam::transmit() {
  const auto give_back = [&](std::span<Frame> frames, bool sent) {
    for (const Frame& frame : frames) {
      if (sent) deliver(frame);
      free_.push_back(static_cast<uint8_t*>(frame.buffer));
    }
  };
  give_back(output_.urgent.all(), true);
  give_back(output_.normal.all(), true);
  give_back(output_.dropped.all(), false);
  give_back(output_.host.all(), false);
  give_back(output_.host_first.all(), false);
  output_.urgent.count = output_.normal.count = output_.dropped.count = 0;
  output_.host.count = output_.host_first.count = 0;
}

void Dam::deliver(const Frame& frame) {
  const uint8_t* at = frame.data + 12;
  const bool tagged = load16(at) == 0x8100;
  if (tagged != (frame.port == kManagementPort && kManagementVlan != 0)) {
    return environment_.broken("a frame left with the wrong VLAN");
  }
  if (tagged) at += 4;
  if (std::memcmp(frame.data, neighbour_mac(frame.port).data(), 6) != 0) {
    return environment_.broken("a frame left for nobody's link address");
  }
  Bytes packet(at + 2, static_cast<const uint8_t*>(frame.data) + frame.bytes);
  deliver_(std::move(packet));
}

}  // namespace dam::simulation
