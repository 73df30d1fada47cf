// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/capture/captures.h"

#include <sys/utsname.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "controlplane/capture/comment.h"
#include "controlplane/capture/pcapng.h"

namespace dam::control {

namespace {

using Outcome = CaptureResult::Outcome;

constexpr std::chrono::milliseconds kPause(100);
constexpr std::chrono::seconds kPatience(10);  // of the dataplane, with who fetches nothing, too

pcapng::Origin origin_of(const v1::Capture& about) {
  utsname machine{};
  if (uname(&machine) != 0) machine = {};
  return {machine.machine, std::string(machine.sysname) + " " + machine.release, "Traffic Dam",
          subject_of(about.asked()) + ", for " + about.asked().by()};
}

}  // namespace

CaptureResult Captures::ask(const v1::Request& request, v1::Capture& capture) const {
  CaptureResult result;
  auto reply = ask_(request, result.why);
  if (!reply) {
    result.outcome = Outcome::unreachable;
    return result;
  }
  capture = std::move(*reply->mutable_capture());
  if (!reply->ok()) result.outcome = Outcome::none;
  return result;
}

CaptureResult Captures::start(const v1::StartCapture& asked) const {
  v1::Request request;
  *request.mutable_start_capture() = asked;
  v1::Capture capture;
  CaptureResult result = ask(request, capture);
  if (result.outcome == Outcome::none) {
    result.outcome = capture.id() != 0 ? Outcome::busy : Outcome::wrong;
  }
  result.capture = std::move(capture);
  return result;
}

CaptureResult Captures::look(uint64_t id) const {
  v1::Request request;
  request.mutable_read_capture()->set_id(id);
  request.mutable_read_capture()->set_state_only(true);
  v1::Capture capture;
  CaptureResult result = ask(request, capture);
  result.capture = std::move(capture);
  return result;
}

CaptureResult Captures::stop(uint64_t id) const {
  v1::Request request;
  request.mutable_stop_capture()->set_id(id);
  v1::Capture capture;
  CaptureResult result = ask(request, capture);
  result.capture = std::move(capture);
  return result;
}

std::shared_ptr<CaptureFile> Captures::open(uint64_t id, CaptureResult& result) {
  result = look(id);
  if (result.outcome != Outcome::done) return nullptr;
  if (!result.capture.ended().empty() && !result.capture.more() && result.capture.kept() > 0) {
    result.outcome = Outcome::none;
    result.why = "Its packets are gone: they were fetched, or nobody came in time.";
    return nullptr;
  }
  if (open_.exchange(true)) {
    result.outcome = Outcome::busy;
    result.why = "Somebody is fetching it.";
    return nullptr;
  }
  return std::make_shared<CaptureFile>(*this, result.capture);
}

CaptureFile::CaptureFile(Captures& captures, v1::Capture about)
    : captures_(captures), about_(std::move(about)), heard_at_(std::chrono::steady_clock::now()) {}

CaptureFile::~CaptureFile() {
  if (begun_ && !ended_) {
    v1::Request request;
    request.mutable_stop_capture()->set_id(about_.id());
    request.mutable_stop_capture()->set_discard(true);
    v1::Capture unused;
    captures_.ask(request, unused);
  }
  captures_.open_ = false;
}

bool CaptureFile::next(std::string& octets) {
  octets.clear();
  if (!begun_) begin(octets);
  if (ended_ || captures_.closed_) return !octets.empty();
  v1::Request request;
  request.mutable_read_capture()->set_id(about_.id());
  v1::Capture now;
  const CaptureResult result = captures_.ask(request, now);
  for (const v1::CapturedFrame& frame : now.frames()) add(frame, octets);
  ended_ = is_over(result, now);
  if (!octets.empty()) return true;
  if (!ended_) std::this_thread::sleep_for(kPause);
  return !ended_;
}

// A dataplane that takes up a long list answers later; another one has no such capture.
bool CaptureFile::is_over(const CaptureResult& result, const v1::Capture& now) {
  const auto time = std::chrono::steady_clock::now();
  if (result.outcome == Outcome::unreachable) return time - heard_at_ > kPatience;
  heard_at_ = time;
  return result.outcome != Outcome::done || (!now.ended().empty() && !now.more());
}

void CaptureFile::begin(std::string& octets) {
  begun_ = true;
  octets += pcapng::section_header(origin_of(about_));
  for (const std::string& name : about_.interfaces()) {
    octets += pcapng::interface_description(name, about_.asked().snap_bytes());
    ++interfaces_;
  }
}

void CaptureFile::add(const v1::CapturedFrame& frame, std::string& octets) {
  const auto named = static_cast<uint32_t>(about_.interfaces_size());
  const uint32_t interface = std::min(frame.interface(), named);
  if (interface == interfaces_) {  // the first whose interface is unknown
    octets += pcapng::interface_description("unknown", about_.asked().snap_bytes());
    ++interfaces_;
  }
  octets += pcapng::enhanced_packet(
      {interface, frame.at_unix_ns(), frame.frame_bytes(), frame.octets(), comment_of(frame)});
}

}  // namespace dam::control
