// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/scenes.h"

#include <algorithm>
#include <random>
#include <utility>

#include "dataplane/core/tls_records.h"
#include "tests/bench/hello_bytes.h"

namespace dam::bench {
namespace {

constexpr uint32_t kSceneRing = 4096;  // 128 bursts: as many buffers as a port's ring may hold
constexpr uint8_t kSixBytes[6] = {'d', 'a', 'm', '6', '0', '!'};  // 60 bytes: 64 with the FCS
constexpr uint8_t kRecord[6] = {DAM_TLS_DATA, DAM_TLS_MAJOR, 3, 0, 1, '!'};
constexpr uint32_t kMss = 1460;
// What Linux sends: MSS 1460, SACK permitted, timestamps, window scale 7: 74 bytes in all.
constexpr uint8_t kLinuxSynOptions[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 1,
                                        2, 3, 0, 0,   0, 0, 1, 3,  3, 7};

// xorshift64*: the choice of flows must not cost more than the flows do.
class Random {
 public:
  uint32_t below(uint32_t bound) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 2685821657736338717ull >> 32) * bound >> 32);
  }

 private:
  uint64_t state_ = 88172645463325252ull;
};

enum class Ways { up, both };

void fill_established(World& world, std::span<Frame> frames, Random& random, Ways ways,
                      std::span<const uint8_t> payload = kSixBytes) {
  const Peer& peer = world.peer();
  for (Frame& frame : frames) {
    const uint32_t flow = world.first_flow() + random.below(world.live_flows());
    const bool up = ways == Ways::up || random.below(2) == 0;
    frame.port = up ? kFrontPort : kBackPort;
    frame.bytes = up ? peer.write_client_data(flow, payload, 0, frame.data)
                     : peer.write_server_data(flow, payload, frame.data);
  }
}

TcpFields to_listener(uint32_t source, uint16_t port) {
  return {.src = source, .dst = kDamFront, .src_port = port, .dst_port = kServicePort};
}

// A flood with forged sources: every SYN another address and port.
void fill_syns(std::span<Frame> frames, Random& random) {
  constexpr uint16_t kUnusedPorts = 40000;
  for (Frame& frame : frames) {
    const auto port = static_cast<uint16_t>(kUnusedPorts + random.below(20000));
    TcpFields syn = to_listener(kFirstClient + random.below(kSources), port);
    syn.seq = random.below(~0u);
    syn.flags = kSyn;
    syn.options = kLinuxSynOptions;
    frame.port = kFrontPort;
    frame.bytes = write_tcp(frame.data, kDamMac[kFrontPort], kPeerMac[kFrontPort], syn);
  }
}

std::string unless(bool right, const std::string& wrong) { return right ? "" : wrong; }

std::string unless_spliced(World& world) {
  const Tally tally = world.settle(false);
  return unless(tally.sent >= kSceneRing && tally.dropped == 0, "a packet was not spliced");
}

}  // namespace

Scene splice(const World& world) {
  const auto random = std::make_shared<Random>();
  return {.name = "splice/1M",
          .policy = world.policy_with({}),
          .frames = kSceneRing,
          .units = kSceneRing,
          .fill = [random](World& w,
                           std::span<Frame> f) { fill_established(w, f, *random, Ways::both); },
          .settle = [](World& w) { return unless_spliced(w); }};
}

// Each packet is a record of TLS, in a zone that counts requests.
Scene splice_requests(const World& world) {
  const auto random = std::make_shared<Random>();
  const auto fill = [random](World& w, std::span<Frame> f) {
    fill_established(w, f, *random, Ways::both, kRecord);
  };
  return {.name = "splice/requests",
          .policy = world.policy_with({.requests = true}),
          .frames = kSceneRing,
          .units = kSceneRing,
          .fill = fill,
          .settle = [](World& w) { return unless_spliced(w); }};
}

// One packet in ten seconds passes for each source: a thousandth of what comes.
Scene over_bucket(const World& world) {
  const auto random = std::make_shared<Random>();
  return {
      .name = "over_bucket",
      .policy = world.policy_with({.source_packets_milli = 100}),
      .frames = kSceneRing,
      .units = kSceneRing,
      .fill = [random](World& w, std::span<Frame> f) { fill_established(w, f, *random, Ways::up); },
      .settle =
          [](World& w) {
            const Tally tally = w.settle(false);
            return unless(tally.dropped >= kSceneRing * 99 / 100, "packets passed an empty bucket");
          }};
}

Scene syn_cookie(const World& world) {
  const auto random = std::make_shared<Random>();
  return {.name = "syn_cookie",
          .policy = world.policy_with({}),
          .frames = kSceneRing,
          .units = kSceneRing,
          .fill = [random](World&, std::span<Frame> f) { fill_syns(f, *random); },
          .settle =
              [](World& w) {
                const Tally tally = w.settle(false);
                return unless(tally.sent >= kSceneRing && tally.dropped == 0,
                              "a SYN was not answered");
              }};
}

