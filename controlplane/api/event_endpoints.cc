// SPDX-License-Identifier: BSD-3-Clause
// What has happened: as a list, and as a stream of server-sent events (HTML Living Standard, 9.2).
#include <atomic>
#include <memory>

#include "controlplane/api/bounded_server.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/problem_json.h"

namespace dam::control {

namespace {

constexpr int kMostListeners = 6;  // each holds one of the server's threads
constexpr size_t kMostAtOnce = 500;
constexpr auto kHeartbeat = std::chrono::seconds(10);   // a client that is gone is noticed by it
constexpr auto kLook = std::chrono::milliseconds(500);  // whether its owner may still have it
constexpr Role kListenerRole = Role::viewer;

Json event_json(const Event& event) {
  return {{"number", event.number},
          {"at_ms", event.at_unix_ms},
          {"kind", event_kind_name(event.kind)},
          {"subject", event.subject},
          {"reason", event.reason},
          {"count", event.count},
          {"text", event.text}};
}

Json event_schema() {
  using namespace schema;
  return object({{"number", integer(1, INT64_MAX)},
                 {"at_ms", integer(0, INT64_MAX, "Unix time, ms")},
                 {"kind", one_of(event_kind_names())},
                 {"subject", string("the zone, server or address that it is about")},
                 {"reason", string("the drop reason's name, where there is one")},
                 {"count", count("how often since the last event of this subject and reason")},
                 {"text", string()}});
}

std::optional<EventKind> kind_asked(const Call& call) {
  return event_kind_of(call.parameter("kind", std::string()));
}

void get_events(const EventLog& events, const Call& call, httplib::Response& response) {
  const auto most = static_cast<size_t>(call.parameter<int64_t>("count", 100));
  const auto kind = kind_asked(call);
  const bool follows = call.parameters.contains("after");
  Json list = Json::array();
  for (const Event& event : follows ? events.above(call.parameter<int64_t>("after", 0), most, kind)
                                    : events.newest(most, kind)) {
    list.push_back(event_json(event));
  }
  answer(response, 200, {{"last", events.last_number()}, {"events", list}});
}

std::string stream_text(const Event& event) {
  return "id: " + std::to_string(event.number) + "\nevent: " + event_kind_name(event.kind) +
         "\ndata: " + event_json(event).dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n\n";
}

// Why the stream is over. What follows is its end, or the connection has broken.
std::string last_words(const std::string& text, bool refused) {
  const Json words = {{"text", text}, {"refused", refused}};
  return "event: end\ndata: " + words.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
}

// One listener: what it has heard so far, and its place among the few.
class Listener {
 public:
  Listener(const EventLog& events, std::atomic<int>& listeners, int64_t heard,
           std::optional<EventKind> kind, const Caller& caller)
      : events_(events), listeners_(listeners), heard_(heard), kind_(kind), caller_(caller) {}
  ~Listener() { --listeners_; }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  bool write_next(httplib::DataSink& sink) {
    std::string text;
    events_.wait_above(heard_, kLook);
    const std::string refusal = caller_.refused_by_now ? caller_.refused_by_now(kListenerRole) : "";
    if (!refusal.empty()) return end(sink, last_words(refusal, true));
    for (const Event& event : events_.above(heard_, kMostAtOnce)) {
      if (!kind_ || event.kind == *kind_) text += stream_text(event);
      heard_ = event.number;
    }
    if (events_.is_closed()) return end(sink, text + last_words("the control plane ends", false));
    // Also amid many events of other kinds: a client that is gone is noticed by a write alone.
    const auto now = std::chrono::steady_clock::now();
    if (text.empty() && now - written_ >= kHeartbeat) text = ": nothing new\n\n";
    if (text.empty()) return true;
    written_ = now;
    return sink.write(text.data(), text.size());
  }

 private:
  static bool end(httplib::DataSink& sink, const std::string& text) {
    const bool written = sink.write(text.data(), text.size());
    if (written) sink.done();
    return written;
  }

  const EventLog& events_;
  std::atomic<int>& listeners_;
  int64_t heard_;
  std::chrono::steady_clock::time_point written_{};  // the first comes at once
  const std::optional<EventKind> kind_;
  const Caller caller_;
};

// A client that comes back says what it has heard; another hears what comes from now on.
int64_t heard_by(const EventLog& events, const Call& call) {
  const std::string last = call.request.get_header_value("Last-Event-ID");
  const bool number = !last.empty() && last.size() < 16 &&
                      last.find_first_not_of("0123456789") == std::string::npos;
  const int64_t heard = call.parameter("after", number ? std::stoll(last) : events.last_number());
  return heard > events.last_number() ? 0 : heard;  // another process counted those
}

void get_stream(const EventLog& events, std::atomic<int>& listeners, const Call& call,
                httplib::Response& response) {
  if (++listeners > kMostListeners) {
    --listeners;
    return answer(response, 503,
                  error_body("as many listen already as may",
                             "end one of them, or ask GET /v1/events now and then"));
  }
  const auto listener = std::make_shared<Listener>(events, listeners, heard_by(events, call),
                                                   kind_asked(call), call.caller);
  let_answer_last();
  response.set_header("Cache-Control", "no-store");
  response.set_chunked_content_provider(
      "text/event-stream",
      [listener](size_t, httplib::DataSink& sink) { return listener->write_next(sink); });
}

Endpoint of(const char* path, const char* summary) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = path;
  endpoint.role = kListenerRole;
  endpoint.summary = summary;
  endpoint.query = {{"after", schema::integer(0, INT64_MAX, "only events with a greater number")},
                    {"kind", schema::one_of(event_kind_names(), "only events of this kind")}};
  return endpoint;
}

}  // namespace

Endpoints event_endpoints(const EventLog& events) {
  Endpoint list = of("/v1/events", "The newest events, oldest of them first");
  list.query.push_back({"count", schema::integer(1, 1000, "how many at most; 100 if not said")});
  list.answers = {{200, schema::object({{"last", schema::count("the newest event's number")},
                                        {"events", schema::array(event_schema())}})}};
  list.handle = [&events](const Call& call, httplib::Response& response) {
    get_events(events, call, response);
  };
  Endpoint stream = of("/v1/events/stream", "Events as they happen, as server-sent events");
  stream.answers = {{200, schema::text_answer("text/event-stream",
                                              "data: an event of /v1/events; event: end with the "
                                              "reason, where it is not the connection that ends")},
                    {503, schema::any("as many listen already as may")}};
  const auto listeners = std::make_shared<std::atomic<int>>(0);
  stream.handle = [&events, listeners](const Call& call, httplib::Response& response) {
    get_stream(events, *listeners, call, response);
  };
  return {list, stream};
}

}  // namespace dam::control
