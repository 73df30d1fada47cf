// SPDX-License-Identifier: BSD-3-Clause
// The dam on its links: which way a destination lies, the link addresses of next hops (ARP, RFC
// 826; neighbour discovery, RFC 4861), and answers for the dam's own addresses (ARP, NDP, echo).
// Shared by the workers with atomics alone; while a process lives no entry is removed, so ids stay
// valid.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/packet.h"
#include "dataplane/core/plane.h"
#include "dataplane/core/view.h"
#include "dataplane/engine/big_array.h"
#include "dataplane/engine/frame.h"
#include "dataplane/engine/policy.h"

namespace dam {

struct NextHop {
  static constexpr uint16_t kNone = 0xffff;
  uint16_t interface = kNone;
  uint16_t neighbour = kNone;
  explicit operator bool() const { return neighbour != kNone; }
};

class Neighbours {
 public:
  static constexpr uint32_t kCapacity = 4096;
  static constexpr uint32_t kReserved = 256;  // for gateways and servers: see way_back()
  static constexpr uint64_t kUnknownMac = 0;
  static constexpr uint64_t kKnown = DAM_MAC_KNOWN;

  // What of a dataplane before this one is still good for something; gateways are, in any case.
  struct Kept {
    std::vector<bool> ids;  // that flows name; empty: none
    std::vector<dam_address> addresses;
  };
  // `table`, `macs`: memory of another owner, of DAM_MAX_NEIGHBOURS entries each, or none. What is
  // kept of it keeps its ids.
  explicit Neighbours(std::vector<Interface> interfaces, std::span<dam_neighbour> table = {},
                      std::span<uint64_t> macs = {}, const Kept& kept = {});

  // By the longest on-link subnet, else the gateway of the family; makes the neighbour's entry when
  // it is new. None: no way there, or the table is full.
  NextHop next_hop(const dam_address& destination) { return way(destination, kCapacity); }
  // The same to a client, whose coming made it: the last kReserved places are not for them.
  NextHop way_back(const dam_address& client) { return way(client, kCapacity - kReserved); }
  // The interface alone, or NextHop::kNone; makes nothing.
  uint16_t link_towards(const dam_address& destination) const;
  // Of the next hops that the policy names, so that no connection has to wait: it is asked for
  // until it is known, whether a packet needs it or not.
  void keep_asking(uint16_t neighbour);
  // kKnown and, in its first six bytes in memory, the MAC address; or kUnknownMac: it is being
  // asked for. One relaxed load when it is known.
  uint64_t mac_word(uint16_t neighbour) const {
    const uint64_t mac = __atomic_load_n(&macs_[neighbour], __ATOMIC_RELAXED);
    if (mac == kUnknownMac) [[unlikely]]
      want(neighbour);
    return mac;
  }
  // A client on the link has proven that it hears what is sent to this link address: that will do
  // until it is asked, so that its first bytes are acknowledged at once. Of a gateway it proves
  // nothing.
  void suggest(uint16_t neighbour, const dam_address& client, const uint8_t* mac);
  // It has left several requests unanswered.
  bool is_silent(uint16_t neighbour) const;
  // Does this id name a next hop of this interface?
  bool is_way(const NextHop& hop) const;

  std::span<const Interface> interfaces() const { return interfaces_; }
  // A subnet that is on a link of the dam's.
  struct Link {
    dam_address prefix;
    dam_address mask;
    uint16_t interface;
    uint8_t bits;
  };
  std::span<const Link> links_by_length() const { return on_link_; }  // the longest prefix first
  // The interface that a frame came in by (driver port and VLAN), or NextHop::kNone.
  uint16_t interface_of(uint8_t port, uint16_t vlan) const;

  // Control thread: the policy's listener addresses, own from now on beside those of the
  // interfaces, and announced by the next ticks. Replaced sets are kept as long as this object
  // lives.
  void set_own(std::vector<dam_address> listeners);
  bool is_own(const dam_address& address) const;
  // Can a segment that asks for an answer come from there? Not from a group, a broadcast address,
  // this host or nobody (RFC 9293 3.9.2.3, RFC 1122 3.2.1.3).
  bool may_be_source(const dam_address& address) const;
  // Can it come in by this interface, too? A way back by another link would end in a connection
  // whose every segment is refused.
  bool may_come_by(uint16_t interface, const dam_address& address) const {
    return link_towards(address) == interface && may_be_source(address);
  }

  // ARP, neighbour discovery and echo requests to own addresses. True: taken; the frame is now in a
  // list of `output` (answered in place: ARP and NDP in urgent, echo in normal; else dropped), and
  // the caller counts `consumed`. False: untouched, the dam has no use for it.
  bool handle(Frame& frame, const dam_packet& packet, uint64_t now_ns, Output& output);

  // Called by worker 0 at least every 10 ms: asks for unresolved next hops that are named or in use
  // (at once, again after 50, 100, 200 and 400 ms, then every second; for those that nobody uses,
  // after half a minute every 30 s), confirms resolved ones every 30 s and keeps them when they are
  // silent, announces own addresses when they are new.
  // Uses at most kSparesATick spare frames.
  void tick(uint64_t now_ns, Output& output);
  static constexpr uint32_t kSparesATick = 32;

