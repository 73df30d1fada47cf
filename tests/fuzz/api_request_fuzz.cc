// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a request of an admin: through the HTTP library, the endpoints' routing and their
// checks of path, query and JSON body. What is let through to a handler is what its schemas say;
// what is not gets an answer that says why. The handlers themselves are left out, but for the
// reader of lists of bans.
#include <httplib.h>

#include <cstdlib>
#include <string>

#include "controlplane/api/endpoints.h"
#include "controlplane/bans/ban_lines.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

using namespace dam::control;

// One request, and its answer.
class Exchange : public httplib::Stream {
 public:
  explicit Exchange(std::string request) : request_(std::move(request)) {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t bytes) override {
    const size_t count = request_.copy(to, bytes, at_);
    at_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, size_t bytes) override {
    answer_.append(from, bytes);
    return static_cast<ssize_t>(bytes);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }
  const std::string& answer() const { return answer_; }

 private:
  std::string request_;
  size_t at_ = 0;
  std::string answer_;
};

void check_call(const Endpoint& endpoint, const Call& call) {
  for (const auto* list : {&endpoint.path_parameters, &endpoint.query}) {
    for (const Parameter& one : *list) {
      const auto found = call.parameters.find(one.name);
      check(found != call.parameters.end() || list == &endpoint.query, "no path without its parts");
      if (found != call.parameters.end()) {
        check(mismatches(one.schema, *found).empty(), "a parameter is what its schema says");
      }
    }
  }
  if (endpoint.body.kind == Body::Kind::json) {
    check(mismatches(endpoint.body.schema, call.body).empty(), "so is a body");
  }
  if (endpoint.body.kind == Body::Kind::text) {
    Objections wrong;
    read_ban_lines(call.request.body, {}, wrong);
  }
}

// Those with the most to check. Their parts are there to be referred to alone.
Endpoints endpoints() {
  static BanStore bans(BanStore::kInMemory);
  static BanBook book(
      bans, [] { return std::shared_ptr<const Policy>(); }, [] { return int64_t{1}; });
  static Trust trust(StateFile::kInMemory);
  static PolicyStore policies(PolicyStore::kInMemory);
  static RunningPolicy policy("/nonexistent", policies, [](auto) { return Delivery(); });
  const Ask nobody = [](const v1::Request&, std::string&) { return std::optional<v1::Reply>(); };
  Endpoints all;
  for (const Endpoints& more : {ban_endpoints(book, nobody), flow_endpoints(nobody),
                                trust_endpoints(trust), policy_endpoints(policy)}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

class Served : public httplib::Server {
 public:
  Served() {
    Endpoints all = endpoints();
    for (Endpoint& endpoint : all) {
      endpoint.handle = [of = endpoint](const Call& call, httplib::Response& response) {
        check_call(of, call);
        control::answer(response, 200, Json::object());
      };
    }
    serve(*this, std::move(all), [](const httplib::Request&) {
      return Caller{"admin", Role::admin};
    });
  }
  void take(Exchange& exchange) {
    bool closed = false;
    process_request(exchange, true, closed, [](httplib::Request& request) {
      request.ranges.clear();  // as bounded_server.cc does it
      request.headers.erase("Accept-Encoding");
    });
  }
};

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  static Served served;
  Exchange exchange(std::string(reinterpret_cast<const char*>(data), size));
  served.take(exchange);
  const std::string& answer = exchange.answer();
  if (answer.empty()) return 0;  // no request at all
  check(answer.starts_with("HTTP/1.1 "), "an answer is one");
  const int status = std::atoi(answer.c_str() + 9);
  check(status == 100 || status == 200 || (status >= 400 && status < 500), "never our own fault");
  return 0;
}
