// SPDX-License-Identifier: BSD-3-Clause
// Packets for Wireshark: a capture is begun, fetched while it goes on, and ended.
#include "controlplane/api/bounded_server.h"
#include "controlplane/api/dataplane_endpoint.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/policy/subnet.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

constexpr Role kCaptureRole = Role::operator_;  // packets hold what clients send
constexpr const char* kMediaType = "application/vnd.tcpdump.pcap";
constexpr int64_t kUsualPackets = 1000, kUsualSeconds = 10, kUsualSnapBytes = 256;

std::vector<std::string> reason_names() {
  std::vector<std::string> names;
  for (int reason = 0; reason < DAM_DROP_COUNT; ++reason) names.emplace_back(drop_name(reason));
  return names;
}

std::string which_of(const v1::StartCapture& asked) {
  if (asked.passed() && asked.dropped()) return "all";
  return asked.dropped() ? "dropped" : "passed";
}

Json capture_json(const v1::Capture& capture) {
  const v1::StartCapture& asked = capture.asked();
  const auto client = asked.has_client() ? read_subnet(asked.client()) : std::nullopt;
  Json json = {{"id", capture.id()}, {"by", asked.by()}, {"which", which_of(asked)}};
  if (client) json["client"] = client->text();
  if (!asked.zone().empty()) json["zone"] = asked.zone();
  if (!asked.reason().empty()) json["reason"] = asked.reason();
  json["packets"] = asked.most_packets();
  json["seconds"] = asked.seconds();
  json["snap_bytes"] = asked.snap_bytes();
  json["begun_ms"] = capture.begun_unix_ns() / 1'000'000;
  json["ends_ms"] = capture.ends_unix_ns() / 1'000'000;
  if (!capture.ended().empty()) json["ended"] = capture.ended();
  json["kept"] = capture.kept();
  json["not_kept"] = capture.not_kept();
  return json;
}

schema::Fields filter_fields() {
  using namespace schema;
  return {{"client?", string("an address or a network; anybody if not said")},
          {"zone?", string("a zone's name; \"front\" is what has no route yet")},
          {"reason?", one_of(reason_names(), "as GET /v1/drops lists them")},
          {"which?", one_of({"all", "passed", "dropped"}, "all if not said")},
          {"packets?", integer(1, kMostCapturePackets, "ends it; 1000 if not said")},
          {"seconds?", integer(1, kMostCaptureSeconds, "ends it; 10 if not said")},
          {"snap_bytes?", integer(kLeastCaptureSnapBytes, kMostCaptureSnapBytes,
                                  "of each frame at most; 256 if not said")}};
}

Json capture_schema() {
  using namespace schema;
  Fields fields = filter_fields();
  fields.insert(fields.end(), {{"id", integer(1, INT64_MAX)},
                               {"by", string("who began it, and may fetch it")},
                               {"begun_ms", count("Unix time, ms")},
                               {"ends_ms", count("Unix time, ms; at the latest")},
                               {"ended?", string("why; absent: it goes on")},
                               {"kept", count("packets so far")},
                               {"not_kept", count("packets for which there was no room")}});
  return object(fields);
}

void refuse(const CaptureResult& result, httplib::Response& response) {
  switch (result.outcome) {
    case CaptureResult::Outcome::busy:
      return answer(response, 409,
                    error_body(result.why, "wait for its end, or end it: damctl capture --stop"));
    case CaptureResult::Outcome::wrong:
      return answer(response, 422, error_body(result.why, ""));
    case CaptureResult::Outcome::none:
      return answer(response, 404, error_body(result.why, "begin one: POST /v1/captures"));
    default:
      return not_reached(result.why, response);
  }
}

void answer_with(const CaptureResult& result, httplib::Response& response) {
  if (result.outcome != CaptureResult::Outcome::done) return refuse(result, response);
  answer(response, 200, capture_json(result.capture));
}

