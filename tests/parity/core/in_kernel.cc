// SPDX-License-Identifier: BSD-3-Clause
// Each call of a function of core runs it in the kernel, as BPF, and once more in this process: the
// test gets what the kernel gave, and an exception where the two differ.
#define DAM_UNDER_TEST_ITSELF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "ebpf/core.skel.h"
#include "tests/parity/core/core_calls.h"
#include "tests/unit/core/under_test.h"

namespace dam::under_test {
namespace {

// A test run takes no frame shorter than its Ethernet header, and none longer than a page holds.
constexpr size_t kLeast = DAM_ETHERNET_BYTES, kMost = 3000;

class Programs {
 public:
  Programs() : bpf_(core_bpf__open_and_load()) {
    if (bpf_ == nullptr) throw std::runtime_error("The kernel refuses tests/parity/core.bpf.c.");
    void* memory =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bpf_->maps.calls), 0);
    if (memory == MAP_FAILED) throw std::runtime_error("Mapping the calls of core.bpf.c");
    call_ = static_cast<core_call*>(memory);
  }
  static Programs& get() {
    static Programs programs;
    return programs;
  }
  core_call& call() { return *call_; }
  auto& programs() { return bpf_->progs; }

  // Gives what has become of the frame.
  std::vector<uint8_t> run(const bpf_program* program, std::vector<uint8_t> frame = {}) {
    frame.resize(std::max(frame.size(), kLeast));
    std::vector<uint8_t> out(frame.size());
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                .data_size_in = static_cast<uint32_t>(frame.size()),
                .data_size_out = static_cast<uint32_t>(out.size()));
    if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0) {
      throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
    }
    if (options.retval != XDP_PASS) throw std::runtime_error("a program of core.bpf.c gave up");
    return out;
  }

 private:
  core_bpf* bpf_;  // to the end of the process
  core_call* call_ = nullptr;
};

template <class T>
void agree(const char* what, const T& kernel, const T& here) {
  if (std::memcmp(&kernel, &here, sizeof(T)) != 0) {
    throw std::runtime_error(std::string("core as BPF and as C++ differ in ") + what);
  }
}

bool fits(size_t bytes) { return bytes >= kLeast && bytes <= kMost; }

std::vector<uint8_t> behind_ethernet(const uint8_t* l3, const uint8_t* end) {
  std::vector<uint8_t> frame(DAM_ETHERNET_BYTES + static_cast<size_t>(end - l3));
  std::copy(l3, end, frame.begin() + DAM_ETHERNET_BYTES);
  return frame;
}

}  // namespace

dam_drop_reason parse(const uint8_t* data, const uint8_t* end, dam_packet* packet) {
  const dam_drop_reason here = dam_parse(data, end, packet);
  if (!fits(static_cast<size_t>(end - data))) return here;
  Programs& kernel = Programs::get();
  kernel.run(kernel.programs().run_parse, {data, end});
  agree("what dam_parse says", static_cast<dam_drop_reason>(kernel.call().result), here);
  agree("the packet of dam_parse", kernel.call().packet, *packet);
  return here;
}

dam_drop_reason parse_embedded(const uint8_t* l3, const uint8_t* end, dam_packet* packet) {
  const dam_drop_reason here = dam_parse_embedded(l3, end, packet);
  if (static_cast<size_t>(end - l3) > kMost) return here;
  Programs& kernel = Programs::get();
  kernel.run(kernel.programs().run_parse_embedded, behind_ethernet(l3, end));
  agree("what dam_parse_embedded says", static_cast<dam_drop_reason>(kernel.call().result), here);
  agree("the packet of dam_parse_embedded", kernel.call().packet, *packet);
  return here;
}

dam_drop_reason parse_tcp_options(const uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                  dam_tcp_options* options) {
  const dam_drop_reason here = dam_parse_tcp_options(data, end, packet, options);
  if (!fits(static_cast<size_t>(end - data))) return here;
  Programs& kernel = Programs::get();
  kernel.call().packet = *packet;
  kernel.run(kernel.programs().run_parse_options, {data, end});
  agree("what dam_parse_tcp_options says", static_cast<dam_drop_reason>(kernel.call().result),
        here);
  if (here == DAM_DROP_none) agree("the options", kernel.call().options, *options);
  return here;
}

dam_drop_reason splice_translate(uint8_t* data, const uint8_t* end, const dam_packet* packet,
                                 const dam_splice* splice, dam_direction direction,
                                 const dam_rewrite* rewrite) {
  const std::vector<uint8_t> before(data, const_cast<uint8_t*>(end));
  const dam_drop_reason here = dam_splice_translate(data, end, packet, splice, direction, rewrite);
  if (!fits(before.size())) return here;
  Programs& kernel = Programs::get();
  core_call& call = kernel.call();
  call.packet = *packet;
  call.splice = *splice;
  call.direction = direction;
  call.rewrite = *rewrite;
  const std::vector<uint8_t> after = kernel.run(kernel.programs().run_splice, before);
  agree("what dam_splice_translate says", static_cast<dam_drop_reason>(call.result), here);
  if (!std::equal(after.begin(), after.end(), data)) {
    throw std::runtime_error("core as BPF and as C++ differ in the frame of dam_splice_translate");
  }
  return here;
}

