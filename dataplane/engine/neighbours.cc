// SPDX-License-Identifier: BSD-3-Clause
// The table of next hops, and what worker 0 does for it. Answers are in neighbours_answer.cc.
#include "dataplane/engine/neighbours.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/core/siphash.h"
#include "dataplane/engine/link_messages.h"

namespace dam {

namespace {

constexpr uint32_t kSlots = 2 * Neighbours::kCapacity;
static_assert(kSlots == DAM_MAX_NEIGHBOURS);
constexpr uint32_t kProbes = 128;  // several times the longest run to be expected at half load
constexpr int kSpins = 1000;       // another worker writes 20 bytes meanwhile
constexpr uint32_t kFree = DAM_NEIGHBOUR_free;
constexpr uint32_t kWriting = DAM_NEIGHBOUR_writing;
constexpr uint32_t kReady = DAM_NEIGHBOUR_ready;

// A link that has just come up loses frames: who is not known yet is asked again soon, a few times,
// and then no more than RFC 1122 2.3.2.1 and RFC 4861 10 (RETRANS_TIMER) have it.
constexpr std::array<uint64_t, 4> kFirstPausesNs{50'000'000, 100'000'000, 200'000'000, 400'000'000};
constexpr uint64_t kAskEveryNs = 1'000'000'000;
constexpr uint64_t kRefreshNs = 30'000'000'000;
constexpr uint8_t kMostUnanswered = 3;  // to the one that is known; then everybody is asked
constexpr uint8_t kMostUnansweredAtFirst = kFirstPausesNs.size() + 2;  // 1.75 s
constexpr uint8_t kMostASecond = 30;                                   // then every kRefreshNs
constexpr uint64_t kScanEveryNs = 100'000'000;
constexpr uint64_t kHurriedScanNs = 10'000'000;  // while somebody is in his first pauses

// Any order serves, if it is quick.
bool less(const dam_address& a, const dam_address& b) {
  const uint64_t first_a = dam_load64(&a.word[0]);
  const uint64_t first_b = dam_load64(&b.word[0]);
  return first_a != first_b ? first_a < first_b : dam_load64(&a.word[2]) < dam_load64(&b.word[2]);
}
bool equal(const dam_address& a, const dam_address& b) { return dam_address_equal(&a, &b) != 0; }

dam_address mask_of(uint32_t bits) {
  dam_address mask{};
  for (uint32_t i = 0; i < 4; ++i) {
    const auto here =
        static_cast<uint32_t>(std::clamp<int>(static_cast<int>(bits - 32 * i), 0, 32));
    mask.word[i] = here == 0 ? 0 : __builtin_bswap32(~0u << (32 - here));
  }
  return mask;
}

bool covers(const dam_address& prefix, const dam_address& mask, const dam_address& address) {
  uint32_t difference = 0;
  for (int i = 0; i < 4; ++i) {
    difference |= (prefix.word[i] ^ address.word[i]) & mask.word[i];
  }
  return difference == 0;
}

bool same_family(const dam_address& a, const dam_address& b) {
  return dam_address_is_v4(&a) == dam_address_is_v4(&b);
}

// Strangers cannot choose on-link addresses, so the key may be known.
uint32_t slot_of(uint16_t interface, const dam_address& address) {
  constexpr uint64_t kKey[2] = {0x6e65696768626f75, 0x7273};
  const uint64_t words[3] = {uint64_t{address.word[0]} << 32 | address.word[1],
                             uint64_t{address.word[2]} << 32 | address.word[3], interface};
  return static_cast<uint32_t>(dam_siphash13(kKey, words, 3));
}

uint32_t settled_state(const uint32_t& state) {
  uint32_t seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
  for (int i = 0; seen == kWriting && i < kSpins; ++i) {
    _mm_pause();
    seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
  }
  return seen;
}

template <class T>
T load(const T& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}
template <class T>
void store(T& shared, std::type_identity_t<T> value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELAXED);
}

}  // namespace