Scene banned(const World& world) {
  const auto random = std::make_shared<Random>();
  const auto denied =
      std::make_shared<std::vector<SourcePrefix>>(random_prefixes(world.sizes().denied));
  const auto fill = [random, denied](World&, std::span<Frame> frames) {
    for (Frame& frame : frames) {
      const SourcePrefix& prefix = (*denied)[random->below(static_cast<uint32_t>(denied->size()))];
      const uint32_t first = dam_ntoh32({prefix.address.word[3]});
      const uint32_t size = 1u << (128 - prefix.prefix_bits);
      TcpFields tcp = to_listener(first + random->below(size), 50000);
      tcp.flags = kAck;
      tcp.payload = kSixBytes;
      frame.port = kFrontPort;
      frame.bytes = write_tcp(frame.data, kDamMac[kFrontPort], kPeerMac[kFrontPort], tcp);
    }
  };
  const auto settle = [before = uint64_t{0}](World& w) mutable {
    w.settle(false);
    const uint64_t drops =
        w.drops(DAM_DROP_denied) - std::exchange(before, w.drops(DAM_DROP_denied));
    return unless(drops >= kSceneRing, "a denied source got through");
  };
  return {.name = "banned",
          .policy = world.policy_with({.deny = *denied}),
          .frames = kSceneRing,
          .units = kSceneRing,
          .fill = fill,
          .settle = settle};
}

namespace {

// Simulated time until the engine has only the live flows left; false: it never came to that. The
// live flows' timers were set within a second of each other: when their horizon comes, all others
// wait until the million has had its turn.
bool drain(World& world) {
  const uint32_t live = world.live_flows();
  for (int i = 0; i < 1000 && world.worker().flows_used() != live; ++i) world.advance(100'000'000);
  return world.worker().flows_used() == live;
}

Scene flow_open(const World& world) {
  const auto fill = [](World& w, std::span<Frame> frames) {
    const uint32_t first = w.live_flows();
    w.open(first, kSceneRing, Goal::cookie);
    for (uint32_t i = 0; i < frames.size(); ++i) {
      frames[i].port = kFrontPort;
      frames[i].bytes = w.peer().write_cookie_ack(first + i, frames[i].data);
    }
  };
  const auto settle = [](World& w) {
    w.settle(false);
    const uint32_t opened = w.worker().flows_used() - w.live_flows();
    if (opened != kSceneRing) return "only " + std::to_string(opened) + " flows were made";
    return unless(drain(w), "flows outlived their time");
  };
  return {.name = "flow_open",
          .policy = world.policy_with({}),
          .frames = kSceneRing,
          .units = kSceneRing,
          .fill = fill,
          .settle = settle};
}

// The segments of a hello follow one another, as a client sends them.
Scene hello(const World& world, uint32_t hello_bytes) {
  const auto bytes = std::make_shared<std::vector<uint8_t>>(client_hello(kServedName, hello_bytes));
  const uint32_t segments = (hello_bytes + kMss - 1) / kMss;
  const uint32_t hellos = kSceneRing / segments;
  const auto fill = [=](World& w, std::span<Frame> frames) {
    const uint32_t first = w.live_flows();
    w.open(first, hellos, Goal::hello);
    for (uint32_t i = 0; i < frames.size(); ++i) {
      const uint32_t offset = i % segments * kMss;
      const auto part =
          std::span(*bytes).subspan(offset, std::min<size_t>(kMss, hello_bytes - offset));
      frames[i].port = kFrontPort;
      frames[i].bytes =
          w.peer().write_client_data(first + i / segments, part, offset, frames[i].data);
    }
  };
  const auto settle = [=](World& w) {
    const uint32_t before = w.peer().spliced();
    w.pump();
    const uint32_t arrived = w.peer().spliced() - before;
    for (uint32_t i = 0; i < hellos; ++i) {
      w.peer().send_reset(w.live_flows() + i, hello_bytes, w.outbox());
    }
    w.pump();
    if (arrived != hellos) return "only " + std::to_string(arrived) + " hellos reached a server";
    return unless(drain(w), "flows outlived their RST");
  };
  return {.name = "client_hello/" + std::to_string(hello_bytes),
          .policy = world.policy_with({}),
          .frames = hellos * segments,
          .units = hellos,
          .fill = fill,
          .settle = settle};
}

}  // namespace

std::vector<Scene> make_scenes(const World& world) {
  return {splice(world),      splice_requests(world), syn_cookie(world), banned(world),
          over_bucket(world), flow_open(world),       hello(world, 500), hello(world, 1800)};
}

}  // namespace dam::bench
