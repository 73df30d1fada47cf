// SPDX-License-Identifier: BSD-3-Clause
// Rows: the sample policy with one change, and every message that it must give.
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

TEST(Reader, the_sample_has_nothing_wrong) {
  EXPECT_EQ(problems_of(kSamplePolicy), std::vector<std::string>{});
}

TEST(Reader, a_row_that_is_no_yaml_says_where) {
  check({
      {"a bracket that never closes",
       "gateway: 198.51.100.1}",
       "gateway: [198.51.100.1}",
       {"dam.yaml:3:97: error: not YAML: illegal flow end; look at quotes, brackets "
        "and indentation here and above"}},
      {"an alias of nothing",
       "device: veth1",
       "device: *nothing",
       {"dam.yaml:4:18: error: not YAML: the referenced anchor is not defined; look at quotes, "
        "brackets and indentation here and above"}},
  });
  EXPECT_EQ(problems_of(""), std::vector<std::string>{"dam.yaml: error: the file is empty; "
                                                      "config/dam.yaml is a complete example"});
  EXPECT_EQ(problems_of("a: 1\n---\nb: 2\n"),
            std::vector<std::string>{"dam.yaml: error: more than one YAML document in the file, "
                                     "or a bracket too many; config/dam.yaml is a complete "
                                     "example"});
  EXPECT_EQ(problems_of("a: {b: 1}}\n").size(), 1u);  // YAML::LoadAll() never came back
  EXPECT_EQ(problems_of("- 1\n"),
            std::vector<std::string>{"dam.yaml:1:1: error: expected a map of the policy's keys, "
                                     "found a list"});
  EXPECT_EQ(problems_of("r\n\n0"),
            std::vector<std::string>{"dam.yaml:1:1: error: expected a map of the policy's keys, "
                                     "found \"r 0\""})
      << "on one line, as it stands on two";
}

TEST(Reader, unknown_and_repeated_keys_are_named_with_what_was_meant) {
  check({
      {"a misspelt key at the top",
       "version: 1",
       "version: 1\nworker: 2",
       {"dam.yaml:2:1: error: unknown key \"worker\"; did you mean \"workers\"?"}},
      {"a key that nothing resembles",
       "device: veth1",
       "device: veth1, colour: red",
       {"dam.yaml:4:25: error: unknown key \"colour\"; known here: device, addresses, gateway, "
        "mtu, vlan, queues or host_path"}},
      {"a misspelt key that is required is one error, not two",
       "  back: {device:",
       "  back: {devise:",
       {"dam.yaml:4:10: error: unknown key \"devise\"; did you mean \"device\"?"}},
      {"a key twice",
       "device: veth1",
       "device: veth1, device: veth2",
       {"dam.yaml:4:25: error: \"device\" is written twice; it stands in line 4 already"}},
      {"a name twice",
       "  admin: {management: true}",
       "  admin: {management: true}\n  light: {}",
       {"dam.yaml:12:3: error: \"light\" is written twice; it stands in line 10 already"}},
      {"a missing key",
       "{name: http, addresses: 198.51.100.2, port: 80, protocol: http}",
       "{name: http, addresses: 198.51.100.2, protocol: http}",
       {"dam.yaml:7:5: error: missing key \"port\""}},
      {"no version", "version: 1\n", "", {"dam.yaml:1:1: error: missing key \"version\""}},
      {"another version",
       "version: 1",
       "version: 2",
       {"dam.yaml:1:10: error: \"2\" is out of range; allowed: 1 to 1"}},
  });
}

TEST(Reader, values_of_the_wrong_shape_are_named) {
  check({
      {"a list for a number",
       "port: 80,",
       "port: [80],",
       {"dam.yaml:7:49: error: expected a number from 1 to 65535, found a list"}},
      {"a quoted number",
       "port: 80,",
       "port: \"80\",",
       {"dam.yaml:7:49: error: expected a number from 1 to 65535, found \"80\"; write it without "
        "quotes"}},
      {"a port out of range",
       "port: 80,",
       "port: 65536,",
       {"dam.yaml:7:49: error: \"65536\" is out of range; allowed: 1 to 65535"}},
      {"a huge number",
       "port: 80,",
       "port: 99999999999999999999,",
       {"dam.yaml:7:49: error: expected a number from 1 to 65535, found \"99999999999999999999\""}},
      {"a negative number",
       "port: 80,",
       "port: -80,",
       {"dam.yaml:7:49: error: expected a number from 1 to 65535, found \"-80\""}},
      {"nothing",
       "port: 80,",
       "port: ,",
       {"dam.yaml:7:49: error: expected a number from 1 to 65535, found nothing"}},
      {"yes for true",
       "management: true",
       "management: yes",
       {"dam.yaml:11:23: error: expected true or false, found \"yes\""}},
      {"a number for a name",
       "{name: post,",
       "{name: 7,",
       {"dam.yaml:19:12: error: expected a name, found \"7\"; YAML reads this as a number or "
        "boolean: put it into quotes"}},
      {"a name with blanks",
       "{name: post,",
       "{name: the post,",
       {"dam.yaml:19:12: error: \"the post\" is not a name; use letters, digits, '.', '_' and '-', "
        "at most 63, a letter or digit first"}},
      {"a word that is none of the choices",
       "protocol: tcp",
       "protocol: tpc",
       {"dam.yaml:8:63: error: expected tls, http or tcp, found \"tpc\"; did you mean \"tcp\"?"}},
      {"zones as a list",
       "zones:\n  light: {per_source: {connections: \"50r/s burst=100\"}}\n"
       "  admin: {management: true}\n",
       "zones: [light]\n",
       {"dam.yaml:9:8: error: expected a map of zones, found a list"}},
  });
}

