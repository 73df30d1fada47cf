// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/dispatcher.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "dataplane/drivers/xdp/library_words.h"

namespace dam {
namespace {

uint32_t id_of_table(const std::string& pin) {
  const int table = bpf_obj_get(pin.c_str());
  if (table < 0) return 0;
  bpf_map_info about{};
  uint32_t bytes = sizeof about;
  const bool known = bpf_obj_get_info_by_fd(table, &about, &bytes) == 0;
  close(table);
  return known ? about.id : 0;
}

bool uses_table(const xdp_program* program, uint32_t table) {
  const int fd = xdp_program__fd(program);
  std::array<uint32_t, 64> tables{};
  bpf_prog_info about{};
  about.nr_map_ids = tables.size();
  about.map_ids = reinterpret_cast<uintptr_t>(tables.data());
  uint32_t bytes = sizeof about;
  if (bpf_obj_get_info_by_fd(fd, &about, &bytes) != 0) return false;
  const auto end = tables.begin() + std::min<size_t>(about.nr_map_ids, tables.size());
  return std::find(tables.begin(), end, table) != end;
}

// Of the program in the dispatcher; 0: it is not there.
uint32_t id_of_gate(const Dispatcher& dispatcher, uint32_t table) {
  if (dispatcher == nullptr || table == 0) return 0;
  xdp_program* program = nullptr;
  while ((program = xdp_multiprog__next_prog(program, dispatcher.get())) != nullptr) {
    if (uses_table(program, table)) return xdp_program__id(program);
  }
  return 0;
}

}  // namespace

Dispatcher dispatcher_on(uint32_t ifindex) {
  const LibraryWords quiet;
  xdp_multiprog* found = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
  if (libxdp_get_error(found) != 0) return nullptr;
  Dispatcher dispatcher(found);
  return xdp_multiprog__is_legacy(found) ? nullptr : std::move(dispatcher);
}

bool is_gate_on(const std::string& pin, uint32_t ifindex) {
  return id_of_gate(dispatcher_on(ifindex), id_of_table(pin)) != 0;
}

void take_gate_off(const std::string& pin, uint32_t ifindex) {
  const Dispatcher dispatcher = dispatcher_on(ifindex);
  const uint32_t id = id_of_gate(dispatcher, id_of_table(pin));
  if (id == 0) return;  // somebody took it off, or the device is gone
  const LibraryWords words;
  xdp_program* gate = xdp_program__from_id(id);
  const auto error = static_cast<int>(libxdp_get_error(gate));
  const int failed = error != 0
                         ? error
                         : xdp_program__detach(gate, static_cast<int>(ifindex),
                                               xdp_multiprog__attach_mode(dispatcher.get()), 0);
  if (error == 0) xdp_program__close(gate);
  if (failed == 0) return;
  char name[IFNAMSIZ] = {};
  if_indextoname(ifindex, name);
  throw std::runtime_error("libxdp does not take the dam off " + std::string(name) + " (" +
                           words.why(-failed) + "). By hand: xdp-loader unload " + name + " --id " +
                           std::to_string(id));
}

}  // namespace dam
