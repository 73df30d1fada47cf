// SPDX-License-Identifier: BSD-3-Clause
// What has happened, newest last: the history and the stream of the API. In memory, bounded; what
// must last is in the policy's versions and in the audit log.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace dam::control {

// The kinds of events: name (in the API), text.
#define DAM_EVENT_KINDS(X)                                                     \
  X(policy, "a policy was put in force, confirmed or brought back")            \
  X(dataplane, "the dataplane came, went, or cannot do what the policy wants") \
  X(ban, "a source was banned, or a ban ended")                                \
  X(violation, "over a zone's buckets: refused, or counted in shadow mode")    \
  X(route, "connections that no route or no server took")                      \
  X(limit, "refused since a table or a memory was full")                       \
  X(server, "a server went up or down")                                        \
  X(link, "the link of an interface went or came back")

enum class EventKind {
#define X(name, text) name,
  DAM_EVENT_KINDS(X)
#undef X
};
const char* event_kind_name(EventKind kind);
std::vector<std::string> event_kind_names();
std::optional<EventKind> event_kind_of(const std::string& name);

struct Event {
  EventKind kind = EventKind::policy;
  std::string subject;  // the zone, server or address that it is about; may be empty
  std::string reason;   // a drop reason's name where there is one
  uint64_t count = 1;   // how often since the last event of this subject and reason
  std::string text;     // one sentence
  int64_t number = 0;   // from 1; given by the log
  int64_t at_unix_ms = 0;
};

class EventLog {
 public:
  static constexpr size_t kMost = 10'000;  // older ones are forgotten

  void add(Event event);
  // Oldest first, those above `after`; of one kind where one is given.
  std::vector<Event> above(int64_t after, size_t most, std::optional<EventKind> kind = {}) const;
  // The newest `most` of them, oldest first.
  std::vector<Event> newest(size_t most, std::optional<EventKind> kind = {}) const;
  int64_t last_number() const;
  // False when nothing has come above `after` in that time, or the log is closed.
  bool wait_above(int64_t after, std::chrono::milliseconds patience) const;
  // Nobody waits any longer: the program ends.
  void close();
  bool is_closed() const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  std::deque<Event> events_;
  int64_t last_ = 0;
  bool closed_ = false;
};

}  // namespace dam::control