Neighbours::Neighbours(std::vector<Interface> interfaces, std::span<dam_neighbour> table,
                       std::span<uint64_t> macs)
    : interfaces_(std::move(interfaces)),
      on_link_(links_of(interfaces_)),
      neighbours_(table.empty() ? BigArray<Neighbour>(kSlots) : BigArray(table)),
      macs_(macs.empty() ? BigArray<uint64_t>(kSlots) : BigArray(macs)),
      order_(kCapacity),
      by_host_(interfaces_.size(), false) {
  adopt();
  set_own({});
  for (const Link& link : on_link_) {
    if (!dam_address_is_v4(&link.prefix)) continue;
    const uint32_t last = link.prefix.word[3] | ~link.mask.word[3];
    on_link_v4_.push_back(
        {link.prefix.word[3], link.mask.word[3], last, link.interface, link.bits < 127});
  }
  for (uint16_t i = 0; i < links(); ++i) {
    for (const dam_address& gateway : interfaces_[i].gateways) {
      NextHop& hop = by_gateway_[dam_address_is_v4(&gateway) ? 0 : 1];
      if (hop) continue;
      hop = {i, find_or_make(i, gateway)};
      if (hop) keep_asking(hop.neighbour);
    }
  }
}

// A slot that is not ready was being written when its dataplane ended.
void Neighbours::adopt() {
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    Neighbour& neighbour = neighbours_[slot];
    const bool whole = neighbour.state == kReady && neighbour.interface < links();
    if (!whole || used() == kCapacity) {
      neighbour = {};
      continue;
    }
    neighbour.asked_ns = neighbour.confirmed_ns = 0;
    neighbour.unanswered = neighbour.wanted = neighbour.named = 0;
    order_[used_.fetch_add(1, std::memory_order_relaxed)] = static_cast<uint16_t>(slot + 1);
  }
}

Neighbours::OwnSet::OwnSet(std::vector<dam_address> addresses) : sorted(std::move(addresses)) {
  std::sort(sorted.begin(), sorted.end(), less);
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
  for (const dam_address& address : sorted) {
    filter[bit_of(address) / 64] |= uint64_t{1} << bit_of(address) % 64;
  }
}

void Neighbours::set_own(std::vector<dam_address> listeners) {
  for (const Interface& interface : interfaces_) {
    for (const Subnet& subnet : interface.subnets) listeners.push_back(subnet.address);
  }
  auto fresh = std::make_unique<const OwnSet>(std::move(listeners));
  if (!kept_.empty()) {
    const std::vector<dam_address>& before = kept_.back()->sorted;
    if (std::equal(fresh->sorted.begin(), fresh->sorted.end(), before.begin(), before.end(),
                   equal)) {
      return;
    }
  }
  kept_.push_back(std::move(fresh));
  own_.store(kept_.back().get(), std::memory_order_release);
  announced_.store(0, std::memory_order_release);
}

bool Neighbours::is_own(const dam_address& address) const {
  const OwnSet& own = *own_.load(std::memory_order_acquire);
  const uint32_t bit = OwnSet::bit_of(address);
  if ((own.filter[bit / 64] >> bit % 64 & 1) == 0) return false;
  return std::binary_search(own.sorted.begin(), own.sorted.end(), address, less);
}

// Is the address ours on this link? Listeners are ours wherever somebody asks for them.
bool Neighbours::owns(uint16_t interface, const dam_address& address) const {
  if (!is_own(address)) return false;
  bool elsewhere = false;
  for (uint16_t i = 0; i < links(); ++i) {
    for (const Subnet& subnet : interfaces_[i].subnets) {
      if (!equal(subnet.address, address)) continue;
      if (i == interface) return true;
      elsewhere = true;
    }
  }
  return !elsewhere;
}

uint16_t Neighbours::interface_of(uint8_t port, uint16_t vlan) const {
  for (uint16_t i = 0; i < links(); ++i) {
    if (interfaces_[i].port == port && interfaces_[i].vlan == vlan) return i;
  }
  return NextHop::kNone;
}

std::vector<Neighbours::Link> Neighbours::links_of(const std::vector<Interface>& interfaces) {
  std::vector<Link> links;
  for (size_t i = 0; i < interfaces.size(); ++i) {
    for (const Subnet& subnet : interfaces[i].subnets) {
      Link link{subnet.address, mask_of(subnet.prefix_bits), static_cast<uint16_t>(i),
                subnet.prefix_bits};
      for (int w = 0; w < 4; ++w) link.prefix.word[w] &= link.mask.word[w];
      const bool known = std::any_of(links.begin(), links.end(), [&](const Link& other) {
        return other.bits == link.bits && equal(other.prefix, link.prefix);
      });
      if (!known) links.push_back(link);
    }
  }
  std::stable_sort(links.begin(), links.end(),
                   [](const Link& a, const Link& b) { return a.bits > b.bits; });
  return links;
}

