// SPDX-License-Identifier: BSD-3-Clause
// What became of packets, as the planes tell it, and who wants to hear it.
#include <chrono>
#include <cstring>

#include "dataplane/process/clock.h"
#include "dataplane/process/controller.h"
#include "dataplane/process/replies.h"

namespace dam {
namespace {

// A capture's packets come fast; of samples the rings hold many.
constexpr std::chrono::milliseconds kListenWithin(100);
constexpr std::chrono::milliseconds kListenWithinCapture(10);

Capture::Now now_of(const Running& running) {
  const auto unix = std::chrono::system_clock::now().time_since_epoch();
  const auto unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(unix).count();
  return {monotonic_ns(), static_cast<uint64_t>(unix_ns), running.sights_lost()};
}

}  // namespace

v1::Reply Controller::capture(const v1::Request& request) {
  if (running_ == nullptr) return refusal({"No port is open yet: no packet passes."});
  if (request.has_stop_capture()) listen();  // what came before it is of the capture still
  const Engine& engine = running_->engine();
  v1::Reply reply =
      capture_.answer(request, engine.policy(), engine.config().interfaces, now_of(*running_));
  order_capture();
  return reply;
}

v1::Reply Controller::log() {
  v1::Reply reply = done();
  v1::Log& to = *reply.mutable_log();
  if (running_ == nullptr) return reply;
  listen();
  const Capture::Now now = now_of(*running_);
  running_->give_log(now.monotonic_ns, now.unix_ns, to);
  return reply;
}

void Controller::order_capture() {
  const dam_capture& wanted = capture_.wanted();
  if (std::memcmp(&wanted, &capture_ordered_, sizeof wanted) == 0) return;
  capture_ordered_ = wanted;
  running_->set_capture(wanted);
}

std::chrono::milliseconds Controller::listen_within() const {
  return capture_ordered_.snap_bytes != 0 ? kListenWithinCapture : kListenWithin;
}

void Controller::listen() {
  if (running_ == nullptr) return;
  running_->take_sights([this](const dam_sight& sight, std::span<const uint8_t> frame) {
    capture_.take(sight, frame);
  });
  capture_.tick(now_of(*running_), running_->engine().policy());
  order_capture();
}

}  // namespace dam
