// SPDX-License-Identifier: BSD-3-Clause
// Lines to Grafana Loki: a batch is one POST to /loki/api/v1/push (grafana.com/docs/loki, "HTTP
// API"). Labels are job, kind and, where there is one, zone: nothing that a stranger can multiply.
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "controlplane/logs/log_sink.h"

namespace dam::control {

// The streams of batches. Within a stream time only goes on, by a nanosecond at least, for Loki
// takes two equal lines of one time for one; where the same batch is sent once more, it does so.
class LokiStreams {
 public:
  // The body, in JSON. Of the same batch the same, until it is done.
  std::string body_of(const LogBatch& batch);
  void done() { last_ns_ = batch_last_ns_; }

 private:
  using Stream = std::pair<LogKind, std::string>;  // kind and zone
  std::map<Stream, int64_t> last_ns_, batch_last_ns_;
};

class LogLokiWriter : public LogWriter {
 public:
  struct Place {
    std::string url, tenant;    // as in LokiPlace
    std::string netrc{}, ca{};  // as in LogPlaces
    std::chrono::milliseconds connect_within{3'000}, answer_within{10'000};
  };
  explicit LogLokiWriter(Place place);

  // What Loki may take later goes again: no connection, no answer, 429, 5xx.
  Written write(const LogBatch& batch, std::string& wrong) override;
  void stop() override { stopping_ = true; }  // libcurl asks at least once a second

 private:
  struct CurlEnds {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  template <class V>
  void set(CURLoption option, V value);
  void set_up();

  const Place place_;
  std::array<char, CURL_ERROR_SIZE> why_{};
  const std::unique_ptr<CURL, CurlEnds> curl_;
  std::unique_ptr<curl_slist, CurlEnds> headers_;
  std::atomic<bool> stopping_{false};
  LokiStreams streams_;
};

}  // namespace dam::control
