// SPDX-License-Identifier: BSD-3-Clause
// `check` of a server: its shape and its meaning, with line and column.
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

constexpr char kWeb[] = "port: 443}\n  back-office";

std::vector<std::string> problems_with(const std::string& check, const std::string& more = "") {
  return problems_of(
      sample_with(kWeb, "port: 443" + more + ", check: {" + check + "}}\n  back-office"));
}

TEST(CheckHealth, everything_that_may_be_said_is_taken) {
  for (const char* check :
       {"", "kind: tcp", "kind: tls, ca: none", "kind: https, path: /well, expect: [204, 301-302]",
        "kind: http, expect: 200, name: other.example.org",
        "interval: 1s, timeout: 500ms, rise: 1, fall: 10, client: 192.0.2.1, coalescing: allow",
        "ca: /etc/dam/ca.pem", "client: \"2001:db8::7\""}) {
    EXPECT_EQ(problems_with(check), std::vector<std::string>{}) << check;
  }
}

TEST(CheckHealth, what_is_wrong_is_named_where_it_stands) {
  const std::string who = "the check of server \"web\" ";
  for (const auto& [check, expected] : std::vector<std::pair<std::string, std::string>>{
           {"kind: ping", "78: error: expected auto, tcp, tls, http or https, found \"ping\""},
           {"intervall: 5s", "72: error: unknown key \"intervall\"; did you mean \"interval\"?"},
           {"interval: 1s",
            "71: error: " + who +
                "would not be over before the next one begins; write a timeout that is no longer "
                "than the interval"},
           {"rise: 0", "78: error: \"0\" is out of range; allowed: 1 to 100"},
           {"kind: https, expect: [99]",
            "94: error: \"99\" is no HTTP status or range of them; write e.g. 204 or 200-399"},
           {"kind: https, expect: [399-200]",
            "94: error: \"399-200\" is no HTTP status or range of them; write e.g. 204 or 200-399"},
           {"kind: tls, path: /",
            "89: error: " + who +
                "asks for no path; write `kind: https` or `kind: http`, or take it off"},
           {"kind: tcp, expect: 200",
            "91: error: " + who +
                "sees no HTTP status; write `kind: https` or `kind: http`, or take it off"},
           {"kind: https, path: well",
            "91: error: a path begins with \"/\" and has no blanks; write it as browsers send it, "
            "e.g. /health"},
           {"ca: ca.pem",
            "76: error: \"ca.pem\" is no absolute path; write system, none, or e.g. "
            "/etc/dam/site-ca.pem"},
           {"kind: http, ca: none",
            "88: error: " + who +
                "sees no certificate; write `kind: tls` or `kind: https`, or take ca off"},
           {"name: \"*.example.org\"",
            "71: error: " + who + "needs a name, not a wildcard; write e.g. www.example.org"},
           {"client: here", "80: error: expected an IP address, found \"here\""},
       }) {
    const auto problems = problems_with(check);
    ASSERT_EQ(problems.size(), 1u) << check << ": " << (problems.empty() ? "" : problems[0]);
    EXPECT_EQ(problems[0], "dam.yaml:13:" + expected) << check;
  }
  EXPECT_EQ(problems_with("client: 192.0.2.1", ", proxy: none"),
            (std::vector<std::string>{"dam.yaml:13:93: error: " + who +
                                      "sends no PROXY header that could name a client; the server "
                                      "has `proxy: none`: take client off"}));
}

}  // namespace
}  // namespace dam::control
