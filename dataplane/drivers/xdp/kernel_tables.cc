// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/kernel_tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "dataplane/drivers/xdp/refusal.h"
#include "dataplane/engine/flow_index.h"
#include "dataplane/engine/standing_control.h"
#include "ebpf/dam.skel.h"

namespace dam {
namespace {

[[noreturn]] void fail_table(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void set_entries(bpf_map* map, uint32_t entries) {
  if (bpf_map__set_max_entries(map, entries) != 0) fail_table("The size of a kernel table");
}

SharedArray share(const bpf_map* map) {
  return {bpf_map__fd(map), bpf_map__value_size(map), bpf_map__max_entries(map)};
}

// Counters are 64-bit words through and through, so records of them subtract word by word.
template <class T>
void add_difference(T& into, const T& now, const T& before) {
  static_assert(sizeof(T) % sizeof(uint64_t) == 0);
  for (size_t at = 0; at < sizeof(T); at += sizeof(uint64_t)) {
    uint64_t sum = 0, is = 0, was = 0;
    std::memcpy(&sum, reinterpret_cast<const char*>(&into) + at, sizeof sum);
    std::memcpy(&is, reinterpret_cast<const char*>(&now) + at, sizeof is);
    std::memcpy(&was, reinterpret_cast<const char*>(&before) + at, sizeof was);
    sum += is - was;
    std::memcpy(reinterpret_cast<char*>(&into) + at, &sum, sizeof sum);
  }
}

}  // namespace

void KernelTables::Destroy::operator()(dam_bpf* bpf) const { dam_bpf__destroy(bpf); }

KernelTables::KernelTables(const Limits& limits, const uint64_t hash_key[2], Use use,
                           const Pins* pins)
    : bpf_(dam_bpf__open()) {
  if (bpf_ == nullptr) fail_table("The XDP program's object");
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) fail_table("The number of CPUs");
  cpus_ = static_cast<uint32_t>(cpus);
  seen_zones_.resize(size_t{cpus_} * DAM_MAX_ZONES);
  bpf_->rodata->dam_under_test = use == Use::under_test ? 1 : 0;
  // A gate, which extends another program, has none either, and calls only its like.
  if (use == Use::behind_gate) {
    bpf_program__set_expected_attach_type(bpf_->progs.dam_xdp, bpf_attach_type{});
  }
  load(limits, pins);
  share_all();
  adopted_ = control().magic == DAM_VIEW_MAGIC;
  begin_sights(hash_key);
  if (!adopted_) {
    describe(control(), table_sizes(limits, 1), hash_key);
    return;
  }
  // The engine's counters begin at 0 with this process; so does what is counted here.
  collect(*std::make_unique<dam_worker_counters>());
}

// All tables that outlive a process. Not the index, which the next one makes anew from the flows,
// nor the sockets and the ring of sights, which are a process's own.
void KernelTables::load(const Limits& limits, const Pins* pins) {
  const TableSizes sizes = table_sizes(limits, 1);
  set_entries(bpf_->maps.dam_index, sizes.index_buckets);
  set_entries(bpf_->maps.dam_flows, sizes.flows);
  set_entries(bpf_->maps.dam_requests, sizes.flows);
  set_entries(bpf_->maps.dam_fingerprints, sizes.flows);
  set_entries(bpf_->maps.dam_source_buckets, sizes.source_buckets);
  set_entries(bpf_->maps.dam_sources, sizes.source_buckets * DAM_SOURCE_SLOTS);
  set_entries(bpf_->maps.dam_request_tats, sizes.source_buckets * DAM_SOURCE_SLOTS);
  set_entries(bpf_->maps.dam_zone_counts, cpus_ * DAM_MAX_ZONES);
  set_entries(bpf_->maps.dam_counts, cpus_);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, bpf_->obj) {
    const bool own = map == bpf_->maps.dam_index || map == bpf_->maps.dam_sockets ||
                     map == bpf_->maps.dam_sights || bpf_map__is_internal(map);
    if (pins == nullptr || own) continue;
    if (bpf_map__set_pin_path(map, pins->table(bpf_map__name(map)).c_str()) != 0) {
      fail_table("The place of a kernel table");
    }
  }
  std::string log(1 << 20, '\0');
  bpf_program__set_log_buf(bpf_->progs.dam_xdp, log.data(), log.size());
  if (const int error = dam_bpf__load(bpf_.get()); error != 0) {
    throw std::runtime_error(explain_refusal(-error, log.c_str()));
  }
}

