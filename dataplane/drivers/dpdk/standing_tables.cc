// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/dpdk/standing_tables.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "dataplane/engine/standing_control.h"
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
  tables.requests = cutter.cut<dam_requests>(sizes.flows);
  tables.fingerprints = cutter.cut<dam_fingerprint>(sizes.flows);
  tables.index = cutter.cut<dam_index_bucket>(sizes.index_buckets);
  tables.source_buckets = cutter.cut<dam_source_bucket>(sizes.source_buckets);
  tables.sources = cutter.cut<dam_source_entry>(size_t{sizes.source_buckets} * DAM_SOURCE_SLOTS);
  tables.request_tats_ns = cutter.cut<uint64_t>(size_t{sizes.source_buckets} * DAM_SOURCE_SLOTS);
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

// Both ends of a connection that nobody forwards give up after a minute or two, and its end, if it
// had one meanwhile, nobody has seen.
constexpr uint64_t kLongestStallNs = 60'000'000'000;

std::string what_differs(const StandingHeader& found, const TableSizes& sizes, uint32_t workers,
                         uint64_t site) {
  if (!has_this_layout(found.control) || found.header_bytes != sizeof found) {
    return "they were left by another version of the dam";
  }
  if (found.workers != workers) return "the number of workers is another";
  std::string size = other_size(found.control, sizes);
  if (!size.empty()) return size;
  if (found.site != site) return "the interfaces or their addresses are others";
  return {};
}

uint64_t stalled_ns(const StandingHeader& found, uint64_t now_ns) {
  const uint64_t last_ns = found.control.heartbeat_ns;
  return now_ns > last_ns ? now_ns - last_ns : 0;
}

template <size_t kBytes>
bool is_other(const char (&before)[kBytes], const char (&now)[kBytes]) {
  return before[0] != '\0' && std::strncmp(before, now, kBytes) != 0;
}

bool is_other(const dam_view_server& before, const dam_view_server& now) {
  return std::memcmp(&before, &now, sizeof before) != 0;
}

bool is_other(const dam_view_listener& before, const dam_view_listener& now) {
  return before.port.raw != now.port.raw || dam_address_equal(&before.address, &now.address) == 0;
}

// What was somebody else's is nobody's.
void clear_others(const dam_view& before, dam_view& now) {
  for (size_t slot = 0; slot < DAM_MAX_ZONES; ++slot) {
    if (is_other(before.zone_name[slot], now.zone_name[slot])) now.zone_name[slot][0] = '\0';
  }
  for (size_t slot = 0; slot < DAM_MAX_SERVERS; ++slot) {
    const bool named = is_other(before.server_name[slot], now.server_name[slot]);
    if (!named &&
        (before.server_name[slot][0] == '\0' || !is_other(before.server[slot], now.server[slot]))) {
      continue;
    }
    now.server_name[slot][0] = '\0';
    now.server[slot] = {};
  }
  const size_t listeners = std::min<size_t>({before.listeners, now.listeners, DAM_MAX_LISTENERS});
  for (size_t slot = 0; slot < listeners; ++slot) {
    if (is_other(before.listener[slot], now.listener[slot])) now.listener[slot] = {};
  }
}

}  // namespace

StandingTables::StandingTables(const std::string& folder, const StartConfig& config,
                               uint64_t now_ns, const RssKey& fresh)
    : file_(folder),
      sizes_(table_sizes(config.limits, config.workers)),
      workers_(config.workers),
      site_(digest_of_site(config)),
      rss_key_(fresh) {
  const auto found = std::make_unique<StandingHeader>();
  const bool whole = file_.read(std::as_writable_bytes(std::span(found.get(), 1)));
  const dam_control& control = found->control;
  if (!whole || control.magic != DAM_VIEW_MAGIC) return;
  if (control.version == DAM_VIEW_VERSION && control.active > 1) return;  // it never had a policy
  ended_ = what_differs(*found, sizes_, workers_, site_);
  const bool key = workers_ == 1 || found->rss_key != RssKey{};  // none spreads nothing
  if (!ended_.empty() || !key || file_.bytes() != bytes_needed(sizes_)) return;
  adopted_ = true;
  if (workers_ > 1) rss_key_ = found->rss_key;
  if (const uint64_t ns = stalled_ns(*found, now_ns); ns > kLongestStallNs) {
    abandoned_ = true;
    ended_ = "nobody forwarded them for " + std::to_string(ns / 1'000'000'000) + " seconds";
  }
}

// The index is made anew from the flows: it may have been left amid a change.
void StandingTables::complete(EngineConfig& config, uint64_t now_ns) {
  const bool as_it_was = file_.bytes() == bytes_needed(sizes_);
  const std::span<std::byte> memory = file_.map(bytes_needed(sizes_));
  Cutter cutter(memory.data());
  header_ = cut_header(cutter);
  tables_ = cut_tables(cutter, sizes_);
  config.shared = tables_;
  if (!adopted_) {
    if (as_it_was) std::fill(memory.begin(), memory.end(), std::byte{0});
    begin(config.hash_key);
  } else {
    const dam_control& control = header_->control;
    if (abandoned_) std::fill(tables_.flows.begin(), tables_.flows.end(), dam_flow{});
    std::fill(tables_.index.begin(), tables_.index.end(), dam_index_bucket{});
    std::copy_n(control.hash_key, 2, config.hash_key);
    config.standing = {slots_of(header_->views[control.active & 1]), secrets_in_force(control),
                       now_ns};
  }
  header_->rss_key = rss_key_;
  beat(now_ns);
}

void StandingTables::begin(const uint64_t hash_key[2]) {
  header_->header_bytes = sizeof(StandingHeader);
  header_->workers = workers_;
  header_->site = site_;
  describe(header_->control, sizes_, hash_key);
}

void StandingTables::announce(const Policy& policy) {
  const uint32_t active = header_->control.active;
  record_slots(draft(), policy);
  if (active <= 1) clear_others(header_->views[active], draft());
  put_draft_in_force();
}

void StandingTables::settle(const Policy& policy) {
  record_slots(draft(), policy);
  put_draft_in_force();
}

}  // namespace dam