uint16_t Neighbours::on_link(const dam_address& destination) const {
  if (dam_address_is_v4(&destination)) {
    for (const LinkV4& link : on_link_v4_) {
      if ((destination.word[3] & link.mask) == link.prefix) return link.interface;
    }
    return NextHop::kNone;
  }
  for (const Link& link : on_link_) {
    if (covers(link.prefix, link.mask, destination) && same_family(link.prefix, destination)) {
      return link.interface;
    }
  }
  return NextHop::kNone;
}

uint16_t Neighbours::link_towards(const dam_address& destination) const {
  const uint16_t interface = on_link(destination);
  if (interface != NextHop::kNone) return interface;
  return by_gateway_[dam_address_is_v4(&destination) ? 0 : 1].interface;
}

NextHop Neighbours::next_hop(const dam_address& destination) {
  const uint16_t interface = on_link(destination);
  if (interface == NextHop::kNone) return by_gateway_[dam_address_is_v4(&destination) ? 0 : 1];
  return {interface, find_or_make(interface, destination)};
}

uint16_t Neighbours::find(uint16_t interface, const dam_address& address) const {
  const uint32_t start = slot_of(interface, address);
  for (uint32_t i = 0; i < kProbes; ++i) {
    const uint32_t slot = (start + i) % kSlots;
    const Neighbour& neighbour = neighbours_[slot];
    const uint32_t state = settled_state(neighbour.state);
    if (state == kFree) return NextHop::kNone;
    if (state == kReady && neighbour.interface == interface && equal(neighbour.address, address)) {
      return static_cast<uint16_t>(slot);
    }
  }
  return NextHop::kNone;
}

uint16_t Neighbours::find_or_make(uint16_t interface, const dam_address& address) {
  const uint32_t start = slot_of(interface, address);
  for (uint32_t i = 0; i < kProbes; ++i) {
    const uint32_t slot = (start + i) % kSlots;
    const Neighbour& neighbour = neighbours_[slot];
    uint32_t state = settled_state(neighbour.state);
    if (state == kFree) {
      if (used_.load(std::memory_order_relaxed) >= kCapacity) return NextHop::kNone;
      if (make(slot, interface, address)) return static_cast<uint16_t>(slot);
      state = settled_state(neighbour.state);
    }
    if (state != kReady) return NextHop::kNone;
    if (neighbour.interface == interface && equal(neighbour.address, address)) {
      return static_cast<uint16_t>(slot);
    }
  }
  return NextHop::kNone;
}

// False: another worker took the slot, or the table is full.
bool Neighbours::make(uint32_t slot, uint16_t interface, const dam_address& address) {
  Neighbour& neighbour = neighbours_[slot];
  uint32_t state = kFree;
  if (!__atomic_compare_exchange_n(&neighbour.state, &state, kWriting, false, __ATOMIC_ACQUIRE,
                                   __ATOMIC_RELAXED)) {
    return false;
  }
  const uint32_t ticket = used_.fetch_add(1, std::memory_order_relaxed);
  if (ticket >= kCapacity) {
    used_.fetch_sub(1, std::memory_order_relaxed);
    __atomic_store_n(&neighbour.state, kFree, __ATOMIC_RELEASE);
    return false;
  }
  neighbour.address = address;
  neighbour.interface = interface;
  store(neighbour.wanted, 1);
  __atomic_store_n(&neighbour.state, kReady, __ATOMIC_RELEASE);
  __atomic_store_n(&order_[ticket], static_cast<uint16_t>(slot + 1), __ATOMIC_RELEASE);
  attention_.store(1, std::memory_order_release);
  return true;
}

void Neighbours::keep_asking(uint16_t id) {
  store(neighbours_[id].named, 1);
  attention_.store(1, std::memory_order_release);
}

void Neighbours::want(uint16_t id) const {
  Neighbour& neighbour = neighbours_[id];
  if (load(neighbour.wanted) != 0) return;
  store(neighbour.wanted, 1);
  attention_.store(1, std::memory_order_release);
}

