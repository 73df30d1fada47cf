// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/standing_tables.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "dataplane/engine/standing_slots.h"

namespace dam {
namespace {

static_assert(std::is_trivially_copyable_v<StandingHeader>);

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

// Table behind table. Without memory it only counts.
class Cutter {
 public:
  explicit Cutter(std::byte* memory) : memory_(memory) {}
  template <class T>
  std::span<T> cut(size_t count) {
    const size_t bytes = count * sizeof(T);
    const size_t alignment = bytes >= kHugePage ? kHugePage : kPage;
    const size_t begin = (at_ + alignment - 1) / alignment * alignment;
    at_ = begin + bytes;
    if (memory_ == nullptr) return {};
    return {reinterpret_cast<T*>(memory_ + begin), count};
  }
  size_t bytes() const { return (at_ + kHugePage - 1) / kHugePage * kHugePage; }

 private:
  std::byte* memory_;
  size_t at_ = 0;
};

StandingHeader* cut_header(Cutter& cutter) { return cutter.cut<StandingHeader>(1).data(); }

SharedTables cut_tables(Cutter& cutter, const TableSizes& sizes) {
  SharedTables tables;
  tables.flows = cutter.cut<dam_flow>(sizes.flows);
  tables.index = cutter.cut<dam_index_bucket>(sizes.index_buckets);
  tables.source_buckets = cutter.cut<dam_source_bucket>(sizes.source_buckets);
  tables.sources = cutter.cut<dam_source_entry>(size_t{sizes.source_buckets} * DAM_SOURCE_SLOTS);
  tables.totals = cutter.cut<dam_zone_totals>(DAM_MAX_ZONES);
  tables.neighbours = cutter.cut<dam_neighbour>(DAM_MAX_NEIGHBOURS);
  tables.macs = cutter.cut<uint64_t>(DAM_MAX_NEIGHBOURS);
  tables.strays = cutter.cut<dam_stray>(sizes.strays);
  return tables;
}

size_t bytes_needed(const TableSizes& sizes) {
  Cutter cutter(nullptr);
  cut_header(cutter);
  cut_tables(cutter, sizes);
  return cutter.bytes();
}

// FNV-1a: it tells sites apart, and protects nothing.
class Digest {
 public:
  template <class T>
  void add(const T& value) {
    static_assert(std::has_unique_object_representations_v<T>);
    add(&value, sizeof value);
  }
  void add(const std::string& text) {
    add(text.size());
    add(text.data(), text.size());
  }
  uint64_t value() const { return value_; }

 private:
  void add(const void* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      value_ = (value_ ^ static_cast<const uint8_t*>(bytes)[i]) * 0x100000001b3u;
    }
  }
  uint64_t value_ = 0xcbf29ce484222325u;
};

uint64_t digest_of_site(const StartConfig& config) {
  Digest digest;
  for (const Interface& interface : config.interfaces) {
    digest.add(config.devices[interface.port].device);
    digest.add(interface.vlan);
    for (const Subnet& subnet : interface.subnets) digest.add(subnet.address);
    digest.add(interface.subnets.size());
  }
  return digest.value();
}

void describe(dam_control& control, const TableSizes& sizes) {
  control.version = DAM_VIEW_VERSION;
  control.flow_bytes = sizeof(dam_flow);
  control.source_bytes = sizeof(dam_source_entry);
  control.view_bytes = sizeof(dam_view);
  control.counters_bytes = sizeof(dam_zone_counters);
  control.flows = sizes.flows;
  control.index_mask = sizes.index_buckets - 1;
  control.source_buckets = sizes.source_buckets;
  control.active = DAM_NO_VIEW;
}

bool is_same_layout(const StandingHeader& header) {
  const dam_control& control = header.control;
  return control.version == DAM_VIEW_VERSION && header.header_bytes == sizeof(StandingHeader) &&
         control.flow_bytes == sizeof(dam_flow) && control.source_bytes == sizeof(dam_source_entry);
}

}  // namespace

StandingTables::StandingTables(const std::string& folder, const StartConfig& config,
                               const RssKey& rss_key)
    : file_(folder) {
  const TableSizes sizes = table_sizes(config.limits, config.workers);
  const size_t found = file_.bytes(), needed = bytes_needed(sizes);
  memory_ = file_.map(needed);
  Cutter cutter(memory_.data());
  header_ = cut_header(cutter);
  tables_ = cut_tables(cutter, sizes);
  const bool described = header_->control.magic == DAM_VIEW_MAGIC && header_->control.active <= 1;
  if (found != 0 && found != needed) ended_ = "limits, or the number of workers, are others";
  if (described) ended_ = what_differs(config);
  adopted_ = described && ended_.empty();
  if (adopted_) return;
  if (found == needed) std::fill(memory_.begin(), memory_.end(), std::byte{0});
  begin(config, rss_key);
}

std::string StandingTables::what_differs(const StartConfig& config) const {
  const TableSizes sizes = table_sizes(config.limits, config.workers);
  if (!is_same_layout(*header_)) return "they were left by another version of the dam";
  if (header_->workers != config.workers) return "the number of workers is another";
  if (header_->control.flows != sizes.flows) return "limits.flows or half_open is another";
  if (header_->control.source_buckets != sizes.source_buckets) return "limits.sources is another";
  if (header_->site != digest_of_site(config)) {
    return "the interfaces or their addresses are others";
  }
  return {};
}

// The magic last: what has none was never described whole.
void StandingTables::begin(const StartConfig& config, const RssKey& rss_key) {
  describe(header_->control, table_sizes(config.limits, config.workers));
  header_->header_bytes = sizeof(StandingHeader);
  header_->workers = config.workers;
  header_->site = digest_of_site(config);
  header_->rss_key = rss_key;
  __atomic_store_n(&header_->control.magic, DAM_VIEW_MAGIC, __ATOMIC_RELEASE);
}

// The index is made anew from the flows: it may have been left amid a change.
void StandingTables::complete(EngineConfig& config, uint64_t now_ns) {
  dam_control& control = header_->control;
  config.shared = tables_;
  if (!adopted_) {
    std::copy_n(config.hash_key, 2, control.hash_key);
    return;
  }
  std::fill(tables_.index.begin(), tables_.index.end(), dam_index_bucket{});
  std::copy_n(control.hash_key, 2, config.hash_key);
  config.standing = {slots_of(header_->views[control.active & 1]),
                     control.secrets[control.secret_generation & 1], now_ns};
}

void StandingTables::record(const Policy& policy) {
  dam_control& control = header_->control;
  const uint32_t next = control.active == 0 ? 1 : 0;
  record_slots(header_->views[next], policy);
  __atomic_store_n(&control.active, next, __ATOMIC_RELEASE);
}

void StandingTables::set_secrets(const dam_cookie_secrets& secrets) {
  dam_control& control = header_->control;
  const uint32_t next = control.secret_generation + 1;
  control.secrets[next & 1] = secrets;
  __atomic_store_n(&control.secret_generation, next, __ATOMIC_RELEASE);
}

}  // namespace dam
