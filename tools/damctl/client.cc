// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/client.h"

#include <httplib.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "controlplane/api/problem_json.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/show_problems.h"
#include "tools/damctl/transport.h"

namespace dam::ctl {

namespace {

// Streams say at least every ten seconds that they live.
constexpr std::chrono::seconds kSilence(30);

std::optional<Answer> ask(const Settings& settings, const Send& send) {
  const httplib::Result result = converse(settings, send);
  return result ? std::optional(Answer{result->status, result->body}) : std::nullopt;
}

}  // namespace

Json Answer::json() const { return Json::parse(body, nullptr, false); }

std::optional<Answer> get(const Settings& settings, const std::string& path) {
  return ask(settings, [&](httplib::ClientImpl& c) { return c.Get(path); });
}

std::optional<Answer> post(const Settings& settings, const std::string& path,
                           const std::string& yaml, int64_t seen) {
  httplib::Headers headers;
  if (seen > 0) headers.emplace("If-Match", '"' + std::to_string(seen) + '"');
  return ask(settings, [&](httplib::ClientImpl& c) {
    return c.Post(path, headers, yaml, "application/yaml");
  });
}

std::optional<Answer> patch(const Settings& settings, const std::string& path, const Json& body) {
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ask(settings,
             [&](httplib::ClientImpl& c) { return c.Patch(path, text, "application/json"); });
}

std::optional<Answer> post_json(const Settings& settings, const std::string& path,
                                const Json& body) {
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ask(settings,
             [&](httplib::ClientImpl& c) { return c.Post(path, text, "application/json"); });
}

std::optional<Answer> put(const Settings& settings, const std::string& path, const Json& body) {
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return ask(settings,
             [&](httplib::ClientImpl& c) { return c.Put(path, text, "application/json"); });
}

std::optional<Answer> remove(const Settings& settings, const std::string& path) {
  return ask(settings, [&](httplib::ClientImpl& c) { return c.Delete(path); });
}

int download(const Settings& settings, const std::string& path, std::chrono::seconds silence,
             const std::function<bool(std::string_view)>& piece) {
  std::string refusal;
  int status = 0;
  const auto take = [&](const char* data, size_t bytes) {
    if (status == 200) return piece({data, bytes});
    refusal.append(data, bytes);
    return true;
  };
  const auto begin = [&](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  const auto answer = ask(settings, [&](httplib::ClientImpl& c) {
    c.set_read_timeout(silence);
    httplib::Result result = c.Get(path, begin, take);
    // Ended by us, or after it had begun: no reason to say that nobody answers.
    const bool begun = !result && status != 0;
    return begun ? httplib::Result(std::make_unique<httplib::Response>(), httplib::Error::Success)
                 : std::move(result);
  });
  if (!answer) return kUnreachable;
  return status == 200 ? kOk : show_refusal({status, refusal});
}

int stream(const Settings& settings, const std::string& path,
           const std::function<bool(const std::string&)>& line) {
  std::string left;
  return download(settings, path, kSilence, [&](std::string_view piece) {
    left += piece;
    for (size_t end = left.find('\n'); end != std::string::npos; end = left.find('\n')) {
      const bool more = line(left.substr(0, end));
      left.erase(0, end + 1);
      if (!more) return false;
    }
    return true;
  });
}

std::string query_text(const std::string& text) {
  return httplib::detail::encode_query_param(text);
}

int show_refusal(const Answer& answer) {
  const auto problems = control::problems_from_json(answer.json());
  const Style style(wants_colour(STDERR_FILENO));
  if (problems.empty()) {
    std::cerr << "damctl: the control plane answers " << answer.status << " without a reason.\n";
  }
  show_problems(std::cerr, problems, "damctl", "", style);
  return kRefused;
}

int view(const Settings& settings, const std::string& path, const Show& show) {
  Json before;
  for (int round = 1;; ++round) {
    const auto answer = get(settings, path);
    if (!answer) return kUnreachable;
    if (!answer->ok()) return show_refusal(*answer);
    const Json now = answer->json();
    if (settings.json) {
      std::cout << now.dump(settings.watch_seconds > 0 ? -1 : 2) << std::endl;
    } else {
      // Home and clear: the view stays where it is.
      if (settings.watch_seconds > 0 && isatty(STDOUT_FILENO) == 1) std::cout << "\033[H\033[2J";
      show(now, before);
      std::cout << std::flush;
    }
    if (settings.watch_seconds <= 0 || round == settings.rounds) return kOk;
    before = now;
    std::this_thread::sleep_for(std::chrono::duration<double>(settings.watch_seconds));
  }
}

}  // namespace dam::ctl
