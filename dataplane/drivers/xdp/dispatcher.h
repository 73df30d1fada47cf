// SPDX-License-Identifier: BSD-3-Clause
// libxdp's dispatcher on a device: a program that calls up to ten others, one after the other. The
// dam's place in it is a gate (ebpf/gate.bpf.c), known by the pinned table of what is behind it.
#pragma once

#include <xdp/libxdp.h>

#include <cstdint>
#include <memory>
#include <string>

namespace dam {

struct CloseDispatcher {
  void operator()(xdp_multiprog* dispatcher) const { xdp_multiprog__close(dispatcher); }
};
// None: nothing is on the device, or a program without a dispatcher.
using Dispatcher = std::unique_ptr<xdp_multiprog, CloseDispatcher>;
Dispatcher dispatcher_on(uint32_t ifindex);

// The gate before the table that is pinned there is in the device's dispatcher.
bool is_gate_on(const std::string& pin, uint32_t ifindex);

// It leaves the device, whose other programs go on. Throws std::runtime_error in words for people.
void take_gate_off(const std::string& pin, uint32_t ifindex);

}  // namespace dam
