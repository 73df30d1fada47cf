// SPDX-License-Identifier: BSD-3-Clause
// What stands for Loki in tests: a real HTTP server that takes what Loki's documentation says of
// POST /loki/api/v1/push (JSON) and nothing else, keeps lines as Loki does, and fails as it is told
// to. It is not Loki: Debian has no package of it.
#pragma once

#include <httplib.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace dam::control {

class LokiReceiver {
 public:
  struct Certificate {
    std::string file, key_file;
  };
  // Of one request; without one, it is taken. `taken` with `answer`: kept, though not said.
  struct Mood {
    int answer = 204;
    bool taken = true;
    std::function<void(httplib::Response&)> more;
  };
  struct Request {
    std::string tenant, authorization;
  };
  struct Entry {
    std::map<std::string, std::string> labels;
    int64_t at_ns = 0;
    nlohmann::json line;
  };

  LokiReceiver() = default;
  ~LokiReceiver() { end(); }
  LokiReceiver(const LokiReceiver&) = delete;
  LokiReceiver& operator=(const LokiReceiver&) = delete;

  void begin(uint16_t port, const Certificate* certificate = nullptr);
  void end();
  void will(std::vector<Mood> moods);  // the next requests, one after the other

  // Two equal lines of one time in one stream are one.
  std::vector<Entry> entries() const;
  std::vector<Request> requests() const;
  std::vector<std::string> objections() const;  // to what is not as documented
  size_t doubles() const;                       // that were left out

 private:
  void answer(const httplib::Request& request, httplib::Response& response);
  std::string take(const httplib::Request& request);
  std::string take_stream(const nlohmann::json& stream);

  mutable std::mutex mutex_;
  std::deque<Mood> moods_;
  std::vector<Request> requests_;
  std::vector<Entry> entries_;
  std::set<std::string> known_;
  std::vector<std::string> objections_;
  size_t doubles_ = 0;
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
};

}  // namespace dam::control
