// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/port.h"

#include <rte_dev.h>
#include <rte_errno.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "dataplane/drivers/dpdk/device.h"
#include "dataplane/drivers/netdev/kernel_interface.h"

namespace dam {
namespace {

constexpr uint16_t kRxDescriptors = 2048;
constexpr uint16_t kTxDescriptors = 2048;
constexpr uint16_t kVlans = 4096;  // the last is none (IEEE 802.1Q)
constexpr uint64_t kRssTypes = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
constexpr uint64_t kRxChecksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

void check(int result, const std::string& device, const char* what) {
  if (result >= 0) return;
  throw std::runtime_error(device + ": " + what + ": " + rte_strerror(-result) + ".");
}

rte_eth_dev_info info_of(uint16_t ethdev) {
  rte_eth_dev_info info{};
  check(rte_eth_dev_info_get(ethdev, &info), "port " + std::to_string(ethdev), "no information");
  return info;
}

// Gives every queue its turn in the redirection table; empty when the device has none.
std::vector<uint16_t> set_redirection(uint16_t ethdev, uint32_t size, uint32_t queues) {
  constexpr uint32_t kMost = 4096;
  std::vector<uint16_t> table(std::min(size, kMost));
  std::vector<rte_eth_rss_reta_entry64> entries((table.size() + 63) / 64);
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint16_t>(i % queues);
    entries[i / 64].mask |= 1ull << (i % 64);
    entries[i / 64].reta[i % 64] = table[i];
  }
  const auto count = static_cast<uint16_t>(table.size());
  if (count != size || rte_eth_dev_rss_reta_update(ethdev, entries.data(), count) != 0) return {};
  return table;
}

}  // namespace

Port::Port(const DeviceConfig& config, uint32_t index, uint32_t workers, const RssKey& key,
           rte_mempool* pool)
    : config_(config), index_(index), pool_(pool) {
  const std::string name = config_.device.substr(0, config_.device.find(','));
  facts_.device = name;
  if (kind_of(config_.device) == DeviceKind::kernel_interface) {
    open_kernel_interface(workers, key);
  } else {
    open_device(config_.device, name, workers, key);
  }
  rte_ether_addr mac{};
  check(rte_eth_macaddr_get(ethdevs_[0], &mac), name, "no link address");
  std::memcpy(facts_.mac.data(), mac.addr_bytes, facts_.mac.size());
}

Port::~Port() { close_all(); }

// AF_XDP sockets end with the process, and the keeper takes the XDP program away: the PMD of 22.11
// could not (privileges are gone by then), and it frees memory that ports share more than once.
void Port::close_all() {
  if (facts_.xdp_program) return;
  for (const uint16_t ethdev : ethdevs_) {
    rte_eth_dev_stop(ethdev);
    rte_eth_dev_close(ethdev);
  }
  ethdevs_.clear();
}

void Port::open_kernel_interface(uint32_t workers, const RssKey& key) {
  const KernelInterface kernel = inspect_interface(config_.device);
  const std::string obstacle = af_xdp_obstacle(config_.device, kernel, workers, config_.mtu);
  if (!obstacle.empty()) throw std::runtime_error(obstacle);
  try {
    for (uint32_t queue = 0; queue < workers; ++queue) {
      const std::string devargs = af_xdp_arguments(config_.device, index_, queue, kernel);
      open_device(devargs, devargs.substr(0, devargs.find(',')), 1, key);
    }
    facts_.xdp_program = true;
  } catch (const std::runtime_error& error) {
    if (!pairs_.empty()) throw;  // some queues are bound: their packets would get lost
    open_af_packet(workers, key, error.what());
  }
  facts_.made_promiscuous = !kernel.promiscuous && inspect_interface(config_.device).promiscuous;
}

// A port that AF_XDP could not bind is left as it is: closing it half-open upsets the PMD of 22.11.
void Port::open_af_packet(uint32_t workers, const RssKey& key, const std::string& why) {
  pairs_.clear();
  ethdevs_.clear();
  facts_.says.push_back(
      "WARNING: AF_XDP cannot be used on " + config_.device + " (" + why +
      ") Falling back to AF_PACKET, which forwards some thousand packets a second "
      "only, and leaves every packet to the host's own stack as well.");
  const std::string devargs = af_packet_arguments(config_.device, index_, workers);
  open_device(devargs, devargs.substr(0, devargs.find(',')), workers, key);
}

void Port::open_device(const std::string& devargs, const std::string& name, uint32_t queues,
                       const RssKey& key) {
  uint16_t ethdev = 0;
  // Some are there already: PCI devices on the allow list, and ports that a test made.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &ethdev) != 0) {
    check(rte_dev_probe(devargs.c_str()), name, "the device cannot be opened");
    check(rte_eth_dev_get_port_by_name(name.c_str(), &ethdev), name, "no such port");
  }
  set_up(ethdev, queues, key);
  ethdevs_.push_back(ethdev);
  for (uint32_t queue = 0; queue < queues; ++queue) {
    pairs_.push_back({ethdev, static_cast<uint16_t>(queue)});
  }
}

