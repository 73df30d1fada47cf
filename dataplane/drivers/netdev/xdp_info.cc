// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/xdp_info.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "dataplane/drivers/netdev/netdev_family.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNative[] = {
    "veth",   "tun",     "virtio_net", "ixgbe",   "ixgbevf", "i40e",      "ice",   "igb",
    "igc",    "mlx4_en", "mlx5_core",  "bnxt_en", "ena",     "nfp",       "qede",  "sfc",
    "mvneta", "mvpp2",   "fsl_dpaa2",  "stmmac",  "cpsw",    "netsec",    "fsl",   "hv_netvsc",
    "vif",    "nicvf",   "fsl_enetc",  "mana",    "bonding", "rvu-nicpf", "tsnep", "st_gmac"};
constexpr std::string_view kZeroCopy[] = {"i40e",      "ixgbe",  "ice",    "igc",
                                          "mlx5_core", "stmmac", "st_gmac"};

template <size_t N>
Known is_among(const std::string_view (&names)[N], const std::string& driver) {
  if (driver.empty()) return Known::unknown;
  return std::find(std::begin(names), std::end(names), driver) == std::end(names) ? Known::no
                                                                                  : Known::yes;
}

std::string name_of_program(uint32_t id) {
  const int fd = bpf_prog_get_fd_by_id(id);
  if (fd < 0) return {};
  bpf_prog_info info{};
  uint32_t bytes = sizeof info;
  const bool got = bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0;
  close(fd);
  return got ? info.name : "";
}

// Of a program, or of the link that holds it on its device.
uint32_t program_of_pin(const std::string& path) {
  const int fd = bpf_obj_get(path.c_str());
  if (fd < 0) return 0;
  std::ifstream kind("/proc/self/fdinfo/" + std::to_string(fd));
  uint32_t id = 0;
  for (std::string word; id == 0 && kind >> word;) {
    if (word == "prog_id:") kind >> id;
  }
  close(fd);
  return id;
}

std::vector<std::string> pins_of(uint32_t id) {
  std::vector<std::string> pins;
  std::error_code ignored;
  fs::recursive_directory_iterator at("/sys/fs/bpf", fs::directory_options::skip_permission_denied,
                                      ignored);
  for (const auto& entry : at) {
    if (entry.is_regular_file(ignored) && program_of_pin(entry.path()) == id) {
      pins.push_back(entry.path());
    }
  }
  return pins;
}

bool has_open(const fs::path& process, uint32_t id) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(process / "fdinfo", ignored)) {
    std::ifstream file(entry.path());
    uint32_t found = 0;
    for (std::string word; file >> word;) {
      if (word == "prog_id:" && file >> found && found == id) return true;
    }
  }
  return false;
}

std::vector<XdpProgram::Holder> holders_of(uint32_t id) {
  std::vector<XdpProgram::Holder> holders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!has_open(entry.path(), id)) continue;
    std::string name;
    std::ifstream(entry.path() / "comm") >> name;
    holders.push_back({name, std::stoi(pid)});
  }
  return holders;
}

}  // namespace

std::optional<XdpProgram> attached_program(uint32_t ifindex) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(ifindex), 0, &query) != 0) return std::nullopt;
  XdpProgram program;
  program.generic = query.attach_mode == XDP_ATTACHED_SKB;
  for (const uint32_t id :
       {query.prog_id, query.drv_prog_id, query.skb_prog_id, query.hw_prog_id}) {
    if (program.id == 0) program.id = id;
  }
  if (program.id == 0) return std::nullopt;
  program.name = name_of_program(program.id);
  program.pins = pins_of(program.id);
  program.held_by = holders_of(program.id);
  return program;
}

std::string describe(const XdpProgram& program) {
  std::string text = "program " + (program.name.empty() ? "of unknown name" : program.name) +
                     " (id " + std::to_string(program.id) +
                     (program.generic ? ", generic" : ", native") + ")";
  for (const std::string& pin : program.pins) text += ", pinned as " + pin;
  for (const XdpProgram::Holder& holder : program.held_by) {
    text += ", held by " + holder.process + " (pid " + std::to_string(holder.pid) + ")";
  }
  return text;
}

XdpAbilities known_abilities(const std::string& driver) {
  return {is_among(kNative, driver), is_among(kZeroCopy, driver),
          "the list of Linux 6.1's drivers"};
}

XdpAbilities xdp_abilities(uint32_t ifindex, const std::string& driver) {
  const auto features = xdp_features_of(ifindex);
  if (!features) return known_abilities(driver);
  const auto has = [&](uint64_t bit) { return (*features & bit) != 0 ? Known::yes : Known::no; };
  return {has(kXdpBasic), has(kXdpZeroCopy), "the kernel"};
}

}  // namespace dam
