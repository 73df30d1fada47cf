// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/logs/log_loki.h"

#include <algorithm>
#include <new>
#include <vector>

namespace dam::control {

namespace {

constexpr int64_t kNearNs = 10'000'000'000;  // clocks that were set back further are believed
constexpr size_t kMostStreams = 10'000;      // that are remembered
constexpr size_t kMostWords = 200;           // of an answer
constexpr long kTooMany = 429, kServerError = 500, kOk = 200, kNoContent = 204;

struct Stamped {
  int64_t at_ns;
  const std::string* text;
};

Json labels_of(LogKind kind, const std::string& zone) {
  Json labels = {{"job", "dam"}, {"kind", log_kind_name(kind)}};
  if (!zone.empty()) labels["zone"] = zone;
  return labels;
}

// The beginning of an answer, in letters that do not harm a terminal.
size_t take_words(char* data, size_t size, size_t count, void* user) {
  auto* words = static_cast<std::string*>(user);
  const size_t wanted = std::min(size * count, kMostWords - std::min(kMostWords, words->size()));
  for (size_t i = 0; i < wanted; ++i) {
    const auto letter = static_cast<unsigned char>(data[i]);
    *words += letter >= ' ' && letter < 0x7f ? data[i] : ' ';
  }
  return size * count;
}

int is_stopping(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<std::atomic<bool>*>(user) ? 1 : 0;
}

CURL* new_curl() {
  static const CURLcode begun = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* curl = begun == CURLE_OK ? curl_easy_init() : nullptr;
  if (curl == nullptr) throw std::bad_alloc();
  return curl;
}

}  // namespace

std::string LokiStreams::body_of(const LogBatch& batch) {
  std::map<Stream, std::vector<Stamped>> streams;
  for (const LogLine& line : batch) {
    streams[{line.kind, line.zone}].push_back({line.at_unix_ns, &line.text});
  }
  batch_last_ns_ = last_ns_.size() < kMostStreams ? last_ns_ : decltype(last_ns_){};
  Json body = {{"streams", Json::array()}};
  for (auto& [stream, lines] : streams) {
    std::stable_sort(lines.begin(), lines.end(), [](const Stamped& one, const Stamped& other) {
      return one.at_ns < other.at_ns;
    });
    int64_t& last = batch_last_ns_[stream];
    Json values = Json::array();
    for (const Stamped& line : lines) {
      const bool near = line.at_ns <= last && last - line.at_ns < kNearNs;
      last = near ? last + 1 : line.at_ns;
      values.push_back({std::to_string(last), *line.text});
    }
    body["streams"].push_back(
        {{"stream", labels_of(stream.first, stream.second)}, {"values", std::move(values)}});
  }
  return body.dump();
}

LogLokiWriter::LogLokiWriter(Place place) : place_(std::move(place)), curl_(new_curl()) {
  set_up();
}

template <class V>
void LogLokiWriter::set(CURLoption option, V value) {
  if (curl_easy_setopt(curl_.get(), option, value) != CURLE_OK) throw std::bad_alloc();
}

// Redirects are not followed and certificates are checked, by libcurl's defaults.
void LogLokiWriter::set_up() {
  set(CURLOPT_URL, (place_.url + "/loki/api/v1/push").c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_USERAGENT, "traffic-dam");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer keeps nobody
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(place_.connect_within.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(place_.answer_within.count()));
  set(CURLOPT_ERRORBUFFER, why_.data());
  set(CURLOPT_WRITEFUNCTION, take_words);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, is_stopping);
  set(CURLOPT_XFERINFODATA, &stopping_);
  if (!place_.ca.empty()) set(CURLOPT_CAINFO, place_.ca.c_str());
  if (!place_.netrc.empty() && place_.url.starts_with("https:")) {
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    set(CURLOPT_NETRC_FILE, place_.netrc.c_str());
  }
  headers_.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!place_.tenant.empty()) {
    curl_slist_append(headers_.get(), ("X-Scope-OrgID: " + place_.tenant).c_str());
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
}

LogWriter::Written LogLokiWriter::write(const LogBatch& batch, std::string& wrong) {
  const std::string body = streams_.body_of(batch);
  std::string words;
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  set(CURLOPT_POSTFIELDS, body.c_str());
  set(CURLOPT_WRITEDATA, &words);
  why_[0] = '\0';
  const CURLcode code = curl_easy_perform(curl_.get());
  if (code != CURLE_OK) {
    wrong = place_.url + ": " + (why_[0] != '\0' ? why_.data() : curl_easy_strerror(code));
    return {0, true};
  }
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == kNoContent || status == kOk) {
    streams_.done();
    return {batch.size(), false};
  }
  wrong = place_.url + " answers " + std::to_string(status) + ": " + words;
  return {0, status == kTooMany || status >= kServerError};
}

}  // namespace dam::control
