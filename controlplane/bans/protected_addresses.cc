// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/protected_addresses.h"

namespace dam::control {

namespace {

// What is wider needs `force`: an eighth of the internet is nobody's address.
constexpr unsigned kWidestV4 = 8;
constexpr unsigned kWidestV6 = 16;

Network host_network(const Address& address) {
  return {address, static_cast<uint8_t>(address.bits())};
}

}  // namespace

ProtectedAddresses::ProtectedAddresses(const Policy* policy, const std::vector<Address>& askers) {
  for (const Address& asker : askers) add(host_network(asker), "your own address", true);
  if (policy == nullptr) return;
  for (const Network& network : policy->admin) add(network, "the admin network", true);
  for (const auto& interface : policy->interfaces) {
    for (const auto& own : interface.value.addresses) {
      add(host_network(own.value.address), "the dam's own address", false);
    }
    for (const auto& gateway : interface.value.gateways) {
      add(host_network(gateway.value), "the gateway of " + interface.name, false);
    }
  }
  for (const Listener& listener : policy->listeners) {
    for (const auto& own : listener.addresses) {
      add(host_network(own.value), "the dam's own address", false);
    }
  }
  for (const auto& server : policy->servers) {
    for (const auto& address : server.value.addresses) {
      add(host_network(address.value), "the server " + server.name, false);
    }
  }
}

void ProtectedAddresses::add(const Network& network, std::string what, bool of_people) {
  const Network masked = network.masked();
  all_[of_people].try_emplace(masked, Entry{std::move(what), of_people});
  lengths_[of_people][masked.address.v6][masked.prefix_bits] = true;
}

// One that contains the source, or lies in it.
const std::pair<const Network, ProtectedAddresses::Entry>* ProtectedAddresses::touched_by(
    const Network& source, bool people) const {
  const auto& all = all_[people];
  for (unsigned bits = 0; bits <= source.prefix_bits; ++bits) {
    if (!lengths_[people][source.address.v6][bits]) continue;
    const auto found = all.find(Network{source.address, static_cast<uint8_t>(bits)}.masked());
    if (found != all.end()) return &*found;
  }
  const auto next = all.lower_bound(source);
  return next != all.end() && source.contains(next->first.address) ? &*next : nullptr;
}

ProtectedAddresses::Objection ProtectedAddresses::to(const Network& source, bool force) const {
  if (const auto* hit = touched_by(source, true)) {
    const std::string who = hit->second.what + " " + hit->first.text();
    return {source.text() + " would lock out " + who,
            "nobody on the admin list is ever banned: ban the networks around it"};
  }
  if (force) return {};
  if (const auto* hit = touched_by(source, false)) {
    return {source.text() + " holds " + hit->second.what + " " + hit->first.address.text(),
            "ban the networks around it, or force it"};
  }
  if (source.prefix_bits < (source.address.v6 ? kWidestV6 : kWidestV4)) {
    return {source.text() + " is wider than /" +
                std::to_string(source.address.v6 ? kWidestV6 : kWidestV4),
            "a smaller network, or force it"};
  }
  return {};
}

}  // namespace dam::control
