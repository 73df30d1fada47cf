// SPDX-License-Identifier: BSD-3-Clause
// The API of bans over the real socket, with a dataplane that remembers what it was told; every
// answer is held against the served document.
#pragma once

#include <httplib.h>
#include <sys/socket.h>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/http_server.h"
#include "controlplane/bans/ban_sync.h"
#include "tests/unit/controlplane/judged_client.h"
#include "tests/unit/controlplane/sample_policy.h"
#include "tests/unit/controlplane/spare_parts.h"
#include "tests/unit/controlplane/test_dataplane.h"

namespace dam::control {

struct BanApi : testing::Test {
  TemporaryFolder folder;
  std::string socket = folder.file("api.sock");
  TestDataplane dataplane{folder.file("dataplane.sock")};
  DataplaneLink link{folder.file("dataplane.sock"), [](const std::string&) {}};
  PolicyStore store{PolicyStore::kInMemory};
  RunningPolicy policy{
      folder.write("dam.yaml",
                   std::string(kSamplePolicy) + "admin: [203.0.113.50]\ndeny: [192.0.2.0/24]\n"),
      store, [this](auto wanted) { return link.deliver(std::move(wanted)); }};
  SpareParts spare{policy};
  BanBook& book = spare.bans;
  BanSync sync{book, link, [](const std::string&) {}};
  Endpoints endpoints = all_endpoints(parts());
  ApiDocument document{openapi_document(endpoints)};
  HttpServer server{[this](httplib::Server& s) { serve(s, endpoints, socket_caller); }};

  ApiParts parts() {
    ApiParts parts = spare.parts();
    parts.ask_dataplane = [this](const v1::Request& request, std::string& wrong) {
      return link.ask(request, std::chrono::seconds(3), wrong);
    };
    return parts;
  }

  void SetUp() override {
    ASSERT_TRUE(eventually([&] { return link.state().connected; }));
    ASSERT_EQ(policy.load_config().outcome, ChangeResult::Outcome::applied);
    ASSERT_EQ(server.serve_unix(socket), "");
  }

  template <class Send>
  std::pair<int, Json> ask(Send send) {
    return ask_judged(socket, document, send);
  }
  std::pair<int, Json> get(const std::string& path) {
    return ask([&](httplib::Client& c) { return c.Get(path); });
  }
  std::pair<int, Json> ban(const std::string& body, const httplib::Headers& headers = {}) {
    return ask(
        [&](httplib::Client& c) { return c.Post("/v1/bans", headers, body, "application/json"); });
  }
  std::pair<int, Json> import(const std::string& text, const std::string& query = "") {
    return ask(
        [&](httplib::Client& c) { return c.Post("/v1/bans/import" + query, text, "text/plain"); });
  }
  std::pair<int, Json> lift(const std::string& source) {
    return ask([&](httplib::Client& c) { return c.Delete("/v1/bans/" + source); });
  }
};

}  // namespace dam::control
