// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/activity.h"

#include <algorithm>

#include "controlplane/lookalikes/hello_features.h"

namespace dam::control {

namespace {

constexpr double kMsOfMinute = 60'000;
constexpr int64_t kNsOfMs = 1'000'000;
constexpr uint16_t kFailedStatus = 400;
constexpr size_t kPathHashes = 3;

double log_of(double value) { return std::log(std::max(value, 1.0)); }

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? kNoValue : static_cast<double>(part) / static_cast<double>(whole);
}

double mean_of(double sum, uint64_t weight) {
  return weight == 0 ? kNoValue : sum / static_cast<double>(weight);
}

}  // namespace

void Activity::mark(int64_t at_ms) {
  const int64_t twelfth = (at_ms - begun_ms_) * static_cast<int64_t>(kTwelfths) / window_ms_;
  active_.set(static_cast<size_t>(
      std::clamp<int64_t>(twelfth, 0, static_cast<int64_t>(active_.size()) - 1)));
}

void Activity::rhythm(const FlowRhythm& rhythm) {
  requests_ += rhythm.requests;
  const auto weight = static_cast<double>(rhythm.requests);
  if (rhythm.gap_ms > 0) {
    gap_weight_ += rhythm.requests;
    gap_sum_ms_ += weight * rhythm.gap_ms;
    deviation_sum_ms_ += weight * rhythm.gap_deviation_ms;
  }
  if (rhythm.bytes > 0) {
    bytes_weight_ += rhythm.requests;
    bytes_sum_ += weight * rhythm.bytes;
  }
}

void Activity::hello(const std::string& ja4) {
  const auto features = hello_features(ja4);
  if (!features) return;
  hello_kinds_.add(ja4);
  for (size_t i = 0; i < hello_.size(); ++i) hello_[i].add((*features)[i]);
}

// Counts of a sampled log stand for all; what is measured is measured of those that are told.
void Activity::connection(const v1::EndedConnection& ended, const FlowRhythm& told) {
  const auto ended_ms = static_cast<int64_t>(ended.ended_unix_ns()) / kNsOfMs;
  const auto lasted_ms = static_cast<int64_t>(ended.lasted_ns()) / kNsOfMs;
  connections_ += std::max(ended.stands_for(), 1U);
  if (ended.end() != "closed") broken_ += std::max(ended.stands_for(), 1U);
  begun_.add(ended_ms - lasted_ms);
  ln_duration_.add(log_of(static_cast<double>(lasted_ms)));
  ln_up_.add(log_of(ended.bytes_up()));
  ln_down_.add(log_of(ended.bytes_down()));
  zones_.add(ended.zone());
  hello(ended.ja4());
  rhythm(told);
  mark(ended_ms - lasted_ms);
  mark(ended_ms);
}

void Activity::flow(const FlowRhythm& told, const std::string& ja4) {
  ++open_;
  hello(ja4);
  rhythm(told);
}

void Activity::signal(const Signal& signal, int64_t now_ms) {
  ++told_;
  told_at_.add(now_ms);
  failed_ += signal.status >= kFailedStatus ? 1 : 0;
  mark(now_ms);
  if (signal.path.empty()) return;
  paths_.add(signal.path);
  path_[0].add(static_cast<double>(std::count(signal.path.begin(), signal.path.end(), '/')));
  for (size_t i = 1; i <= kPathHashes; ++i) path_[i].add(unit_hash(signal.path, i));
}

bool Activity::is_over() {
  ++windows_;
  if (acts() >= kLeastActs || windows_ >= kMostWindows) return true;
  open_ = 0;  // counted anew at the end of the next one
  return false;
}

FeatureValues Activity::values(int64_t now_ms) const {
  FeatureValues values;
  values.fill(kNoValue);
  const int64_t looked_at_ms = std::max(now_ms - begun_ms_, window_ms_);
  const double minutes = static_cast<double>(looked_at_ms) / kMsOfMinute;
  write_rhythm(values, minutes);
  write_connections(values, minutes, looked_at_ms);
  write_hello(values);
  write_told(values, minutes, looked_at_ms);
  at(values, Feature::refused) = share(refused_, acts() + refused_);
  at(values, Feature::active) =
      share(active_.count(), kTwelfths * std::clamp(windows_, 1U, kMostWindows));
  return values;
}

void Activity::write_rhythm(FeatureValues& values, double minutes) const {
  at(values, Feature::requests) = static_cast<double>(requests_) / minutes;
  const double gap_ms = mean_of(gap_sum_ms_, gap_weight_);
  at(values, Feature::request_gap) = gap_ms;
  at(values, Feature::request_jitter) = mean_of(deviation_sum_ms_, gap_weight_) / gap_ms;
  at(values, Feature::request_bytes) = mean_of(bytes_sum_, bytes_weight_);
  if (requests_ != 0) {
    at(values, Feature::requests_per_connection) = share(requests_, connections());
  }
}

void Activity::write_connections(FeatureValues& values, double minutes,
                                 int64_t looked_at_ms) const {
  at(values, Feature::connections) = static_cast<double>(connections_) / minutes;
  at(values, Feature::connection_gap) = begun_.gap_ms(looked_at_ms);
  at(values, Feature::connection_jitter) = begun_.jitter();
  at(values, Feature::connection_bursts) = begun_.bursts();
  at(values, Feature::open) = static_cast<double>(open_);
  const auto write = [&values](const Moments& of, Feature mean, Feature spread) {
    at(values, mean) = std::exp(of.mean());
    at(values, spread) = of.deviation();
  };
  write(ln_duration_, Feature::duration, Feature::duration_spread);
  write(ln_up_, Feature::bytes_up, Feature::bytes_up_spread);
  write(ln_down_, Feature::bytes_down, Feature::bytes_down_spread);
  at(values, Feature::broken) = share(broken_, connections_);
  if (connections_ != 0) at(values, Feature::zones) = zones_.count();
}

void Activity::write_hello(FeatureValues& values) const {
  constexpr Feature kInOrder[] = {Feature::hello_version,    Feature::hello_ciphers,
                                  Feature::hello_extensions, Feature::hello_alpn,
                                  Feature::hello_1,          Feature::hello_2,
                                  Feature::hello_3};
  static_assert(std::size(kInOrder) == std::tuple_size_v<decltype(hello_)>);
  for (size_t i = 0; i < hello_.size(); ++i) at(values, kInOrder[i]) = hello_[i].mean();
  if (hello_[0].count() != 0) at(values, Feature::hello_kinds) = hello_kinds_.count();
}

void Activity::write_told(FeatureValues& values, double minutes, int64_t looked_at_ms) const {
  at(values, Feature::told) = static_cast<double>(told_) / minutes;
  if (told_ == 0) return;
  at(values, Feature::told_gap) = told_at_.gap_ms(looked_at_ms);
  at(values, Feature::told_jitter) = told_at_.jitter();
  at(values, Feature::told_failed) = share(failed_, told_);
  if (path_[0].count() == 0) return;
  at(values, Feature::paths) = paths_.count() / static_cast<double>(path_[0].count());
  at(values, Feature::path_depth) = path_[0].mean();
  constexpr Feature kHashes[kPathHashes] = {Feature::path_1, Feature::path_2, Feature::path_3};
  for (size_t i = 0; i < kPathHashes; ++i) at(values, kHashes[i]) = path_[i + 1].mean();
}

}  // namespace dam::control