uint64_t flow_hash(const dam_table_key* key, const dam_flow_key* flow) {
  Programs& kernel = Programs::get();
  kernel.call().table_key = *key;
  kernel.call().flow = *flow;
  kernel.run(kernel.programs().run_flow_hash);
  agree("dam_flow_hash", kernel.call().result, dam_flow_hash(key, flow));
  return kernel.call().result;
}

namespace {

uint64_t siphash_of(const bpf_program* program, const uint64_t key[2], const uint64_t* words,
                    unsigned count, uint32_t tail, uint64_t here) {
  Programs& kernel = Programs::get();
  std::copy_n(key, 2, kernel.call().key);
  std::copy_n(words, count, kernel.call().words);
  kernel.call().tail = tail;
  kernel.run(program);
  agree("SipHash", kernel.call().result, here);
  return kernel.call().result;
}

}  // namespace

// Of other lengths the kernel's plane hashes nothing.
uint64_t siphash24_tail(const uint64_t key[2], const uint64_t* words, unsigned count,
                        uint16_t tail) {
  const uint64_t here = dam_siphash24_tail(key, words, count, tail);
  if (count != 2 && count != 5) return here;
  auto& programs = Programs::get().programs();
  return siphash_of(count == 2 ? programs.run_siphash24_tail2 : programs.run_siphash24_tail5, key,
                    words, count, tail, here);
}

dam_seq syn_cookie_make(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                        dam_seq client_isn, dam_cookie_options options, uint32_t* clock_origin) {
  Programs& kernel = Programs::get();
  core_call& call = kernel.call();
  call.secrets = *secrets;
  call.flow = *flow;
  call.client_isn = client_isn;
  call.cookie = options;
  kernel.run(kernel.programs().run_cookie_make);
  agree("dam_syn_cookie_make", call.isn,
        dam_syn_cookie_make(secrets, flow, client_isn, options, clock_origin));
  agree("the clock's origin", call.clock_origin, *clock_origin);
  return call.isn;
}

int syn_cookie_check(const dam_cookie_secrets* secrets, const dam_flow_key* flow,
                     dam_seq client_isn, dam_seq cookie, dam_cookie_options* options,
                     uint32_t* clock_origin) {
  Programs& kernel = Programs::get();
  core_call& call = kernel.call();
  call.secrets = *secrets;
  call.flow = *flow;
  call.client_isn = client_isn;
  call.isn = cookie;
  kernel.run(kernel.programs().run_cookie_check);
  const int here = dam_syn_cookie_check(secrets, flow, client_isn, cookie, options, clock_origin);
  agree("dam_syn_cookie_check", static_cast<int>(call.result), here);
  agree("the clock's origin", call.clock_origin, *clock_origin);
  const dam_cookie_options& given = call.cookie;
  if (given.wscale != options->wscale || given.sack != options->sack ||
      given.ecn != options->ecn) {  // not the MSS: the program does not give it
    throw std::runtime_error("core as BPF and as C++ differ in the options of a cookie");
  }
  return here;
}

namespace {

uint64_t charge_in_kernel(const bpf_program* program, uint64_t tat_ns, const dam_gcra_rate& rate,
                          uint64_t now_ns, uint32_t units) {
  core_call& call = Programs::get().call();
  call.tat_ns = tat_ns;
  call.rate = rate;
  call.now_ns = now_ns;
  call.count = units;
  Programs::get().run(program);
  return call.result;
}

}  // namespace

int gcra_charge(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns, uint32_t units) {
  Programs& kernel = Programs::get();
  const auto passed = static_cast<int>(
      charge_in_kernel(kernel.programs().run_gcra_charge, *tat_ns, *rate, now_ns, units));
  agree("dam_gcra_charge", passed, dam_gcra_charge(tat_ns, rate, now_ns, units));
  agree("the bucket of dam_gcra_charge", kernel.call().tat_ns, *tat_ns);
  return passed;
}

int gcra_would_admit(const uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns,
                     uint32_t units) {
  const auto passes = static_cast<int>(charge_in_kernel(
      Programs::get().programs().run_gcra_would_admit, *tat_ns, *rate, now_ns, units));
  agree("dam_gcra_would_admit", passes, dam_gcra_would_admit(tat_ns, rate, now_ns, units));
  return passes;
}

void gcra_refit(uint64_t* tat_ns, const dam_gcra_rate* rate, uint64_t now_ns) {
  Programs& kernel = Programs::get();
  charge_in_kernel(kernel.programs().run_gcra_refit, *tat_ns, *rate, now_ns, 0);
  dam_gcra_refit(tat_ns, rate, now_ns);
  agree("the bucket of dam_gcra_refit", kernel.call().tat_ns, *tat_ns);
}

}  // namespace dam::under_test
