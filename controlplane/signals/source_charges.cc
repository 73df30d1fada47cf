// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/source_charges.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

// Less than a bucket may be behind (dataplane/process/charges.cc), which is 50 ms: one that comes a
// little late still costs all of it.
constexpr std::chrono::milliseconds kThrottlesPayEvery{40};

uint32_t as_units(uint64_t units) {
  return static_cast<uint32_t>(std::min<uint64_t>(units, UINT32_MAX));
}

}  // namespace

SourceCharges::SourceCharges(Ask ask, Clock clock, CurrentPolicy policy)
    : ask_(std::move(ask)),
      clock_(std::move(clock)),
      policy_(std::move(policy)),
      thread_([this] { run(); }) {}

SourceCharges::~SourceCharges() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  came_.notify_all();
  thread_.join();
}

bool SourceCharges::add(const Network& source, const SignalCharge& charge) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting && !waiting_.contains(source)) return false;
    SignalCharge& sum = waiting_[source].charge;
    sum.connections += charge.connections;
    sum.requests += charge.requests;
  }
  came_.notify_all();
  return true;
}

SourceThrottles::Begun SourceCharges::throttle(SourceThrottle wanted, uint64_t most) {
  std::unique_lock lock(mutex_);
  const uint64_t now_ns = clock_();
  wanted.until_ns += now_ns;
  const auto begun = throttles_.add(wanted, most, now_ns);
  lock.unlock();
  came_.notify_all();
  return begun;
}

size_t SourceCharges::lift(const Network& source) {
  const std::lock_guard lock(mutex_);
  return throttles_.lift(source, clock_());
}

std::optional<SourceThrottle> SourceCharges::throttle_of(const Address& address) {
  const std::lock_guard lock(mutex_);
  const uint64_t now_ns = clock_();
  auto found = throttles_.find(address, now_ns);
  if (found) found->until_ns -= now_ns;
  return found;
}

size_t SourceCharges::throttled() {
  const std::lock_guard lock(mutex_);
  return throttles_.size();
}

void SourceCharges::run() {
  std::unique_lock lock(mutex_);
  const auto is_charged = [this] { return stopping_ || !waiting_.empty(); };
  for (;;) {
    if (throttles_.empty()) {
      came_.wait(lock, [&] { return is_charged() || !throttles_.empty(); });
    } else {
      came_.wait_until(lock, pay_at_, is_charged);
    }
    if (stopping_) return;
    Waiting charges = std::exchange(waiting_, {});
    throttles_pay(charges);
    if (charges.empty()) continue;
    lock.unlock();
    tell(charges);
    lock.lock();
  }
}

// Whoever else is charged hurries none of these.
void SourceCharges::throttles_pay(Waiting& charges) {
  const auto now = std::chrono::steady_clock::now();
  if (throttles_.empty() || now < pay_at_) return;
  pay_at_ = now + kThrottlesPayEvery;
  const uint64_t now_ns = clock_();
  if (const auto policy = policy_()) throttles_.hold_against(*policy, now_ns);
  for (const auto& [source, time_ns] : throttles_.pay_ns(now_ns)) {
    charges[source].time_ns = time_ns;
  }
}

void SourceCharges::tell(const Waiting& charges) {
  v1::Request request;
  v1::ChargeSources& all = *request.mutable_charge_sources();
  for (const auto& [source, due] : charges) {
    v1::Charge& one = *all.add_charges();
    write_subnet(source, *one.mutable_source());
    one.set_connections(as_units(due.charge.connections));
    one.set_requests(as_units(due.charge.requests));
    one.set_time_ns(due.time_ns);
  }
  std::string untold;  // the link says what is wrong with it
  ask_(request, untold);
}

}  // namespace dam::control