void KernelTables::share_all() {
  control_ = share(bpf_->maps.dam_control);
  views_ = share(bpf_->maps.dam_views);
  index_ = share(bpf_->maps.dam_index);
  flows_ = share(bpf_->maps.dam_flows);
  requests_ = share(bpf_->maps.dam_requests);
  fingerprints_ = share(bpf_->maps.dam_fingerprints);
  request_tats_ = share(bpf_->maps.dam_request_tats);
  source_buckets_ = share(bpf_->maps.dam_source_buckets);
  sources_ = share(bpf_->maps.dam_sources);
  neighbours_ = share(bpf_->maps.dam_neighbours);
  macs_ = share(bpf_->maps.dam_macs);
  totals_ = share(bpf_->maps.dam_totals);
  strays_ = share(bpf_->maps.dam_strays);
  openings_ = share(bpf_->maps.dam_openings);
  zone_counts_ = share(bpf_->maps.dam_zone_counts);
  counts_ = share(bpf_->maps.dam_counts);
  device_changes_ = share(bpf_->maps.dam_devices);
  own_ports_ = share(bpf_->maps.dam_ports);
}

KernelTables::~KernelTables() = default;

void KernelTables::forget() {
  for (const SharedArray* table :
       {&index_, &flows_, &requests_, &fingerprints_, &source_buckets_, &sources_, &request_tats_,
        &neighbours_, &macs_, &totals_, &strays_, &openings_}) {
    const auto bytes = table->as<std::byte>();
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
  }
  for (dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) {
    cpu.reset_tat_ns = cpu.stray_tat_ns = 0;
    cpu.arp_tat_ns = cpu.ndp_tat_ns = cpu.echo_tat_ns = 0;
  }
  control().active = DAM_NO_VIEW;
}

SharedTables KernelTables::engine_tables() const {
  return {.flows = flows_.as<dam_flow>(),
          .requests = requests_.as<dam_requests>(),
          .fingerprints = fingerprints_.as<dam_fingerprint>(),
          .index = index_.as<dam_index_bucket>(),
          .source_buckets = source_buckets_.as<dam_source_bucket>(),
          .sources = sources_.as<dam_source_entry>(),
          .request_tats_ns = request_tats_.as<uint64_t>(),
          .totals = totals_.as<dam_zone_totals>(),
          .neighbours = neighbours_.as<dam_neighbour>(),
          .macs = macs_.as<uint64_t>(),
          .strays = strays_.as<dam_stray>(),
          .with_kernel = true};
}

dam_view& KernelTables::view() const {
  const uint32_t active = __atomic_load_n(&control().active, __ATOMIC_ACQUIRE);
  return views_.as<dam_view>()[active == DAM_NO_VIEW ? 0 : active & 1];  // the memory is shared
}

dam_view& KernelTables::draft() const {
  return views_.as<dam_view>()[control().active == 0 ? 1 : 0];
}

void KernelTables::publish_draft() {
  __atomic_store_n(&control().active, control().active == 0 ? 1u : 0u, __ATOMIC_RELEASE);
}

void KernelTables::Lines::reset(int map, uint64_t digest) {
  if (map_ >= 0) close(map_);
  map_ = map;
  digest_ = digest;
}

namespace {

size_t lines_in(const PrefixSet::Layout& layout) {
  return (layout.directory.size() + layout.lines.size() + layout.nodes.size()) / sizeof(dam_line);
}

}  // namespace

void KernelTables::prepare_lists(const Policy& policy) {
  const PrefixSet* sets[] = {&policy.allow, &policy.deny, &policy.bans};
  for (int list = DAM_ALLOW; list <= DAM_BANS; ++list) {
    const size_t lines = lines_in(sets[list]->layout());
    if (lines != 0) lines_of(static_cast<dam_prefix_list>(list), *sets[list], lines);
  }
}

void KernelTables::set_lists(const Policy& policy, dam_view& draft) {
  set_prefixes(DAM_ALLOW, policy.allow, draft);
  set_prefixes(DAM_DENY, policy.deny, draft);
  set_prefixes(DAM_BANS, policy.bans, draft);
}

