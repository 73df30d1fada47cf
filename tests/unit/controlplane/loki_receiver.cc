// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/controlplane/loki_receiver.h"

#include <gtest/gtest.h>

#include "tests/unit/controlplane/log_lines.h"

namespace dam::control {

namespace {

bool has_only(const nlohmann::json& object, const std::set<std::string>& keys) {
  if (!object.is_object()) return false;
  for (const auto& [key, value] : object.items()) {
    if (!keys.contains(key)) return false;
  }
  return true;
}

bool is_time(const nlohmann::json& value) {  // of this century, in nanoseconds
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() == 19 && text.find_first_not_of("0123456789") == std::string::npos;
}

// The labels are what the line itself says.
std::string wrong_with(const nlohmann::json& labels, const nlohmann::json& line) {
  if (!has_only(labels, {"job", "kind", "zone"}) || labels.value("job", "") != "dam") {
    return "labels " + labels.dump();
  }
  if (!is_log_line(line)) return "no line by the schema: " + line.dump();
  if (labels.value("kind", "") != line.value("kind", "") ||
      labels.value("zone", "") != line.value("zone", ""))
    return "labels " + labels.dump() + " of " + line.dump();
  return "";
}

}  // namespace

void LokiReceiver::begin(uint16_t port, const Certificate* certificate) {
  if (certificate != nullptr) {
    server_ = std::make_unique<httplib::SSLServer>(certificate->file.c_str(),
                                                   certificate->key_file.c_str());
  } else {
    server_ = std::make_unique<httplib::Server>();
  }
  server_->set_keep_alive_max_count(1'000'000);
  server_->set_keep_alive_timeout(1);
  server_->Post("/loki/api/v1/push",
                [this](const httplib::Request& in, httplib::Response& out) { answer(in, out); });
  ASSERT_TRUE(server_->bind_to_port("127.0.0.1", port));
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  ASSERT_TRUE(comes_true([this] { return server_->is_running(); }));
}

void LokiReceiver::end() {
  if (!server_) return;
  server_->stop();
  thread_.join();
  server_.reset();
}

void LokiReceiver::will(std::vector<Mood> moods) {
  const std::lock_guard lock(mutex_);
  moods_.assign(moods.begin(), moods.end());
}

void LokiReceiver::answer(const httplib::Request& request, httplib::Response& response) {
  Mood mood;
  {
    const std::lock_guard lock(mutex_);
    if (!moods_.empty()) {
      mood = moods_.front();
      moods_.pop_front();
    }
    requests_.push_back(
        {request.get_header_value("X-Scope-OrgID"), request.get_header_value("Authorization")});
    std::string wrong;
    if (mood.taken) wrong = take(request);
    if (!wrong.empty()) {
      objections_.push_back(wrong);
      mood.answer = 400;
    }
  }
  response.status = mood.answer;
  if (mood.more) mood.more(response);
}

std::string LokiReceiver::take(const httplib::Request& request) {
  if (request.get_header_value("Content-Type") != "application/json") return "Content-Type";
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  if (!has_only(body, {"streams"}) || !body.contains("streams") || !body["streams"].is_array() ||
      body["streams"].empty()) {
    return "body " + request.body.substr(0, 200);
  }
  for (const auto& stream : body["streams"]) {
    if (std::string wrong = take_stream(stream); !wrong.empty()) return wrong;
  }
  return "";
}

std::string LokiReceiver::take_stream(const nlohmann::json& stream) {
  if (!has_only(stream, {"stream", "values"}) || stream.size() != 2 ||
      !stream["values"].is_array() || stream["values"].empty()) {
    return "stream " + stream.dump();
  }
  int64_t last = 0;
  for (const auto& value : stream["values"]) {
    if (!value.is_array() || value.size() != 2 || !is_time(value[0]) || !value[1].is_string()) {
      return "value " + value.dump();
    }
    const auto line = nlohmann::json::parse(value[1].get<std::string>(), nullptr, false);
    if (std::string wrong = wrong_with(stream["stream"], line); !wrong.empty()) return wrong;
    const int64_t at = std::stoll(value[0].get<std::string>());
    if (at <= last) return "time goes back: " + value.dump();
    last = at;
    if (!known_.insert(stream["stream"].dump() + value.dump()).second) {
      ++doubles_;
      continue;
    }
    entries_.push_back({stream["stream"], at, line});
  }
  return "";
}

std::vector<LokiReceiver::Entry> LokiReceiver::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

std::vector<LokiReceiver::Request> LokiReceiver::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> LokiReceiver::objections() const {
  const std::lock_guard lock(mutex_);
  return objections_;
}

size_t LokiReceiver::doubles() const {
  const std::lock_guard lock(mutex_);
  return doubles_;
}

}  // namespace dam::control
