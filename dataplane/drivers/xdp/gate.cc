// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/gate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "dataplane/drivers/xdp/dispatcher.h"
#include "dataplane/drivers/xdp/library_words.h"
#include "ebpf/gate.skel.h"

namespace dam {
namespace {

constexpr char kGate[] = "dam_gate";
// Programs run in this order, and libxdp's usual number is 50: others see all frames before the dam
// takes its own, and what they drop it never sees.
constexpr unsigned kRunPriority = 90;

struct CloseGate {
  void operator()(gate_bpf* gate) const { gate_bpf__destroy(gate); }
};
struct CloseProgram {
  void operator()(xdp_program* program) const { xdp_program__close(program); }
};
using Program = std::unique_ptr<xdp_program, CloseProgram>;

void refuse_second_dam(const std::string& device, const Dispatcher& dispatcher) {
  xdp_program* program = nullptr;
  while ((program = xdp_multiprog__next_prog(program, dispatcher.get())) != nullptr) {
    if (std::strcmp(xdp_program__name(program), kGate) != 0) continue;
    throw std::runtime_error("Another dam is in the dispatcher of " + device +
                             " already. One device, one dam: end that one, and what it has left: "
                             "damctl detach --pins ITS_FOLDER");
  }
}

// That of the dispatcher which is there. What comes in natively cannot leave by a device that is
// generic only.
xdp_attach_mode mode_beside(const Dispatcher& others, const GateWish& wish) {
  const xdp_attach_mode wished = wish.generic ? XDP_MODE_SKB : XDP_MODE_NATIVE;
  if (others == nullptr) return wished;
  const xdp_attach_mode mode = xdp_multiprog__attach_mode(others.get());
  if (!wish.generic || mode == XDP_MODE_SKB) return mode;
  throw std::runtime_error("The dispatcher of " + wish.device +
                           " is native, and another of the dam's devices has generic mode alone. "
                           "Attach the others' programs anew: xdp-loader load --mode skb " +
                           wish.device + " ITS_OBJECT_FILE");
}

int make_table(const std::string& pin, int program_fd) {
  const int table = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "dam_behind", sizeof(uint32_t),
                                   sizeof(uint32_t), 1, nullptr);
  if (table < 0 || bpf_obj_pin(table, pin.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "The table behind the dam's gate");
  }
  put_behind_gate(table, program_fd);
  return table;
}

// libxdp attaches a program alone where it finds no way to a dispatcher: whoever asked for company
// would not get it, so this is taken for a failure.
int attach(gate_bpf& gate, uint32_t ifindex, xdp_attach_mode mode) {
  xdp_program* made = xdp_program__from_bpf_obj(gate.obj, "xdp");
  if (const long wrong = libxdp_get_error(made); wrong != 0) return static_cast<int>(wrong);
  const Program program(made);
  xdp_program__set_run_prio(program.get(), kRunPriority);
  xdp_program__set_chain_call_enabled(program.get(), XDP_PASS, true);
  const auto device = static_cast<int>(ifindex);
  const int error = xdp_program__attach(program.get(), device, mode, 0);
  if (error != 0 || dispatcher_on(ifindex) != nullptr) return error;
  xdp_program__detach(program.get(), device, mode, 0);
  return -EOPNOTSUPP;
}

int attach(int table, uint32_t ifindex, xdp_attach_mode mode) {
  const std::unique_ptr<gate_bpf, CloseGate> gate(gate_bpf__open());
  if (gate == nullptr) return -errno;
  if (const int error = bpf_map__reuse_fd(gate->maps.dam_behind, table); error != 0) return error;
  return attach(*gate, ifindex, mode);
}

}  // namespace

// Trying to load one takes the rights that tracing takes: without these nothing is learnt.
std::string why_not_beside() {
  const LibraryWords quiet;
  if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, nullptr) == 1 ||
      libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, nullptr) != 1) {
    return {};
  }
  return "xdp.beside_others: the dam cannot live beside other XDP programs: this kernel lets no "
         "BPF program extend another (bpftool feature probe: program_type ext), which libxdp's "
         "dispatcher is made of. Have the interfaces for the dam alone, and leave beside_others "
         "out of dam.yaml.";
}

void put_behind_gate(int table, int program_fd) {
  const uint32_t first = 0;
  if (bpf_map_update_elem(table, &first, &program_fd, BPF_ANY) == 0) return;
  throw std::system_error(errno, std::generic_category(), "The program behind the dam's gate");
}

int open_gate(const Pins& pins, const GateWish& wish, int program_fd) {
  const Dispatcher others = dispatcher_on(wish.ifindex);
  if (others != nullptr) refuse_second_dam(wish.device, others);
  const xdp_attach_mode mode = mode_beside(others, wish);
  const int table = make_table(pins.gate(wish.ifindex), program_fd);
  const LibraryWords words;
  int error = attach(table, wish.ifindex, mode);
  const bool may_be_generic = others == nullptr && !wish.generic;
  if (error != 0 && may_be_generic) error = attach(table, wish.ifindex, XDP_MODE_SKB);
  if (error == 0) return table;
  close(table);
  throw std::runtime_error("The dam cannot join the XDP programs of " + wish.device + " (" +
                           words.why(-error) + ").");
}

}  // namespace dam
