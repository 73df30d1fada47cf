// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/process/capture.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "dataplane/ipc/bounds.h"
#include "dataplane/ipc/wire_address.h"
#include "dataplane/process/drop_names.h"
#include "dataplane/process/names.h"
#include "dataplane/process/replies.h"

namespace dam {
namespace {

static_assert(kMostCaptureSnapBytes == DAM_SIGHT_FRAME_BYTES);

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint32_t kMostAuthorBytes = 200;

std::string within(const char* what, uint32_t value, uint32_t least, uint32_t most) {
  if (value >= least && value <= most) return {};
  return std::string(what) + " " + std::to_string(value) + " is not from " + std::to_string(least) +
         " to " + std::to_string(most) + ".";
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// Retired ones may be in use still: connections outlive their zone.
std::string choose_zone(const std::string& name, const Policy& policy, uint8_t& slot) {
  slot = DAM_SIGHT_ANY;
  if (name.empty()) return {};
  std::vector<std::string> known;
  for (size_t i = 0; i < policy.zones.size(); ++i) {
    if (policy.zones[i].name == name) slot = static_cast<uint8_t>(i);
    if (policy.zones[i].in_policy) known.push_back(policy.zones[i].name);
  }
  if (slot != DAM_SIGHT_ANY) return {};
  return "There is no zone \"" + name + "\"; there are: " + list_of(known) + ".";
}

std::string choose_reason(const std::string& name, uint8_t& reason) {
  reason = DAM_SIGHT_ANY;
  if (name.empty()) return {};
  const auto found = std::find(std::begin(kDropNames), std::end(kDropNames), name);
  if (found != std::end(kDropNames)) {
    reason = static_cast<uint8_t>(found - std::begin(kDropNames));
    return {};
  }
  const std::vector<std::string> known(std::begin(kDropNames), std::end(kDropNames));
  return "There is no drop reason \"" + name + "\"; there are: " + list_of(known) + ".";
}

std::string choose_client(const v1::StartCapture& asked, dam_capture& to) {
  SourcePrefix client;
  if (!asked.has_client()) return {};
  std::string wrong = read_prefix(asked.client(), client);
  to.client = client.address;
  for (uint32_t bit = 0; bit < client.prefix_bits; ++bit) {
    to.mask.word[bit / 32] |= dam_hton32(1u << (31 - bit % 32)).raw;
  }
  return wrong;
}

std::string choose(const v1::StartCapture& asked, const Policy& policy, dam_capture& to) {
  for (std::string wrong : {
           within("snap_bytes", asked.snap_bytes(), kLeastCaptureSnapBytes, kMostCaptureSnapBytes),
           within("most_packets", asked.most_packets(), 1, kMostCapturePackets),
           within("seconds", asked.seconds(), 1, kMostCaptureSeconds),
           choose_zone(asked.zone(), policy, to.zone),
           choose_reason(asked.reason(), to.reason),
           choose_client(asked, to),
           within("the bytes of by", static_cast<uint32_t>(asked.by().size()), 0, kMostAuthorBytes),
       }) {
    if (!wrong.empty()) return wrong;
  }
  if (!asked.passed() && !asked.dropped()) {
    return "A capture of neither passed nor dropped packets.";
  }
  to.snap_bytes = asked.snap_bytes();
  to.passed = asked.passed() ? 1 : 0;
  to.dropped = asked.dropped() ? 1 : 0;
  return {};
}

const std::string& zone_name(const Policy* policy, size_t slot) {
  static const std::string kGone;
  return policy == nullptr ? kGone : name_of(policy->zones, slot);
}

}  // namespace

v1::Reply Capture::answer(const v1::Request& request, const Policy* policy,
                          const std::vector<Interface>& interfaces, Now now) {
  v1::Capture about;
  std::string wrong;
  const bool was_under_way = under_way();
  if (request.has_start_capture()) {
    wrong = start(request.start_capture(), policy, interfaces, now);
  } else if (request.has_stop_capture()) {
    wrong = stop(request.stop_capture());
  } else {
    wrong = read(request.read_capture(), policy, now.monotonic_ns, about);
  }
  v1::Reply reply = wrong.empty() ? done() : refusal({wrong});
  const bool busy = request.has_start_capture() && was_under_way;
  if (about.id() == 0 && (wrong.empty() || busy)) describe(about);
  if (about.id() != 0) *reply.mutable_capture() = std::move(about);
  return reply;
}

std::string Capture::start(const v1::StartCapture& asked, const Policy* policy,
                           const std::vector<Interface>& interfaces, Now now) {
  if (under_way()) return occupied(now.monotonic_ns);
  if (policy == nullptr) return "No policy is in force yet: no packet passes.";
  dam_capture wanted{};
  std::string wrong = choose(asked, *policy, wanted);
  if (!wrong.empty()) return wrong;
  const uint64_t lasts_ns = asked.seconds() * kSecondNs;
  // Also over restarts of this process no two have one.
  const uint64_t id = std::max(about_.id() + 1, now.unix_ns / kSecondNs);
  about_.Clear();
  about_.set_id(id);
  *about_.mutable_asked() = asked;
  about_.set_begun_unix_ns(now.unix_ns);
  about_.set_ends_unix_ns(now.unix_ns + lasts_ns);
  for (const Interface& one : interfaces) about_.add_interfaces(one.name);
  unix_less_monotonic_ns_ = now.unix_ns - now.monotonic_ns;
  ends_ns_ = now.monotonic_ns + lasts_ns;
  read_ns_ = now.monotonic_ns;
  no_room_ = 0;
  uncounted_ = false;
  lost_before_ = now.sights_lost;
  wanted_ = wanted;
  return {};
}

std::string Capture::occupied(uint64_t now_ns) const {
  const std::string whose = "A capture of " + about_.asked().by();
  if (!is_on()) return whose + " has ended, and is being fetched still.";
  const uint64_t left_ns = ends_ns_ > now_ns ? ends_ns_ - now_ns : 0;
  return whose + " is under way, for at most " +
         std::to_string((left_ns + kSecondNs - 1) / kSecondNs) + " s more.";
}

void Capture::take(const dam_sight& sight, std::span<const uint8_t> frame) {
  // What was wanted a moment ago comes late.
  if ((sight.flags & DAM_SIGHT_CAPTURED) == 0 || !dam_capture_wants(&wanted_, &sight)) return;
  const size_t bytes = std::min<size_t>(frame.size(), wanted_.snap_bytes);
  const size_t cost = bytes + sizeof(Frame);
  if (bytes_ + cost > kCaptureBufferBytes) {
    ++no_room_;
    return;
  }
  bytes_ += cost;
  frames_.push_back({sight, {reinterpret_cast<const char*>(frame.data()), bytes}});
  about_.set_kept(about_.kept() + 1);
  if (about_.kept() < about_.asked().most_packets()) return;
  end("all packets that were asked for");
  uncounted_ = true;
}

void Capture::end(const char* why) {
  if (!is_on()) return;
  wanted_ = {};
  about_.set_ended(why);
}

void Capture::tick(const Now& now, const Policy* policy) {
  // What the rings lost before the last packet that was asked for is told after it.
  if (std::exchange(uncounted_, false) || is_on()) {
    about_.set_not_kept(no_room_ + now.sights_lost - lost_before_);
  }
  if (is_on() && now.monotonic_ns >= ends_ns_) end("its time is over");
  // Another zone may take the slot.
  if (is_on() && wanted_.zone != DAM_SIGHT_ANY &&
      zone_name(policy, wanted_.zone) != about_.asked().zone()) {
    end("its zone is gone");
  }
  if (!under_way() || now.monotonic_ns - read_ns_ <= kCaptureUnreadNs) return;
  end("nobody fetched it for 10 s");
  discard();
}

void Capture::discard() {
  frames_ = {};
  bytes_ = 0;
}

std::string Capture::read(const v1::ReadCapture& request, const Policy* policy, uint64_t now_ns,
                          v1::Capture& to) {
  if (about_.id() == 0 || (request.id() != 0 && request.id() != about_.id())) {
    return "There is no such capture.";
  }
  describe(to);
  if (request.state_only()) return {};
  read_ns_ = now_ns;
  give_frames(policy, to);
  to.set_more(!frames_.empty());
  return {};
}

void Capture::describe(v1::Capture& to) const {
  to = about_;
  to.set_more(!frames_.empty());
}

void Capture::give_frames(const Policy* policy, v1::Capture& to) {
  for (size_t given = 0; !frames_.empty() && given < kCaptureReplyBytes; frames_.pop_front()) {
    Frame& frame = frames_.front();
    const size_t cost = frame.octets.size() + sizeof(Frame);
    bytes_ -= cost;
    given += cost;
    v1::CapturedFrame& one = *to.add_frames();
    one.set_at_unix_ns(frame.sight.at_ns + unix_less_monotonic_ns_);
    one.set_interface(frame.sight.interface);
    one.set_reason(frame.sight.reason);
    one.set_zone(zone_name(policy, frame.sight.zone));
    one.set_from_server((frame.sight.flags & DAM_SIGHT_S2C) != 0);
    one.set_frame_bytes(frame.sight.frame_bytes);
    *one.mutable_octets() = std::move(frame.octets);
  }
}

std::string Capture::stop(const v1::StopCapture& request) {
  const bool other = request.id() != 0 && request.id() != about_.id();
  if (!under_way() || other) return "No such capture is under way.";
  end("it was stopped");
  if (request.discard()) discard();
  return {};
}

}  // namespace dam
