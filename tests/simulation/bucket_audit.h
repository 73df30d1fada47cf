// SPDX-License-Identifier: BSD-3-Clause
// Keeps books on every packet that a zone with limits let by or refused, and holds them against
// reference buckets: never beyond rate * time + burst, and never less than that.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "tests/simulation/reference_bucket.h"
#include "tests/simulation/world.h"

namespace dam::simulation {

class BucketAudit {
 public:
  // exact: also who was refused is asked about. Not so where damaged packets are charged and lost.
  BucketAudit(Environment& environment, World& world, const Site& site, bool exact);

  // Of plain HTTP, as the engine has counted them in zones with a limit of them.
  uint64_t http_requests(uint8_t zone) const { return http_requests_[zone]; }
  bool routed_all() const { return routed_all_; }
  void note_restart();

 private:
  using Source = std::pair<uint16_t, uint8_t>;  // a client's host and family
  static constexpr Source kAll{0xffff, 0};      // the zone's total

  // Of a client's stream, what has come to the dam before a server has seen any of it.
  struct Come {
    std::map<uint32_t, uint32_t> pieces;  // ends by beginnings
    uint32_t whole = 0;                   // as far as nothing lacks; the dam may hold less
    uint32_t read = 0;                    // at least, when the connection was opened
  };

  void before(const Dam::Step& step);
  void after(const Dam::Step& step);
  std::optional<Source> source_of(const Dam::Step& step);
  void settle(uint8_t zone, dam_direction way, const Source& source, const Dam::Step& step);
  void settle_connection(uint8_t zone, const Source& source, const Dam::Step& step);
  // request_audit.cc
  void settle_requests(uint8_t zone, const Source& source, const Dam::Step& step);
  void settle_refusal(uint8_t zone, const Source& source, const Dam::Step& step);
  void check_refusal(uint8_t zone, const Source& whose, const Dam::Step& step);
  void note_unknown(const Dam::Step& step);
  uint64_t requests_found(uint8_t zone) const;
  void note_come(const Dam::Step& step);
  void note_read(const Dam::Step& step);
  bool has_lost_head(const Dam::Step& step);
  uint64_t most_read(const Dam::Step& step) const;
  bool were_all_routed(const Dam::Step& step) const;
  const Connection* sender_of(const Dam::Step& step) const;
  bool was_held() const;
  bool was_refused_behind(uint8_t zone, const Dam::Step& step) const;
  std::optional<double> most_requests(const Dam::Step& step) const;
  double fitting(uint8_t zone, double requests) const;

  bool settle(uint8_t zone, dam_dimension dimension, const Source& source, double units,
              const Dam::Step& step);
  bool was_refused(uint8_t zone, dam_drop_reason reason) const;
  bool has_opened(uint8_t zone) const;
  bool any_refused(uint8_t zone, std::initializer_list<dam_dimension> dimensions) const;
  ReferenceBucket* bucket(uint8_t zone, dam_dimension dimension, const Source& source);

  Environment& environment_;
  World& world_;
  const Site site_;
  bool exact_;
  std::array<dam_zone_counters, kZones> seen_{};
  uint32_t half_open_ = 0;
  std::array<uint64_t, kZones> http_requests_{};
  std::map<uint32_t, Come> come_;  // by connection
  std::set<uint32_t> cut_;         // connections whose head the dam may have been in at a restart
  bool lost_head_ = false;         // in this step the first head since then has ended
  bool knows_requests_ = true;     // of each that was charged, whom and how many
  bool routed_all_ = true;         // each to the zone that its path and host name
  std::map<std::tuple<uint8_t, int, Source>, ReferenceBucket> buckets_;
};

}  // namespace dam::simulation
