// SPDX-License-Identifier: BSD-3-Clause
// Who may steer, and who did.
#include <unistd.h>

#include <ctime>
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/table.h"

namespace dam::ctl {

namespace {

std::string time_or(int64_t unix_s, const char* otherwise) {
  if (unix_s == 0) return otherwise;
  const time_t when = unix_s;
  tm parts{};
  char text[32];
  localtime_r(&when, &parts);
  strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

std::string time_in(const Json& one, const char* key, const char* otherwise) {
  return time_or(one.value(key, int64_t{0}), otherwise);
}

// The exit code; prints the answer itself with --json, else what `say` makes of it.
int say_changed(const Settings& settings, const std::optional<Answer>& answer,
                const std::function<void(const Json&)>& say) {
  if (!answer) return kUnreachable;
  if (settings.json) {
    std::cout << answer->body;
    return answer->ok() ? kOk : kRefused;
  }
  if (!answer->ok()) return show_refusal(*answer);
  say(answer->json());
  return kOk;
}

std::string who_of(const Json& one) {
  const std::string name = one.value("name", "");
  return name.empty() ? "(nobody known)" : name;
}

std::string address_of_entry(const Json& one) {
  const std::string address = one.value("address", "");
  return address.empty() ? "the socket" : address;
}

void show_changes(const Json& changes) {
  const Style style(wants_colour(STDOUT_FILENO));
  Table table({"when", "who", "role", "from", ">status", "what"});
  for (const Json& one : changes) {
    const int status = one.value("status", 0);
    table.row({time_in(one, "at", ""), who_of(one), one.value("role", ""), address_of_entry(one),
               status == 0 ? "unknown" : std::to_string(status),
               one.value("what", "") + " (" + one.value("method", "") + " " +
                   one.value("path", "") + ")"});
  }
  table.print(std::cout, style);
}

void show_refused(const Json& refused) {
  const Style style(wants_colour(STDOUT_FILENO));
  Table table({"last", ">times", "who", "from", ">status", "asked last for"});
  for (const Json& one : refused) {
    table.row({time_in(one, "last_at", ""), std::to_string(one.value("times", int64_t{0})),
               who_of(one), address_of_entry(one), std::to_string(one.value("status", 0)),
               one.value("method", "") + " " + one.value("path", "")});
  }
  table.print(std::cout, style);
}

}  // namespace

int show_clients(const Settings& settings) {
  return view(settings, "/v1/clients", [](const Json& now, const Json&) {
    Table table({"name", "role", "until", "last use", "by", "fingerprint"});
    for (const Json& one : now["clients"]) {
      const bool revoked = one.value("revoked_at", int64_t{0}) > 0;
      table.row({one.value("name", ""), one.value("role", ""),
                 revoked ? "revoked" : time_in(one, "expires_at", ""),
                 time_in(one, "used_at", "never"), one.value("added_by", ""),
                 one.value("fingerprint", "")});
    }
    table.print(std::cout, Style(wants_colour(STDOUT_FILENO)));
  });
}

int revoke_client(const Settings& settings, const std::string& name) {
  return say_changed(settings, remove(settings, "/v1/clients/" + query_text(name)),
                     [&](const Json& body) {
                       std::cout << "Revoked " << body.value("revoked", 0) << " of " << name
                                 << ": from now on refused.\n";
                     });
}

int add_token(const Settings& settings, const NewToken& token) {
  Json body = {{"name", token.name}, {"role", token.role}};
  if (token.days > 0) body["expires_in_days"] = token.days;
  return say_changed(settings, post_json(settings, "/v1/tokens", body), [&](const Json& made) {
    std::cerr << "The token of " << token.name << " (" << token.role
              << "); it is not shown again, and not kept here:\n";
    std::cout << made.value("token", "") << "\n";
  });
}

int show_tokens(const Settings& settings) {
  return view(settings, "/v1/tokens", [](const Json& now, const Json&) {
    Table table({"name", "role", "until", "last use", "by"});
    for (const Json& one : now["tokens"]) {
      table.row({one.value("name", ""), one.value("role", ""), time_in(one, "expires_at", "no end"),
                 time_in(one, "used_at", "never"), one.value("added_by", "")});
    }
    table.print(std::cout, Style(wants_colour(STDOUT_FILENO)));
  });
}

int remove_token(const Settings& settings, const std::string& name) {
  return say_changed(settings, remove(settings, "/v1/tokens/" + query_text(name)),
                     [&](const Json&) { std::cout << "The token of " << name << " is gone.\n"; });
}

int show_audit(const Settings& settings, int count, bool refused) {
  return view(settings, "/v1/audit?count=" + std::to_string(count),
              [refused](const Json& now, const Json&) {
                if (refused) {
                  show_refused(now["refused"]);
                } else {
                  show_changes(now["changes"]);
                }
              });
}

int show_whoami(const Settings& settings) {
  return view(settings, "/v1/whoami", [](const Json& now, const Json&) {
    std::cout << who_of(now) << ", " << now.value("role", "") << ", from " << address_of_entry(now)
              << "\n";
  });
}

}  // namespace dam::ctl