void Neighbours::suggest(uint16_t id, const dam_address& client, const uint8_t* mac) {
  Neighbour& neighbour = neighbours_[id];
  uint64_t known = load(mac_of(neighbour));
  if (known != kUnknownMac || (mac[0] & 1) != 0 || !equal(neighbour.address, client)) return;
  uint64_t word = 0;
  std::memcpy(&word, mac, 6);
  __atomic_compare_exchange_n(&mac_of(neighbour), &known, word | kKnown, false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
}

uint32_t Neighbours::used() const { return used_.load(std::memory_order_relaxed); }

// `override` as in RFC 4861 7.2.5: without it a known address is not replaced by another one.
Neighbours::Learned Neighbours::learn(uint16_t interface, const dam_address& address,
                                      const uint8_t* mac, bool override, uint64_t now_ns) {
  const uint16_t id = find(interface, address);
  const bool group = (mac[0] & 1) != 0;
  const bool zero = std::all_of(mac, mac + 6, [](uint8_t byte) { return byte == 0; });
  if (id == NextHop::kNone || group || zero) return Learned::stranger;
  Neighbour& neighbour = neighbours_[id];
  uint64_t word = 0;
  std::memcpy(&word, mac, 6);
  word |= kKnown;
  const uint64_t known = load(mac_of(neighbour));
  if (!override && known != kUnknownMac && known != word) return Learned::news;
  store(mac_of(neighbour), word);
  return confirm(id, now_ns) ? Learned::answer : Learned::news;
}

// True: there was a request under way.
bool Neighbours::confirm(uint16_t id, uint64_t now_ns) {
  Neighbour& neighbour = neighbours_[id];
  store(neighbour.confirmed_ns, now_ns);
  if (load(neighbour.unanswered) == 0) return false;
  store(neighbour.unanswered, 0);
  return true;
}

void Neighbours::tick(uint64_t now_ns, Output& output) {
  if (std::find(by_host_.begin(), by_host_.end(), false) == by_host_.end()) return;
  spares_left_ = std::min(kSparesATick, output.spare.count);
  announce(output);
  const bool wanted = attention_.exchange(0, std::memory_order_acq_rel) != 0;
  if (!wanted && now_ns - scanned_ns_ < (hurried_ ? kHurriedScanNs : kScanEveryNs)) return;
  scanned_ns_ = now_ns;
  hurried_ = false;
  for (const uint16_t& slot : order_.all()) {
    const uint16_t id = __atomic_load_n(&slot, __ATOMIC_ACQUIRE);
    if (id == 0 && &slot >= order_.data() + used()) break;
    if (id == 0 || by_host_[neighbours_[id - 1u].interface]) continue;
    attend(neighbours_[id - 1u], now_ns, output);
  }
}

void Neighbours::set_mac(uint16_t interface, const dam_address& address, const MacAddress& mac) {
  learn(interface, address, mac.data(), true, 0);
}

void Neighbours::attend(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  if (load(mac_of(neighbour)) == kUnknownMac) return attend_unknown(neighbour, now_ns, output);
  const uint8_t unanswered = load(neighbour.unanswered);
  if (unanswered == 0 && now_ns < load(neighbour.confirmed_ns) + kRefreshNs) return;
  const uint64_t pause_ns = unanswered >= kMostASecond ? kRefreshNs : kAskEveryNs;
  if (unanswered != 0 && now_ns < neighbour.asked_ns + pause_ns) return;
  ask(neighbour, now_ns, output);
}

// Whom the policy names is asked for whether a packet waits or not; the others for a packet only.
void Neighbours::attend_unknown(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  const bool wanted = load(neighbour.wanted) != 0;
  if (!wanted && load(neighbour.named) == 0) return;
  const uint8_t asked = load(neighbour.unanswered);
  uint64_t pause_ns = !wanted && asked >= kMostASecond ? kRefreshNs : kAskEveryNs;
  if (asked == 0) pause_ns = 0;
  if (asked > 0 && asked <= kFirstPausesNs.size()) pause_ns = kFirstPausesNs[asked - 1u];
  if (now_ns >= neighbour.asked_ns + pause_ns) ask(neighbour, now_ns, output);
  hurried_ |= load(neighbour.unanswered) <= kFirstPausesNs.size();
}

bool Neighbours::is_silent(uint16_t id) const { return is_silent(neighbours_[id]); }

bool Neighbours::is_silent(const Neighbour& neighbour) const {
  const bool known = load(mac_of(neighbour)) != kUnknownMac;
  return load(neighbour.unanswered) >= (known ? kMostUnanswered : kMostUnansweredAtFirst);
}

bool Neighbours::is_way(const NextHop& hop) const {
  return hop.neighbour < kSlots && neighbours_[hop.neighbour].state == kReady &&
         neighbours_[hop.neighbour].interface == hop.interface;
}

const dam_address* Neighbours::source_for(uint16_t interface, const dam_address& target) const {
  const dam_address* first = nullptr;
  for (const Subnet& subnet : interfaces_[interface].subnets) {
    if (!same_family(subnet.address, target)) continue;
    if (covers(subnet.address, mask_of(subnet.prefix_bits), target)) return &subnet.address;
    if (first == nullptr) first = &subnet.address;
  }
  return first;
}

// A request to the whole link, or to the one whose address is to be confirmed. One that is silent
// keeps its address: the answers may be what a flood on our way in has pushed out, and packets to
// the gateway must not stop because of it.
void Neighbours::ask(Neighbour& neighbour, uint64_t now_ns, Output& output) {
  const Interface& interface = interfaces_[neighbour.interface];
  const dam_address* source = source_for(neighbour.interface, neighbour.address);
  if (source == nullptr || spares_left_ == 0) return;
  --spares_left_;
  Frame frame = output.spare.frame[--output.spare.count];
  const uint64_t word = is_silent(neighbour) ? kUnknownMac : load(mac_of(neighbour));
  MacAddress known{};
  std::memcpy(known.data(), &word, 6);
  if (dam_address_is_v4(&neighbour.address)) {
    write_arp(frame, interface,
              {kArpRequest, word == kUnknownMac ? kBroadcastMac : known, *source, known,
               neighbour.address});
  } else {
    const dam_address group = solicited_node(neighbour.address);
    const bool unicast = word != kUnknownMac;
    write_ndp(frame, interface,
              {kNeighbourSolicitation, 0, unicast ? known : multicast_mac(group), *source,
               unicast ? neighbour.address : group, neighbour.address});
  }
  output.urgent.add(frame);
  neighbour.asked_ns = std::max<uint64_t>(now_ns, 1);
  store(neighbour.wanted, 0);
  const uint8_t unanswered = load(neighbour.unanswered);
  if (unanswered < 0xff) store(neighbour.unanswered, static_cast<uint8_t>(unanswered + 1));
}

void Neighbours::announce(Output& output) {
  uint32_t done = announced_.load(std::memory_order_acquire);
  const OwnSet& own = *own_.load(std::memory_order_acquire);
  while (done < own.sorted.size() && spares_left_ >= links()) {
    for (uint16_t i = 0; i < links(); ++i) {
      if (!by_host_[i] && owns(i, own.sorted[done])) announce(own.sorted[done], i, output);
    }
    // Fails when a new set was put in place meanwhile: the next tick begins with it.
    if (!announced_.compare_exchange_strong(done, done + 1, std::memory_order_acq_rel)) return;
    ++done;
  }
}

// RFC 5227 3 (an ARP request for oneself), RFC 4861 7.2.6 (an unsolicited advertisement). Only
// where hosts of the link could look for the address.
void Neighbours::announce(const dam_address& address, uint16_t interface, Output& output) {
  const uint16_t home = on_link(address);
  if (home != NextHop::kNone && home != interface) return;
  if (source_for(interface, address) == nullptr) return;
  --spares_left_;
  Frame frame = output.spare.frame[--output.spare.count];
  if (dam_address_is_v4(&address)) {
    write_arp(frame, interfaces_[interface], {kArpRequest, kBroadcastMac, address, {}, address});
  } else {
    const dam_address nodes = all_nodes();
    write_ndp(
        frame, interfaces_[interface],
        {kNeighbourAdvertisement, kNdpOverride, multicast_mac(nodes), address, nodes, address});
  }
  output.urgent.add(frame);
}

}  // namespace dam