  // Where the host's kernel resolves next hops: this asks and announces nothing there, and is told.
  void leave_to_host(uint16_t interface) { by_host_[interface] = true; }
  void set_mac(uint16_t interface, const dam_address& address, const MacAddress& mac);
  template <class F>  // F(id, interface, address), for each neighbour in use
  void for_each(F&& visit) const;

  uint32_t used() const;

 private:
  using Neighbour = dam_neighbour;
  struct OwnSet {  // the interfaces' addresses included
    explicit OwnSet(std::vector<dam_address> addresses);
    std::vector<dam_address> sorted;
    std::array<uint64_t, 64> filter{};  // the bit of each address: nearly all others find theirs 0
    static uint32_t bit_of(const dam_address& address) {
      return dam_address_bucket(&address, {}) % (64 * 64);
    }
  };
  enum class Learned { stranger, news, answer };

  struct LinkV4 {  // of on_link_, in its order
    uint32_t prefix;
    uint32_t mask;
    uint32_t last;
    uint16_t interface;
    bool has_broadcast;  // a /31 has none (RFC 3021)
  };

  uint16_t links() const { return static_cast<uint16_t>(interfaces_.size()); }
  uint16_t on_link(const dam_address& destination) const;
  NextHop way(const dam_address& destination, uint32_t most);
  uint16_t find(uint16_t interface, const dam_address& address) const;
  uint16_t find_or_make(uint16_t interface, const dam_address& address, uint32_t most);
  bool make(uint32_t slot, uint16_t interface, const dam_address& address);
  void adopt(const Kept& kept);
  bool is_worth_keeping(uint32_t slot, const Kept& kept) const;
  bool is_gateway(uint16_t interface, const dam_address& address) const;
  void reach(uint32_t slot);
  bool owns(uint16_t interface, const dam_address& address) const;

  bool handle_arp(Frame& frame, const dam_packet& packet, uint64_t now_ns, Output& output);
  bool handle_echo(Frame& frame, const dam_packet& packet, Output& output) const;
  bool handle_solicitation(Frame& frame, const dam_packet& packet, uint16_t interface,
                           uint64_t now_ns, Output& output);
  bool handle_advertisement(Frame& frame, const dam_packet& packet, uint16_t interface,
                            uint64_t now_ns, Output& output);
  Learned learn(uint16_t interface, const dam_address& address, const uint8_t* mac, bool override,
                uint64_t now_ns);
  bool confirm(uint16_t neighbour, uint64_t now_ns);

  bool is_silent(const Neighbour& neighbour) const;
  uint64_t& mac_of(const Neighbour& neighbour) const {
    return macs_[static_cast<size_t>(&neighbour - neighbours_.data())];
  }
  void attend(Neighbour& neighbour, uint64_t now_ns, Output& output);
  void attend_unknown(Neighbour& neighbour, uint64_t now_ns, Output& output);
  void ask(Neighbour& neighbour, uint64_t now_ns, Output& output);
  void announce(Output& output);
  void announce(const dam_address& address, uint16_t interface, Output& output);
  const dam_address* source_for(uint16_t interface, const dam_address& target) const;

  void want(uint16_t neighbour) const;
  bool is_broadcast_v4(const dam_address& address) const;
  static std::vector<Link> links_of(const std::vector<Interface>& interfaces);

  std::vector<Interface> interfaces_;
  std::vector<Link> on_link_;  // each subnet once, longest prefix first
  std::vector<LinkV4> on_link_v4_;
  std::array<NextHop, 2> by_gateway_;       // [is IPv6]
  mutable BigArray<Neighbour> neighbours_;  // twice kCapacity: see neighbours_table.h
  mutable BigArray<uint64_t> macs_;         // see mac_word
  BigArray<uint16_t> order_;                // the slots in use, + 1, in the order of their making
  mutable std::atomic<uint32_t> attention_{0};  // something is wanted
  std::atomic<uint32_t> used_{0};
  std::atomic<uint32_t> announced_{0};  // how many of the own set
  std::atomic<const OwnSet*> own_{nullptr};
  std::vector<std::unique_ptr<const OwnSet>> kept_;
  std::vector<bool> by_host_;  // by interface
  uint64_t scanned_ns_ = 0;    // worker 0's
  bool hurried_ = false;       // the same
  uint32_t spares_left_ = 0;   // of this tick
};

template <class F>
void Neighbours::for_each(F&& visit) const {
  for (size_t i = 0; i < used(); ++i) {
    const uint16_t slot = __atomic_load_n(&order_[i], __ATOMIC_ACQUIRE);
    if (slot == 0) continue;  // being made
    const Neighbour& neighbour = neighbours_[slot - 1u];
    visit(static_cast<uint16_t>(slot - 1u), neighbour.interface, neighbour.address);
  }
}

}  // namespace dam
