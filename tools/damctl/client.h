// SPDX-License-Identifier: BSD-3-Clause
// Requests to the control plane, over its Unix socket or from afar (transport.h).
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tools/damctl/commands.h"

namespace dam::ctl {

using Json = nlohmann::ordered_json;

struct Answer {
  int status = 0;
  std::string body;
  bool ok() const { return status >= 200 && status < 300; }
  Json json() const;  // discarded when the body is none
};

// Nothing after it has said on stderr that no control plane answers, and what to look at.
std::optional<Answer> get(const Settings& settings, const std::string& path);
// `seen`: the version that the change is meant for; the control plane refuses it where another one
// runs.
std::optional<Answer> post(const Settings& settings, const std::string& path,
                           const std::string& yaml, int64_t seen = 0);
std::optional<Answer> patch(const Settings& settings, const std::string& path, const Json& body);
std::optional<Answer> post_json(const Settings& settings, const std::string& path,
                                const Json& body);
std::optional<Answer> put(const Settings& settings, const std::string& path, const Json& body);
std::optional<Answer> remove(const Settings& settings, const std::string& path);

// An answer that goes on: `piece` gets what comes, and ends it by false. After `silence` nobody is
// believed to be there any more. The exit code, of what kept it from beginning; kOk once it has,
// however it ends.
int download(const Settings& settings, const std::string& path, std::chrono::seconds silence,
             const std::function<bool(std::string_view)>& piece);
// A text that goes on: `line` gets each line of it, and ends it by false. Otherwise the same.
int stream(const Settings& settings, const std::string& path,
           const std::function<bool(const std::string&)>& line);

// `text` as it stands in a URL behind "?key=".
std::string query_text(const std::string& text);

// Shows an answer that is an error; the exit code that it means.
int show_refusal(const Answer& answer);

// Gets `path` once or, watching, again and again. `show` gets the answer of the round before too,
// null in the first round.
using Show = std::function<void(const Json& now, const Json& before)>;
int view(const Settings& settings, const std::string& path, const Show& show);

}  // namespace dam::ctl
