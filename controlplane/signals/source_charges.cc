// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/source_charges.h"

#include <algorithm>
#include <utility>

#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

uint32_t as_units(uint64_t units) {
  return static_cast<uint32_t>(std::min<uint64_t>(units, UINT32_MAX));
}

}  // namespace

SourceCharges::SourceCharges(Ask ask) : ask_(std::move(ask)), thread_([this] { run(); }) {}

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
    SignalCharge& sum = waiting_[source];
    sum.connections += charge.connections;
    sum.requests += charge.requests;
  }
  came_.notify_all();
  return true;
}

void SourceCharges::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    came_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Waiting charges = std::exchange(waiting_, {});
    lock.unlock();
    tell(charges);
    lock.lock();
  }
}

void SourceCharges::tell(const Waiting& charges) {
  v1::Request request;
  v1::ChargeSources& all = *request.mutable_charge_sources();
  for (const auto& [source, charge] : charges) {
    v1::Charge& one = *all.add_charges();
    write_subnet(source, *one.mutable_source());
    one.set_connections(as_units(charge.connections));
    one.set_requests(as_units(charge.requests));
  }
  std::string untold;  // the link says what is wrong with it
  ask_(request, untold);
}

}  // namespace dam::control
