// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/dataplane_link/counters_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

namespace dam::control {

namespace {

bool read_exactly(int fd, void* to, size_t bytes) {
  auto* at = static_cast<char*>(to);
  off_t offset = 0;
  while (bytes > 0) {
    const ssize_t got = pread(fd, at, bytes, offset);
    if (got <= 0) return false;
    at += got;
    offset += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

bool is_sound(const dam_counters& counters) {
  return counters.magic == DAM_COUNTERS_MAGIC && counters.version == DAM_COUNTERS_VERSION &&
         counters.size_bytes == sizeof(dam_counters) && counters.workers <= DAM_MAX_WORKERS;
}

// Zones and servers are made of 64-bit counters alone: adding two is adding their words.
template <class T>
void add_words(T& sum, const T& part) {
  static_assert(sizeof(T) % sizeof(uint64_t) == 0);
  uint64_t a[sizeof(T) / sizeof(uint64_t)];
  uint64_t b[sizeof(T) / sizeof(uint64_t)];
  std::memcpy(a, &sum, sizeof sum);
  std::memcpy(b, &part, sizeof part);
  for (size_t i = 0; i < sizeof(T) / sizeof(uint64_t); ++i) a[i] += b[i];
  std::memcpy(&sum, a, sizeof sum);
}

constexpr const char* kDropNames[] = {
#define X(name, text) #name,
    DAM_DROP_REASONS(X)
#undef X
};
constexpr const char* kDropTexts[] = {
#define X(name, text) text,
    DAM_DROP_REASONS(X)
#undef X
};

}  // namespace

std::unique_ptr<dam_counters> read_counters(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  auto counters = std::make_unique<dam_counters>();
  const bool whole = read_exactly(fd, counters.get(), sizeof(dam_counters));
  close(fd);
  if (!whole || !is_sound(*counters)) return nullptr;
  return counters;
}

dam_zone_counters zone_total(const dam_counters& counters, int slot) {
  dam_zone_counters sum{};
  for (uint32_t w = 0; w < counters.workers; ++w) add_words(sum, counters.worker[w].zones[slot]);
  return sum;
}

dam_server_counters server_total(const dam_counters& counters, int slot) {
  dam_server_counters sum{};
  for (uint32_t w = 0; w < counters.workers; ++w) add_words(sum, counters.worker[w].servers[slot]);
  return sum;
}

std::string field_text(const char (&field)[DAM_NAME_BYTES]) {
  return {field, strnlen(field, sizeof field)};
}

int zone_slot(const dam_counters& counters, const std::string& name) {
  for (int slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    if (field_text(counters.zone_names[slot]) == name) return slot;
  }
  return -1;
}

int server_slot(const dam_counters& counters, const std::string& name) {
  for (int slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    if (field_text(counters.servers[slot].name) == name) return slot;
  }
  return -1;
}

const std::vector<std::string>& top_measures() {
  static const std::vector<std::string> kMeasures = {
#define X(name, text) #name,
      DAM_TOP_MEASURES(X)
#undef X
  };
  return kMeasures;
}

const char* drop_name(int reason) { return kDropNames[reason]; }
const char* drop_text(int reason) { return kDropTexts[reason]; }

}  // namespace dam::control