void Port::set_up(uint16_t ethdev, uint32_t queues, const RssKey& key) {
  const std::string& name = config_.device;
  const rte_eth_dev_info info = info_of(ethdev);
  facts_.driver = info.driver_name;
  if (info.max_rx_queues < queues || info.max_tx_queues < queues) {
    throw std::runtime_error(name + " has " + std::to_string(info.max_rx_queues) + " queues; " +
                             std::to_string(queues) + " workers need one each.");
  }
  configure(ethdev, queues, key);
  uint16_t rx = kRxDescriptors;
  uint16_t tx = kTxDescriptors;
  check(rte_eth_dev_adjust_nb_rx_tx_desc(ethdev, &rx, &tx), name, "the sizes of its rings");
  for (uint32_t i = 0; i < queues; ++i) {
    const auto queue = static_cast<uint16_t>(i);
    check(rte_eth_rx_queue_setup(ethdev, queue, rx, SOCKET_ID_ANY, nullptr, pool_), name,
          "a receive queue");
    check(rte_eth_tx_queue_setup(ethdev, queue, tx, SOCKET_ID_ANY, nullptr), name,
          "a transmit queue");
  }
  check(rte_eth_dev_start(ethdev), name, "it does not start");
  accept_multicast(ethdev);
  accept_vlans(ethdev);
  if (facts_.rss.queue.empty() || queues == 1) return;
  facts_.rss.queue = set_redirection(ethdev, info.reta_size, queues);
}

// Checksums are checked by the device where it can. LRO and scattered receive stay off: a frame
// that was put together from several must not be translated. TX offloads are of no use: the dam
// keeps checksums up to date itself, by what it changed.
void Port::configure(uint16_t ethdev, uint32_t queues, const RssKey& key) {
  const rte_eth_dev_info info = info_of(ethdev);
  RssKey own_key = key;
  rte_eth_conf conf{};
  conf.rxmode.mtu = config_.mtu;
  // With it a hypervisor may leave checksums to be filled in, which virtio then calls good.
  const bool believed = facts_.driver != "net_virtio";
  conf.rxmode.offloads = believed ? info.rx_offload_capa & kRxChecksums : 0;
  if (filters_vlans())
    conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
  facts_.rx_checksum = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
  // Virtual devices may take a key without spreading by it; only hardware is believed.
  const bool spreads = queues > 1 && kind_of(config_.device) == DeviceKind::pci &&
                       (info.flow_type_rss_offloads & kRssTypes) == kRssTypes &&
                       info.hash_key_size <= key.size();
  if (spreads) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_key = own_key.data();
    conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size == 0 ? 40 : info.hash_key_size;
    conf.rx_adv_conf.rss_conf.rss_hf = kRssTypes;
    facts_.rss.key = key;
    facts_.rss.queue.assign(1, 0);  // filled in by set_up()
  }
  const auto count = static_cast<uint16_t>(queues);
  check(rte_eth_dev_configure(ethdev, count, count, &conf), config_.device,
        "the device cannot be configured");
}

// Of an interface of the kernel's the kernel knows: net_af_xdp calls each one 10 Gbit/s.
LinkState Port::link() const {
  if (kind_of(config_.device) == DeviceKind::kernel_interface) return link_of(config_.device);
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(ethdevs_[0], &link) != 0) return {};
  const bool known = link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  return {link.link_status == RTE_ETH_LINK_UP, known ? link.link_speed : 0};
}

// A device behind virtio may drop what is tagged with a VLAN that it was not told of (virtio 1.2,
// 5.1.6.5.3), asked to filter or not; others take all tags until they are asked to.
bool Port::filters_vlans() const { return facts_.driver == "net_virtio"; }

void Port::accept_vlans(uint16_t ethdev) {
  if (!filters_vlans()) return;
  const int offloads = rte_eth_dev_get_vlan_offload(ethdev);
  if (offloads < 0 || (offloads & RTE_ETH_VLAN_FILTER_OFFLOAD) == 0) return;
  std::vector<uint16_t> wanted = config_.vlans;
  wanted.push_back(0);                            // a priority alone (IEEE 802.1Q)
  if (config_.host_path == HostPathWish::open) {  // and those of the host, whichever they are
    wanted.resize(kVlans - 1);
    std::iota(wanted.begin(), wanted.end(), uint16_t{0});
  }
  for (const uint16_t vlan : wanted) {
    check(rte_eth_dev_vlan_filter(ethdev, vlan, 1), config_.device, "its VLANs");
  }
}

// Neighbour discovery goes to multicast addresses that the host itself has not joined (RFC
// 4861 7.2).
void Port::accept_multicast(uint16_t ethdev) {
  if (rte_eth_allmulticast_enable(ethdev) == 0) return;
  if (rte_eth_promiscuous_enable(ethdev) == 0) return;
  facts_.says.push_back(config_.device +
                        " takes neither multicast nor promiscuous mode: IPv6 neighbours may not "
                        "find the dam.");
}

}  // namespace dam