void start(Captures& captures, const Call& call, httplib::Response& response) {
  v1::StartCapture asked;
  const std::string client = call.body.value("client", "");
  if (!client.empty()) {
    const auto network = parse_network(client);
    if (!network) {
      return answer(response, 400,
                    error_body("client is no address or network", "e.g. 198.51.100.0/24"));
    }
    write_subnet(network->masked(), *asked.mutable_client());
  }
  const std::string which = call.body.value("which", "all");
  asked.set_by(call.caller.name);
  asked.set_zone(call.body.value("zone", ""));
  asked.set_reason(call.body.value("reason", ""));
  asked.set_passed(which != "dropped");
  asked.set_dropped(which != "passed");
  const auto number = [&call](const char* name, int64_t usual) {
    return static_cast<uint32_t>(call.body.value(name, usual));
  };
  asked.set_most_packets(number("packets", kUsualPackets));
  asked.set_seconds(number("seconds", kUsualSeconds));
  asked.set_snap_bytes(number("snap_bytes", kUsualSnapBytes));
  answer_with(captures.start(asked), response);
}

uint64_t id_of(const Call& call) { return static_cast<uint64_t>(call.parameter<int64_t>("id", 0)); }

void look(Captures& captures, const Call& call, httplib::Response& response) {
  answer_with(captures.look(id_of(call)), response);
}

void stop(Captures& captures, const Call& call, httplib::Response& response) {
  answer_with(captures.stop(id_of(call)), response);
}

void fetch(Captures& captures, const Call& call, httplib::Response& response) {
  CaptureResult result;
  const auto file = captures.open(id_of(call), result);
  if (!file) return refuse(result, response);
  // The audit log says who has seen the packets: who began it.
  if (result.capture.asked().by() != call.caller.name) {
    return answer(
        response, 409,
        error_body("it was begun by " + result.capture.asked().by() + ", who alone may fetch it",
                   "end it, and begin your own: damctl capture --stop"));
  }
  let_answer_last();
  response.set_header("Cache-Control", "no-store");
  response.set_header("Content-Disposition", "attachment; filename=\"dam.pcapng\"");
  response.set_chunked_content_provider(
      kMediaType, [file, caller = call.caller](size_t, httplib::DataSink& sink) {
        if (caller.refused_by_now && !caller.refused_by_now(kCaptureRole).empty()) return false;
        std::string octets;
        if (!file->next(octets)) {
          sink.done();
          return true;
        }
        return octets.empty() ? !client_has_left() : sink.write(octets.data(), octets.size());
      });
}

}  // namespace

Endpoints capture_endpoints(Captures& captures) {
  Endpoint begin =
      dataplane_endpoint("POST", "/v1/captures", kCaptureRole, "Capture packets", capture_schema());
  begin.body = {Body::Kind::json, schema::object(filter_fields()), "", "which, and how many"};
  begin.answers[409] = schema::any("another one is under way");
  begin.answers[422] = schema::any("there is no such zone");
  Endpoint state = dataplane_endpoint("GET", "/v1/captures/current", Role::viewer,
                                      "The capture that was begun last", capture_schema());
  Endpoint file = dataplane_endpoint(
      "GET", "/v1/captures/current/file", kCaptureRole,
      "Its packets, once, while it goes on; nobody within 10 s ends it",
      schema::text_answer(kMediaType, "pcapng; each packet's comment says what became of it"));
  file.answers[409] = schema::any("somebody else's, or being fetched");
  Endpoint end = dataplane_endpoint("DELETE", "/v1/captures/current", kCaptureRole,
                                    "End the capture", capture_schema());
  for (Endpoint* one : {&state, &file, &end}) {
    one->query = {{"id", schema::integer(1, INT64_MAX, "only if it is this one")}};
  }
  const auto handled = [&captures](Endpoint endpoint, auto handle) {
    endpoint.handle = [&captures, handle](const Call& call, httplib::Response& response) {
      handle(captures, call, response);
    };
    return endpoint;
  };
  return {handled(begin, start), handled(file, fetch), handled(state, look), handled(end, stop)};
}

}  // namespace dam::control