TEST(Reader, addresses_and_networks_are_checked) {
  check({
      {"an interface address without its prefix",
       "[198.18.1.1/24,",
       "[198.18.1.1,",
       {"dam.yaml:4:37: error: expected an address with its prefix length such as "
        "198.51.100.2/24, found \"198.18.1.1\"; append the prefix length, e.g. /24"}},
      {"a network for an interface's own address",
       "[198.18.1.1/24,",
       "[198.18.1.0/24,",
       {"dam.yaml:4:37: error: 198.18.1.0/24 is not the address of one host; write the dam's own "
        "address on this network"}},
      {"a listener with a prefix",
       "addresses: 198.51.100.2, port: 80",
       "addresses: 198.51.100.2/24, port: 80",
       {"dam.yaml:7:29: error: expected an IP address, found \"198.51.100.2/24\"; write it without "
        "\"/\" and prefix length"}},
      {"a loopback listener",
       "addresses: 198.51.100.2, port: 80",
       "addresses: 127.0.0.1, port: 80",
       {"dam.yaml:7:29: error: 127.0.0.1 is not the address of one host; unspecified, loopback, "
        "multicast and broadcast addresses do not work"}},
      {"host bits in a network",
       "version: 1",
       "version: 1\nadmin: 198.18.1.7/24",
       {"dam.yaml:2:8: error: 198.18.1.7/24 has bits set behind its prefix; write 198.18.1.0/24 or "
        "198.18.1.7"}},
      {"a name for a network",
       "version: 1",
       "version: 1\ndeny: [example.org]",
       {"dam.yaml:2:8: error: expected a network such as 198.51.100.0/24 or 2001:db8::/32, found "
        "\"example.org\""}},
  });
}

TEST(Reader, rates_times_and_sizes_say_how_they_are_written) {
  check({
      {"a rate of zero",
       "50r/s burst=100",
       "0r/s",
       {"dam.yaml:10:37: error: a rate of 0 lets nothing pass; leave the key out, or write none, "
        "for no limit"}},
      {"a burst of zero",
       "50r/s burst=100",
       "50r/s burst=0",
       {"dam.yaml:10:37: error: burst=0 lets nothing pass: it is how much may come at once; write "
        "at least burst=1"}},
      {"a time without a unit",
       "version: 1",
       "version: 1\ntimeouts: {hello: 10}",
       {"dam.yaml:2:19: error: \"10\" has no unit; write a time with its unit (ms, s, m, h, d), "
        "e.g. 10s"}},
      {"a time that is too long",
       "version: 1",
       "version: 1\ntimeouts: {hello: 1d}",
       {"dam.yaml:2:19: error: \"1d\" is out of range; allowed: 100ms to 10m"}},
      {"a size out of range",
       "version: 1",
       "version: 1\nlimits: {hello: 1MiB}",
       {"dam.yaml:2:17: error: \"1MiB\" is out of range; allowed: 512 to 65536"}},
      {"a share without %",
       "version: 1",
       "version: 1\nlimits: {management_share: 10}",
       {"dam.yaml:2:28: error: \"10\" is not a percentage; write e.g. 10%"}},
      {"ports the wrong way round",
       "version: 1",
       "version: 1\nsource_ports: 65535-1024",
       {"dam.yaml:2:15: error: \"65535-1024\" is not a range of ports; write e.g. 1024-65535"}},
      {"a ban without numbers",
       "admin: {management: true}",
       "admin: {management: true, exceeded: ban}",
       {"dam.yaml:11:39: error: a ban needs its numbers; write {ban: {after: 20, within: 10s, for: "
        "10m}}"}},
      {"a ban with half of them",
       "admin: {management: true}",
       "admin: {management: true, exceeded: {ban: {after: 20}}}",
       {"dam.yaml:11:45: error: missing key \"within\"",
        "dam.yaml:11:45: error: missing key \"for\""}},
      {"no connections at all",
       "{connections: \"50r/s burst=100\"}",
       "{concurrent: 0}",
       {"dam.yaml:10:36: error: \"0\" is out of range; allowed: 1 to 4000000000, or none for no "
        "limit"}},
  });
}

