// SPDX-License-Identifier: BSD-3-Clause
// Connections: which there are, and the end of some.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/table.h"
#include "tools/damctl/view_parts.h"

namespace dam::ctl {

namespace {

std::string query_of(const Connections& which) {
  std::string query;
  const auto add = [&query](const std::string& name, const std::string& value) {
    if (!value.empty()) query += (query.empty() ? "?" : "&") + name + "=" + query_text(value);
  };
  add("client", which.client);
  add("zone", which.zone);
  add("server", which.server);
  add("listener", which.listener);
  add("state", which.state);
  add("ja4", which.ja4);
  return query;
}

std::string endpoint_text(const Json& flow) {
  const std::string client = flow.value("client", "");
  const std::string port = std::to_string(flow.value("client_port", 0));
  return client.find(':') == std::string::npos ? client + ":" + port : "[" + client + "]:" + port;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// Where they are not counted, none is none.
std::string requests_text(const Json& flow) {
  return flow.contains("requests") ? short_number(number_at(flow, "/requests/count")) : "-";
}

}  // namespace

int show_flows(const Settings& settings, const Connections& which) {
  std::string query = query_of(which);
  query += (query.empty() ? "?" : "&") + std::string("count=") + std::to_string(which.count);
  return view(settings, "/v1/flows" + query, [](const Json& now, const Json&) {
    Table table(
        {"id", "client", "listener", "zone", "server", "state", ">silent", ">requests", "ja4"});
    for (const Json& flow : now["flows"]) {
      const std::string closing = flow.value("closing", false) ? ", closing" : "";
      table.row({flow.value("id", ""), endpoint_text(flow), flow.value("listener", ""),
                 flow.value("zone", ""), or_dash(flow.value("server", "")),
                 flow.value("state", "") + closing,
                 short_time(static_cast<double>(flow.value("silent_ms", uint64_t{0})) / 1000),
                 requests_text(flow), or_dash(flow.value("ja4", ""))});
    }
    if (!now["flows"].empty()) table.print(std::cout, Style(wants_colour(STDOUT_FILENO)));
    const auto matched = now.value("matched", uint64_t{0});
    std::cout << matched << (matched == 1 ? " connection" : " connections");
    if (matched > now["flows"].size() && !now["flows"].empty()) {
      std::cout << "; the first " << now["flows"].size() << " are shown";
    }
    std::cout << ".\n";
  });
}

// Asks again as long as there are more: a request ends so many.
int end_flows(const Settings& settings, const Connections& which) {
  std::string path = "/v1/flows";
  path += which.id.empty() ? query_of(which) : "/" + which.id;
  if (which.all && which.id.empty()) path += (path.ends_with("flows") ? "?all=1" : "&all=1");
  constexpr auto kPause = std::chrono::milliseconds(200);  // for the dam to reset those
  constexpr int kMostRounds = 1000;
  uint64_t ended = 0;
  bool more = true;
  for (int round = 0; more && round < kMostRounds; ++round) {
    if (round > 0) std::this_thread::sleep_for(kPause);
    const auto answer = remove(settings, path);
    if (!answer) return kUnreachable;
    if (!answer->ok()) return show_refusal(*answer);
    const Json body = answer->json();
    ended += body.value("ended", uint64_t{0});
    more = body.value("more", false);
  }
  if (settings.json) {
    std::cout << Json({{"ended", ended}}).dump(2) << "\n";
  } else {
    std::cout << ended << (ended == 1 ? " connection ends" : " connections end")
              << ", reset at both ends.\n";
  }
  return kOk;
}

}  // namespace dam::ctl
