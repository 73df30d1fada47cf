// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace dam {
namespace {

// ethtool's structures end with as many records as there are features.
template <class T>
class Sized {
 public:
  Sized(uint32_t command, size_t tail_bytes)
      : words_((sizeof(T) + tail_bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t)) {
    get()->cmd = command;
  }
  T* get() { return reinterpret_cast<T*>(words_.data()); }
  T* operator->() { return get(); }

 private:
  std::vector<uint64_t> words_;
};

uint32_t count_features(const std::string& device) {
  Sized<ethtool_sset_info> sets(ETHTOOL_GSSET_INFO, sizeof(uint32_t));
  sets->sset_mask = uint64_t{1} << ETH_SS_FEATURES;
  if (!ask_ethtool(device, sets.get()) || sets->sset_mask == 0) return 0;
  return sets->data[0];
}

// In the order of the bits.
std::vector<std::string> names_of_features(const std::string& device) {
  const uint32_t count = count_features(device);
  Sized<ethtool_gstrings> strings(ETHTOOL_GSTRINGS, size_t{count} * ETH_GSTRING_LEN);
  strings->string_set = ETH_SS_FEATURES;
  strings->len = count;
  std::vector<std::string> names;
  if (count == 0 || !ask_ethtool(device, strings.get())) return names;
  for (uint32_t i = 0; i < std::min(count, strings->len); ++i) {
    const auto* name = reinterpret_cast<const char*>(strings->data + size_t{i} * ETH_GSTRING_LEN);
    names.emplace_back(name, strnlen(name, ETH_GSTRING_LEN));
  }
  return names;
}

constexpr uint32_t blocks_for(size_t features) {
  return static_cast<uint32_t>((features + 31) / 32);
}

}  // namespace

bool ask_device(const std::string& device, unsigned long request, ifreq& answer) {
  if (device.size() >= IFNAMSIZ) {
    errno = ENODEV;
    return false;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::memcpy(answer.ifr_name, device.c_str(), device.size() + 1);
  const bool done = ioctl(fd, request, &answer) >= 0;
  const int error = errno;
  close(fd);
  errno = error;
  return done;
}

bool ask_ethtool(const std::string& device, void* command) {
  ifreq request{};
  request.ifr_data = static_cast<char*>(command);
  return ask_device(device, SIOCETHTOOL, request);
}

std::string driver_of(const std::string& device) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (!ask_ethtool(device, &info)) return {};
  return {info.driver, strnlen(info.driver, sizeof info.driver)};
}

std::map<std::string, Feature> features_of(const std::string& device) {
  const std::vector<std::string> names = names_of_features(device);
  const uint32_t blocks = blocks_for(names.size());
  Sized<ethtool_gfeatures> found(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
  found->size = blocks;
  std::map<std::string, Feature> features;
  if (blocks == 0 || !ask_ethtool(device, found.get())) return features;
  for (size_t i = 0; i < names.size(); ++i) {
    const ethtool_get_features_block& block = found->features[i / 32];
    const uint32_t bit = 1u << i % 32;
    features[names[i]] = {(block.active & bit) != 0,
                          (block.available & ~block.never_changed & bit) != 0};
  }
  return features;
}

bool switch_feature(const std::string& device, const std::string& feature, bool on) {
  const std::vector<std::string> names = names_of_features(device);
  const auto at = std::find(names.begin(), names.end(), feature);
  if (at == names.end()) return !on;
  const auto index = static_cast<size_t>(at - names.begin());
  const uint32_t blocks = blocks_for(names.size());
  Sized<ethtool_sfeatures> wanted(ETHTOOL_SFEATURES, blocks * sizeof(ethtool_set_features_block));
  wanted->size = blocks;
  wanted->features[index / 32].valid = 1u << index % 32;
  wanted->features[index / 32].requested = on ? 1u << index % 32 : 0;
  if (!ask_ethtool(device, wanted.get())) return false;
  return features_of(device)[feature].on == on;  // the driver may have had its own idea
}

}  // namespace dam