TEST(Reader, server_names_are_hosts_or_wildcards_of_whole_labels) {
  const auto row = [](const std::string& name, const std::string& hint) {
    EXPECT_EQ(problems_of(sample_with("manage.example.org", "\"" + name + "\"")),
              std::vector<std::string>{
                  "dam.yaml:17:51: error: expected a server name such as www.example.org or "
                  "*.example.org, found \"" +
                  name + "\"" + hint});
  };
  const std::string wildcard = "; a wildcard stands for whole labels at the front: *.example.org";
  row("*x.example.org", wildcard);
  row("a.*.example.org", wildcard);
  row("a..example.org", "");
  row("https://example.org", "; write the name alone, without scheme and path");
  row("example.org:443", "; the port belongs to the listener");
  row("b\xc3\xbc.example.org", "; write it as browsers send it, in ASCII (xn--…)");
  row(std::string(64, 'a') + ".org", "");
}

TEST(Reader, server_names_are_compared_without_case_and_final_dot) {
  const Loaded loaded =
      load_policy(sample_with("manage.example.org", "MANAGE.Example.ORG."), "dam.yaml", ".");
  ASSERT_TRUE(loaded.policy);
  EXPECT_EQ(loaded.policy->routes[1].server_names[0].value, "manage.example.org");
}

TEST(Reader, every_error_is_reported_at_once_in_the_order_of_the_file) {
  EXPECT_EQ(problems_of(R"(version: 1
interfaces:
  edge: {device: veth0, adresses: [198.51.100.2], mtu: 9000}
listeners:
  - {name: https, addresses: [198.51.100.2], port: 70000, protocol: tsl}
zones:
  light: {per_source: {packets: "0r/s", bytes_up: "10mb/s"}}
  light: {management: true}
servers:
  web: {addresses: [198.51.100.10], port: 443, tlvs: [alpn], proxy: v1}
routes:
  - {name: a, listener: htps, zone: ligth, server: wep, server_names: [a.example.org]}
)"),
            (std::vector<std::string>{
                "dam.yaml:3:25: error: unknown key \"adresses\"; did you mean \"addresses\"?",
                "dam.yaml:3:56: error: \"9000\" is out of range; allowed: 1280 to 1500",
                "dam.yaml:5:52: error: \"70000\" is out of range; allowed: 1 to 65535",
                "dam.yaml:5:69: error: expected tls, http or tcp, found \"tsl\"; did you mean "
                "\"tls\"?",
                "dam.yaml:7:33: error: a rate of 0 lets nothing pass; leave the key out, or write "
                "none, for no limit",
                "dam.yaml:7:51: error: unknown unit \"mb\"; write e.g. \"10MB/s burst=20MB\", "
                "\"100Mbit/s\", or none",
                "dam.yaml:8:3: error: \"light\" is written twice; it stands in line 7 already",
                "dam.yaml:10:55: error: tlvs need `proxy: v2`; PROXY protocol v1 has no room for "
                "them",
                "dam.yaml:12:25: error: no listener is named \"htps\"; did you mean \"https\"?",
                "dam.yaml:12:37: error: no zone is named \"ligth\"; did you mean \"light\"?",
                "dam.yaml:12:52: error: no server is named \"wep\"; did you mean \"web\"?"}));
}

TEST(Reader, aliases_that_multiply_are_stopped) {
  std::string text = "version: 1\na: &a [198.51.100.0/24";
  for (int i = 0; i < 60'000; ++i) text += ", 198.51.100.0/24";
  text += "]\nroutes:\n";
  for (int i = 0; i < 9; ++i) text += "  - {name: x, sources: *a}\n";
  const auto problems = problems_of(text);
  EXPECT_NE(std::find_if(problems.begin(), problems.end(),
                         [](const std::string& p) {
                           return p.find("more than 500,000 values") != std::string::npos;
                         }),
            problems.end());
}

TEST(Reader, deep_nesting_is_refused) {
  const auto problems = problems_of("a: " + std::string(100'000, '[') + "\n");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].find("not YAML"), std::string::npos);
}

TEST(Reader, a_file_that_cannot_be_read_says_so) {
  const Loaded loaded = load_policy_file("/nonexistent/dam.yaml");
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.problems[0].text(),
            "/nonexistent/dam.yaml: error: cannot be read; is the path right, and may you read the "
            "file?");
  EXPECT_FALSE(load_policy_file("/").policy);
}

// Found by fuzzing: each key of a text of megabytes was a problem of its own.
TEST(Reader, of_a_text_that_is_wrong_everywhere_two_hundred_problems_are_told) {
  std::string text = kSamplePolicy;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto problems = problems_of(text);
  ASSERT_EQ(problems.size(), 201u);
  EXPECT_EQ(problems.back(), "dam.yaml: error: 800 more problems; mend those above first");
}

}  // namespace
}  // namespace dam::control
