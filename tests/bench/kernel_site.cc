// SPDX-License-Identifier: BSD-3-Clause
#include "tests/bench/kernel_site.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "dataplane/drivers/xdp/view.h"
#include "dataplane/engine/standing_control.h"
#include "ebpf/xdp_bench.skel.h"

namespace dam::bench {
namespace {

static_assert(sizeof(xdp_bench_bpf::xdp_bench_bpf__bss::ring) == size_t{kRing} * 80);
constexpr uint32_t kNoExtraFlows = 0;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

uint64_t kernel_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Times are whole nanoseconds a packet, cut off: half of one is added.
void add(Timed& timed, const bpf_test_run_opts& options) {
  timed.ns += (options.duration + 0.5) * options.repeat;
  timed.units += static_cast<uint64_t>(options.repeat);
}

}  // namespace

Devices::Devices() {
  if (unshare(CLONE_NEWNET) != 0) fail("A network namespace");
  for (size_t i = 0; i < fd_.size(); ++i) {
    fd_[i] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (fd_[i] < 0 || ioctl(fd_[i], TUNSETIFF, &request) != 0) fail("A device (/dev/net/tun)");
    const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ioctl(socket_fd, SIOCGIFINDEX, &request) != 0) fail("The index of a device");
    close(socket_fd);
    ifindex_[i] = static_cast<uint32_t>(request.ifr_ifindex);
  }
}

Devices::~Devices() {
  for (int fd : fd_) close(fd);
}

void Yardsticks::Destroy::operator()(xdp_bench_bpf* bpf) const { xdp_bench_bpf__destroy(bpf); }

Yardsticks::Yardsticks() : bpf_(xdp_bench_bpf__open_and_load()) {
  if (bpf_ == nullptr) throw std::runtime_error("The kernel refuses the benchmark's own programs.");
}
Yardsticks::~Yardsticks() = default;

int Yardsticks::drop_fd() const { return bpf_program__fd(bpf_->progs.bench_drop); }
int Yardsticks::tx_fd() const { return bpf_program__fd(bpf_->progs.bench_tx); }
int Yardsticks::lru_bucket_fd() const { return bpf_program__fd(bpf_->progs.bench_lru_bucket); }
int Yardsticks::miss_fd() const { return bpf_program__fd(bpf_->progs.bench_miss); }

Outcome Yardsticks::repeat(int program_fd, uint32_t ifindex, std::span<const uint8_t> frame,
                           uint32_t times, Timed& timed) {
  Outcome outcome;
  outcome.frame.resize(frame.size() + 256);
  xdp_md context{};
  context.data_end = static_cast<uint32_t>(frame.size());
  context.ingress_ifindex = ifindex;
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = outcome.frame.data(),
              .data_size_in = static_cast<uint32_t>(frame.size()),
              .data_size_out = static_cast<uint32_t>(outcome.frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = static_cast<int>(times));
  if (bpf_prog_test_run_opts(program_fd, &options) != 0) fail("BPF_PROG_TEST_RUN");
  add(timed, options);
  outcome.verdict = options.retval;
  outcome.frame.resize(options.data_size_out);
  return outcome;
}

Outcome Yardsticks::feed(int program_fd, const Devices& devices, std::span<const Frame> frames,
                         Timed& timed) {
  const uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(bpf_->maps.measured), &zero, &program_fd, BPF_ANY) != 0) {
    fail("The program to be measured");
  }
  Outcome outcome;
  for (uint8_t port : {kFrontPort, kBackPort}) {
    uint32_t count = 0;
    const Frame* last = nullptr;
    for (const Frame& frame : frames) {
      if (frame.port != port) continue;
      if (last != nullptr && last->bytes != frame.bytes) throw std::logic_error("frame lengths");
      std::memcpy(bpf_->bss->ring[count++], frame.data, frame.bytes);
      last = &frame;
    }
    if (last == nullptr) continue;
    bpf_->bss->next_frame = 0;
    bpf_->bss->frame_bytes = last->bytes;
    outcome = repeat(bpf_program__fd(bpf_->progs.bench_next), devices.ifindex(port),
                     {last->data, last->bytes}, count, timed);
  }
  return outcome;
}

KernelSite::KernelSite(const Devices& devices, const Sizes& sizes)
    : devices_(devices),
      tables_(site_limits(sizes.flows), kHashKey, KernelTables::Use::on_device),
      world_(sizes, kNoExtraFlows, tables_.engine_tables()) {
  if (world_.now_ns() > kernel_now_ns()) {
    throw std::runtime_error("This machine has not been up for long enough: try in two minutes.");
  }
}

void KernelSite::put_in_force(const std::shared_ptr<const Policy>& policy) {
  if (policy == in_force_) return;
  in_force_ = policy;
  Engine& engine = world_.engine();
  std::vector<XdpInterface> interfaces;
  for (uint8_t port : {kFrontPort, kBackPort}) interfaces.push_back({devices_.ifindex(port), port});
  dam_view& view = tables_.draft();
  fill_view(view, *policy, engine, interfaces, engine.worker(0).client_window());
  fill_promises(view, engine.worker(0).promises());
  tables_.set_lists(*policy, view);
  set_secrets(tables_.control(), engine.secrets());
  tables_.publish_draft();
  tables_.beat(UINT64_MAX / 2);  // no loop runs here
  for (dam_source_entry& source : tables_.engine_tables().sources)
    std::ranges::fill(source.tat_ns, 0);
}

dam_worker_counters KernelSite::counted() {
  dam_worker_counters counters{};
  tables_.collect(counters);
  return counters;
}

}  // namespace dam::bench