// A list that fits into the view needs no lines; others get a map of their own, as large as they
// are. Programs under way keep the old one alive.
void KernelTables::set_prefixes(dam_prefix_list list, const PrefixSet& set, dam_view& draft) {
  const PrefixSet::Layout layout = set.layout();
  dam_view_prefixes& view = draft.prefixes[list];
  view = {};
  view.empty = set.empty() ? 1 : 0;
  view.zero_inside = layout.zero_inside ? 1 : 0;
  view.zero_inside_v4 = layout.zero_inside_v4 ? 1 : 0;
  view.few_count = static_cast<uint32_t>(layout.few.size());
  std::copy(layout.few.begin(), layout.few.end(), view.few);
  view.has_directory = layout.directory.empty() ? 0 : 1;
  view.levels = layout.levels;
  std::copy(layout.level_first.begin(), layout.level_first.end(), view.level_first);
  const size_t lines = lines_in(layout);
  if (lines == 0) return;
  view.lists_at = static_cast<uint32_t>(layout.directory.size() / 64);
  view.nodes_at = view.lists_at + static_cast<uint32_t>(layout.lines.size() / 64);
  const int map = lines_of(list, set, lines);
  const uint32_t slot =
      static_cast<uint32_t>(&draft - views_.as<dam_view>().data()) * DAM_PREFIX_LISTS + list;
  if (bpf_map_update_elem(bpf_map__fd(bpf_->maps.dam_prefix_lines), &slot, &map, 0) != 0) {
    fail_table("A list of addresses for the kernel");
  }
}

// A ban is no reason to write a million denied networks anew.
int KernelTables::lines_of(dam_prefix_list list, const PrefixSet& set, size_t lines) {
  Lines& last = lines_[list];
  if (last.map() >= 0 && last.digest() == set.digest() && set.digest() != 0) return last.map();
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
  const int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "dam_lines", sizeof(uint32_t),
                                 sizeof(dam_line), static_cast<uint32_t>(lines), &options);
  if (map < 0) fail_table("Memory for a list of addresses");
  last.reset(map, 0);  // nobody's digest: it counts once its lines are written
  const SharedArray memory(map, sizeof(dam_line), static_cast<uint32_t>(lines));
  std::byte* at = memory.as<std::byte>().data();
  const PrefixSet::Layout layout = set.layout();
  for (const auto& part : {layout.directory, layout.lines, layout.nodes}) {
    at = std::copy(part.begin(), part.end(), at);
  }
  last.written(set.digest());
  return map;
}

void KernelTables::collect(dam_worker_counters& into) {
  const auto zones = zone_counts_.as<dam_zone_counters>();
  for (size_t i = 0; i < zones.size(); ++i) {
    const dam_zone_counters now = zones[i];
    if (std::memcmp(&now, &seen_zones_[i], sizeof now) == 0) continue;  // most have nothing to say
    add_difference(into.zones[i % DAM_MAX_ZONES], now, seen_zones_[i]);
    seen_zones_[i] = now;
  }
  dam_kernel_counters now{};
  for (const dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) {
    add_difference(now, cpu, dam_kernel_counters{});
  }
  into.rx_packets += now.rx_packets - seen_.rx_packets;
  into.rx_bytes += now.rx_bytes - seen_.rx_bytes;
  into.tx_packets += now.tx_packets - seen_.tx_packets;
  into.tx_bytes += now.tx_bytes - seen_.tx_bytes;
  into.cookies_sent += now.cookies_sent - seen_.cookies_sent;
  into.cookies_bad += now.cookies_bad - seen_.cookies_bad;
  into.host_packets += now.host_packets - seen_.host_packets;
  seen_ = now;
}

uint64_t KernelTables::climbed() const {
  uint64_t sum = 0;
  for (const dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) sum += cpu.climbed;
  return sum;
}

uint64_t KernelTables::take_out_ifindex() const {
  uint64_t last = 0;
  for (dam_kernel_counters& cpu : counts_.as<dam_kernel_counters>()) {
    last = std::max(last, std::exchange(cpu.out_ifindex, 0));
  }
  return last;
}

int KernelTables::program_fd() const { return bpf_program__fd(bpf_->progs.dam_xdp); }
int KernelTables::sockets_fd() const { return bpf_map__fd(bpf_->maps.dam_sockets); }

}  // namespace dam
