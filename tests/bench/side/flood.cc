// SPDX-License-Identifier: BSD-3-Clause
// A bounded flood of SYNs out of one device of the lab, and a sink there for the answers. Refuses
// targets outside of 198.18.0.0/15. Its priority is the lowest, so that clients on the same core
// are served first. usage: side_flood DEVICE TARGET_MAC TARGET_ADDRESS PORT PER_SECOND SECONDS
// [FLAGS] PER_SECOND 0: as many as it can. FLAGS: of TCP, 0x02 (a SYN) when left out
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>

#include "side_flood/flood.skel.h"
#include "tests/bench/side/flood.h"

namespace {

constexpr uint32_t kLab = 0xc6120000, kLabMask = 0xfffe0000;  // 198.18.0.0/15
constexpr double kMostSeconds = 60;
// The kernel makes a pool of pages for each call, which costs as much as a thousand frames; between
// batches it lets others run.
constexpr uint32_t kCall = 8192, kBatch = 8;

using Frame = std::array<uint8_t, FLOOD_FRAME>;

struct Target {
  ether_addr mac{};
  in_addr address{};
  uint16_t port = 0;
  uint8_t flags = TH_SYN;
};

uint32_t sum16(const uint8_t* at, size_t bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes; i += 2) {
    uint16_t word = 0;
    std::memcpy(&word, at + i, sizeof word);
    sum += word;
  }
  return sum;
}

// All but source, port, number and checksums, which are zero.
Frame make_frame(const Target& to) {
  Frame frame{};
  std::memcpy(frame.data(), to.mac.ether_addr_octet, ETH_ALEN);
  frame[6] = 2;  // the sender's link address: locally administered
  frame[12] = ETHERTYPE_IP >> 8;
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons(sizeof(iphdr) + sizeof(tcphdr));
  ip.ttl = 64;
  ip.protocol = IPPROTO_TCP;
  ip.daddr = to.address.s_addr;
  tcphdr tcp{};
  tcp.th_dport = htons(to.port);
  tcp.th_off = 5;
  tcp.th_flags = to.flags;
  tcp.th_win = htons(64240);
  std::memcpy(frame.data() + 14, &ip, sizeof ip);
  std::memcpy(frame.data() + 34, &tcp, sizeof tcp);
  return frame;
}

struct Destroy {
  void operator()(flood_bpf* skeleton) const { flood_bpf__destroy(skeleton); }
};

std::unique_ptr<flood_bpf, Destroy> load(const Frame& frame, double per_second, uint8_t flags) {
  std::unique_ptr<flood_bpf, Destroy> skeleton(flood_bpf__open());
  if (!skeleton) throw std::runtime_error("flood.bpf.o cannot be opened");
  std::memcpy(skeleton->rodata->base, frame.data(), sizeof skeleton->rodata->base);
  skeleton->rodata->ip_sum = sum16(frame.data() + 14, sizeof(iphdr));
  skeleton->rodata->tcp_sum = sum16(frame.data() + 34, sizeof(tcphdr)) +
                              sum16(frame.data() + 30, 4) + htons(IPPROTO_TCP) +
                              htons(sizeof(tcphdr));
  skeleton->rodata->acknowledges = (flags & TH_ACK) != 0 ? 1 : 0;
  if (per_second > 0) skeleton->rodata->pause_ns = static_cast<uint64_t>(1e9 / per_second);
  if (flood_bpf__load(skeleton.get()) != 0)
    throw std::runtime_error("the kernel refuses flood.bpf.o");
  return skeleton;
}

uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void send_many(int program, xdp_md& context, Frame& frame) {
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = FLOOD_FRAME,
              .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = kCall,
              .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = kBatch);
  const int error = bpf_prog_test_run_opts(program, &run);
  if (error != 0) throw std::runtime_error(std::string("live frames: ") + std::strerror(-error));
}

// Says how many were let out; those for which the other end has no room are lost on the way.
uint64_t send(int program, int device, Frame& frame, double seconds) {
  xdp_md context{};
  context.data_end = FLOOD_FRAME;
  context.ingress_ifindex = static_cast<uint32_t>(device);
  const auto end = now_ns() + static_cast<uint64_t>(std::min(seconds, kMostSeconds) * 1e9);
  uint64_t sent = 0;
  while (now_ns() < end) {
    send_many(program, context, frame);
    sent += kCall;
  }
  return sent;
}

Target target(char** words) {
  Target to;
  if (ether_aton_r(words[0], &to.mac) == nullptr) throw std::invalid_argument("no link address");
  if (inet_aton(words[1], &to.address) == 0) throw std::invalid_argument("no IPv4 address");
  if ((ntohl(to.address.s_addr) & kLabMask) != kLab)
    throw std::invalid_argument("not the lab's 198.18.0.0/15");
  to.port = static_cast<uint16_t>(std::atoi(words[2]));
  if (words[5] != nullptr) to.flags = static_cast<uint8_t>(std::strtoul(words[5], nullptr, 16));
  return to;
}

void flood(char** words) {
  const Target to = target(words + 1);
  Frame frame = make_frame(to);
  const auto device = static_cast<int>(if_nametoindex(words[0]));
  if (device == 0) throw std::invalid_argument(std::string("no device ") + words[0]);
  const auto skeleton = load(frame, std::atof(words[4]), to.flags);
  const int sink = bpf_program__fd(skeleton->progs.sink),
            syn = bpf_program__fd(skeleton->progs.syn);
  bpf_xdp_detach(device, 0, nullptr);  // one that passes everything, where a dam needs one
  if (bpf_xdp_attach(device, sink, XDP_FLAGS_DRV_MODE, nullptr) != 0) {
    throw std::runtime_error("the sink cannot be attached");
  }
  std::puts("ready");
  std::fflush(stdout);
  std::getchar();  // until told to begin
  const sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
  const uint64_t sent = send(syn, device, frame, std::atof(words[5]));
  std::printf("{\"sent\": %" PRIu64 "}\n", sent);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) {
    std::fprintf(
        stderr,
        "usage: side_flood DEVICE TARGET_MAC TARGET_ADDRESS PORT PER_SECOND SECONDS [FLAGS]\n");
    return 2;
  }
  try {
    flood(argv + 1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "side_flood: %s\n", error.what());
    return 1;
  }
}
