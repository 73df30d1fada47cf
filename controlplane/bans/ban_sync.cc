// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/bans/ban_sync.h"

#include <utility>

#include "controlplane/bans/fingerprint_book.h"
#include "controlplane/policy/subnet.h"

namespace dam::control {

namespace {

using namespace std::chrono_literals;

constexpr auto kBansRound = 100ms;
constexpr auto kZonesEvery = 500ms;
constexpr auto kAfterBanTrouble = 500ms;
constexpr auto kAfterRefusal = 2s;   // of a zone, whose table of sources is full: some go meanwhile
constexpr auto kBansPatience = 30s;  // a million prefixes, saved
constexpr size_t kMostBansSaid = 10;
constexpr size_t kZoneChangesAtOnce = 64;  // then it is looked whether there is other news

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
      services_under_ = 0;
      std::this_thread::sleep_for(kBansRound);
      continue;
    }
    book_.tell_services(std::exchange(services_under_, state.policy_version) !=
                        state.policy_version);
    tell_refused();
    give_fingerprints(state.fingerprint_bans_version);
    if (!give_news(state.bans_version) || !change_in_zones()) {
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

void BanSync::trouble_with_zones(const std::string& what) {
  if (what != zone_trouble_ && !what.empty()) log_("a zone has not taken a ban: " + what);
  zone_trouble_ = what;
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

// What it does not take keeps nothing else waiting: a dataplane from before these says so, too.
void BanSync::give_fingerprints(uint64_t held) {
  if (std::chrono::steady_clock::now() < fingerprints_at_) return;
  auto news = book_.fingerprints().news_for(held);
  if (!news) return;
  v1::Request request;
  *request.mutable_fingerprint_bans() = std::move(*news);
  std::string wrong;
  const auto reply = link_.ask(request, kBansPatience, wrong);
  const bool taken = reply && reply->ok();
  book_.fingerprints().told(taken, reply && !taken ? wrong : "");
  if (!taken) fingerprints_at_ = std::chrono::steady_clock::now() + kAfterBanTrouble;
  const std::string what =
      taken ? "" : "the dataplane has not taken the bans of fingerprints: " + wrong;
  if (what != fingerprint_trouble_ && !what.empty()) log_(what);
  fingerprint_trouble_ = what;
}

bool BanSync::change_in_zones() {
  const std::vector<ZoneBanChange> changes = book_.zone_changes(kZoneChangesAtOnce);
  for (auto at = changes.begin(); at != changes.end(); ++at) {
    const ZoneBanChange& one = *at;
    v1::Request request;
    v1::ChangeZoneBan& change = *request.mutable_change_zone_ban();
    write_subnet(one.source, *change.mutable_source());
    change.set_zone(one.zone);
    change.set_until_unix_ms(static_cast<uint64_t>(one.until_unix) * 1000);
    std::string wrong;
    const auto reply = link_.ask(request, kBansPatience, wrong);
    if (!reply) {
      book_.again({at, changes.end()});
      return false;
    }
    if (reply->ok()) continue;
    if (one.until_unix != 0) note_refused(one.source);
    if (reply->errors_size() != 0) trouble_with_zones(reply->errors(0));
  }
  if (refused_.empty() && !changes.empty()) trouble_with_zones("");
  return true;
}

void BanSync::note_refused(const Network& source) {
  if (refused_.empty()) refused_at_ = std::chrono::steady_clock::now() + kAfterRefusal;
  refused_.insert(source);
}

// Whoever was lifted meanwhile is not banned again: the book knows.
void BanSync::tell_refused() {
  if (refused_.empty() || std::chrono::steady_clock::now() < refused_at_) return;
  for (const Network& source : std::exchange(refused_, {})) book_.tell_services_of(source);
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
  const auto grown =
      book_.note_zone_bans({found.bans().begin(), found.bans().end()}, !found.more());
  for (size_t i = 0; i < grown.size() && i < kMostBansSaid; ++i) {
    log_(grown[i].source.text() + " stays banned longer: " + grown[i].reason);
  }
  if (grown.size() > kMostBansSaid) log_("so do " + std::to_string(grown.size()) + " in all");
}

}  // namespace dam::control
