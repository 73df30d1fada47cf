// SPDX-License-Identifier: BSD-3-Clause
// Requests over the API's Unix socket; each answer is held against the served document.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>

#include <string>
#include <utility>

#include "tests/unit/controlplane/api_document.h"

namespace dam::control {

// Status and body of what `send` asks by its httplib::Client&; a body that is none is discarded.
template <class Send>
std::pair<int, Json> ask_judged(const std::string& socket, const ApiDocument& document, Send send) {
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  client.set_logger(
      [&document](const httplib::Request& request, const httplib::Response& response) {
        EXPECT_EQ(document.objection(request, response), "");
      });
  const httplib::Result result = send(client);
  EXPECT_TRUE(result) << httplib::to_string(result.error());
  return {result ? result->status : 0, result ? Json::parse(result->body, nullptr, false) : Json()};
}

}  // namespace dam::control
