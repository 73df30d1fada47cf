// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_sync.h"

namespace dam::control {

namespace {

using namespace std::chrono_literals;

constexpr auto kBansRound = 100ms;
constexpr auto kZonesEvery = 500ms;
constexpr auto kAfterBanTrouble = 500ms;
constexpr auto kBansPatience = 30s;  // a million prefixes, saved
constexpr size_t kMostBansSaid = 10;

}  // namespace

BanSync::BanSync(BanBook& book, DataplaneLink& link, std::function<void(const std::string&)> log)
    : book_(book), link_(link), log_(std::move(log)), thread_([this] { run(); }) {}

BanSync::~BanSync() {
  stopping_.store(true);
  thread_.join();
}

void BanSync::run() {
  while (!stopping_.load()) {
    const LinkState state = link_.state();
    if (!state.connected || !state.started) {
      std::this_thread::sleep_for(kBansRound);
      continue;
    }
    if (!give_news(state.bans_version) || !lift_in_zones()) {
      std::this_thread::sleep_for(kAfterBanTrouble);
      continue;
    }
    if (std::chrono::steady_clock::now() >= look_at_) look_at_zones();
    book_.wait(kBansRound);
  }
}

void BanSync::trouble(const std::string& what) {
  if (what != trouble_ && !what.empty()) log_(what);
  trouble_ = what;
}

bool BanSync::give_news(uint64_t held) {
  auto news = book_.news_for(held);
  if (!news) return true;
  v1::Request request;
  *request.mutable_bans() = std::move(*news);
  std::string wrong;
  const auto reply = link_.ask(request, kBansPatience, wrong);
  const bool taken = reply && reply->ok();
  book_.told(taken);
  trouble(taken ? "" : "the dataplane has not taken the bans: " + wrong);
  return taken;
}

bool BanSync::lift_in_zones() {
  std::vector<Network> lifts = book_.zone_lifts();
  while (!lifts.empty()) {
    v1::Request request;
    v1::Subnet& source = *request.mutable_lift_zone_ban()->mutable_source();
    source.set_address(lifts.back().address.wire());
    source.set_prefix_bits(lifts.back().prefix_bits);
    std::string wrong;
    if (!link_.ask(request, kBansPatience, wrong)) {
      book_.again(lifts);
      return false;
    }
    lifts.pop_back();
  }
  return true;
}

void BanSync::look_at_zones() {
  look_at_ = std::chrono::steady_clock::now() + kZonesEvery;
  v1::Request request;
  request.mutable_zone_bans()->set_seen(zones_seen_);
  std::string wrong;
  const auto reply = link_.ask(request, kBansPatience, wrong);
  if (!reply || !reply->ok() || reply->zone_bans().version() == zones_seen_) return;
  const v1::ZoneBans& found = reply->zone_bans();
  zones_seen_ = found.version();
  const auto whole =
      book_.note_zone_bans({found.bans().begin(), found.bans().end()}, !found.more());
  for (size_t i = 0; i < whole.size() && i < kMostBansSaid; ++i) {
    log_(whole[i].source.text() + " is banned from everything: " + whole[i].reason);
  }
  if (whole.size() > kMostBansSaid) log_(std::to_string(whole.size()) + " sources were banned so");
}

}  // namespace dam::control
