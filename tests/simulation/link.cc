// SPDX-License-Identifier: BSD-3-Clause
#include "tests/simulation/link.h"

#include <algorithm>

namespace dam::simulation {

void Link::say(const char* what, const Bytes& packet) {
  if (!environment_.trace.prints()) return;
  environment_.trace.say(environment_.now_ns(), name_ + " " + what + text_of(packet));
}

void Link::send(Bytes packet) {
  environment_.trace.note(environment_.now_ns(), packet);
  if (packet.size() > faults.mtu) {
    say("too big for it: ", packet);
    dam_address router = router_v4_;
    if (packet[0] >> 4 == 6) router = {{__builtin_bswap32(0x20010db8), 0, 0, ~uint32_t{0}}};
    Bytes error = too_big_error(packet, faults.mtu, router);
    environment_.queue.after(faults.delay_ns, [this, error = std::move(error)] { refuse_(error); });
    return;
  }
  if (faults.cut || random_.chance(faults.lose)) return say("LOST ", packet);
  if (random_.chance(faults.duplicate)) carry(packet, true);
  if (random_.chance(faults.corrupt)) {
    say("DAMAGED ", packet);
    packet[random_.below(packet.size())] ^= static_cast<uint8_t>(1u << random_.below(8));
  }
  carry(std::move(packet), random_.chance(faults.reorder));
}

void Link::carry(Bytes packet, bool overtaken) {
  uint64_t arrival_ns =
      environment_.now_ns() + faults.delay_ns + random_.below(faults.jitter_ns + 1);
  if (overtaken) {
    arrival_ns += random_.below(8 * (faults.delay_ns + faults.jitter_ns) + 1);
  } else {
    arrival_ns = last_arrival_ns_ = std::max(arrival_ns, last_arrival_ns_);
  }
  environment_.queue.after(arrival_ns - environment_.now_ns(),
                           [this, packet = std::move(packet)]() mutable {
                             say("", packet);
                             deliver_(std::move(packet));
                           });
}

}  // namespace dam::simulation
