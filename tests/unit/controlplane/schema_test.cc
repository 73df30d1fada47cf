// SPDX-License-Identifier: BSD-3-Clause
// The JSON schema and the reader describe one language: both come from the option tables, and a
// validator that knows neither judges the same samples.
#include "controlplane/policy/schema.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "controlplane/policy/compile.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

// YAML 1.2.2, 10.3: plain scalars are null, booleans, integers, floats or text.
nlohmann::json scalar_to_json(const YAML::Node& node) {
  if (!is_typed_scalar(node)) return node.Scalar();
  const std::string& text = node.Scalar();
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  const auto number = nlohmann::json::parse(text, nullptr, false);
  return number.is_number() ? number : nlohmann::json(std::stod(text));
}

nlohmann::json to_json(const YAML::Node& node) {
  if (node.IsScalar()) return scalar_to_json(node);
  if (node.IsNull()) return nullptr;
  nlohmann::json result = node.IsSequence() ? nlohmann::json::array() : nlohmann::json::object();
  for (const auto& child : node) {
    if (node.IsSequence()) {
      result.push_back(to_json(child));
    } else {
      result[child.first.Scalar()] = to_json(child.second);
    }
  }
  return result;
}

const nlohmann::json& committed_schema() {
  static const auto schema =
      nlohmann::json::parse(file_text(source_root() / "config/dam.schema.json"));
  return schema;
}

bool schema_accepts(const std::string& text) {
  using Adapter = valijson::adapters::NlohmannJsonAdapter;
  static const valijson::Schema* schema = [] {
    auto* parsed = new valijson::Schema;
    valijson::SchemaParser().populateSchema(Adapter(committed_schema()), *parsed);
    return parsed;
  }();
  const nlohmann::json document = to_json(YAML::Load(text));
  valijson::Validator validator;
  return validator.validate(*schema, Adapter(document), nullptr);
}

bool reader_accepts(const std::string& text) {
  return load_policy(text, "", ".").policy.has_value();
}

TEST(Schema, the_committed_file_is_what_the_option_tables_say) {
  EXPECT_TRUE(file_text(source_root() / "config/dam.schema.json") == policy_schema().dump(2) + "\n")
      << "damctl schema > config/dam.schema.json";
}

TEST(Schema, the_reference_in_the_readme_is_what_the_option_tables_say) {
  EXPECT_NE(file_text(source_root() / "config/README.md").find(policy_reference()),
            std::string::npos)
      << "put the output of `damctl reference` into config/README.md";
}

TEST(Schema, the_examples_are_accepted_by_both) {
  for (const std::string& text :
       {std::string(kSamplePolicy), file_text(source_root() / "config/dam.yaml")}) {
    EXPECT_TRUE(schema_accepts(text));
    EXPECT_TRUE(reader_accepts(text));
  }
}

// Changes of the sample in its first line, `version: 1`.
TEST(Schema, good_values_are_accepted_by_both) {
  for (const char* extra : {
           "driver: xdp",
           "workers: 16",
           "hugepages: off",
           "xdp: {}",
           "xdp: {beside_others: true}",
           "limits: {}",
           "limits: {flows: 2000}",
           "limits: {flows: 2M, half_open: 16Ki, hold: 64m, hello: 16KiB, management_share: 25%}",
           "timeouts: {hello: 1m30s, idle: 1.5h, port_rest: 500ms}",
           "source_ports: 2000-3000",
           "admin: []",
           "admin: 203.0.113.7",
           "admin: [203.0.113.0/24, \"2001:db8::/32\"]",
           "deny: [203.0.113.0/24]",
           "logs: {}",
           "logs: {lines_per_second: 5k, file: {}}",
           "logs: {file: {size: 1MiB, keep: 0}}",
           "logs: {journal: true, loki: {url: \"http://10.0.0.5:3100\"}}",
           "logs: {loki: {url: \"https://logs.example.org\", tenant: edge}}",
           "logs: {loki: {url: \"https://[2001:db8::5]:3100\"}}",
       }) {
    const std::string text = sample_with("version: 1", std::string("version: 1\n") + extra);
    EXPECT_TRUE(schema_accepts(text)) << extra;
    EXPECT_TRUE(reader_accepts(text)) << extra;
  }
}

TEST(Schema, good_zones_are_accepted_by_both) {
  for (const char* zone : {
           "{}",
           "{mode: shadow}",
           "{exceeded: reset}",
           "{exceeded: {ban: {after: 20, within: 10s, for: 10m}}}",
           "{per_source: {packets: 10r/s, bytes_up: \"100Mbit/s burst=64k\", connections: \"1r/m "
           "burst=2\"}}",
           "{total: {concurrent: 5, packets: none, bytes_down: none}}",
           "{total: {concurrent: none}}",
           "{source_prefix: {ipv4: 24, ipv6: 56}}",
       }) {
    const std::string text =
        sample_with("  admin: {management: true}",
                    "  admin: {management: true}\n  extra: " + std::string(zone));
    EXPECT_TRUE(schema_accepts(text)) << zone;
    EXPECT_TRUE(reader_accepts(text)) << zone;
  }
}

TEST(Schema, bad_values_are_refused_by_both) {
  for (const char* extra : {
           "colour: red",
           "driver: dkpd",
           "driver: 1",
           "workers: 0",
           "workers: 17",
           "workers: two",
           "workers: \"2\"",
           "hugepages: true",
           "xdp: true",
           "xdp: {beside_others: libxdp}",
           "logs: {file: /var/log/dam.log}",
           "logs: {file: {path: /etc/passwd}}",
           "logs: {file: {size: 64kib}}",
           "logs: {lines_per_second: 0}",
           "logs: {journal: /run/systemd/journal/socket}",
           "logs: {loki: \"http://10.0.0.5:3100\"}",
           "logs: {loki: {}}",
           "logs: {loki: {url: \"10.0.0.5:3100\"}}",
           "logs: {loki: {url: \"file:///etc/passwd\"}}",
           "logs: {loki: {url: \"http://10.0.0.5:3100/loki/api/v1/push\"}}",
           "logs: {loki: {url: \"http://user:secret@10.0.0.5\"}}",
           "logs: {loki: {url: \"http://10.0.0.5:3100\", tenant: \"a\\r\\nX: b\"}}",
           "logs: {loki: {url: \"http://10.0.0.5:3100\", password_file: /etc/shadow}}",
           "limits: 5",
           "limits: {flow: 1M}",
           "limits: {flows: 1m}",
           "limits: {flows: -1}",
           "limits: {hold: 64mib}",
           "limits: {management_share: 10}",
           "timeouts: {hello: 10}",
           "timeouts: {hello: 10y}",
           "timeouts: {hello: }",
           "source_ports: 1024",
           "admin: {a: b}",
           "admin: example.org",
           "deny: [{path: x}]",
           "deny: [[203.0.113.0/24]]",
       }) {
    const std::string text = sample_with("version: 1", std::string("version: 1\n") + extra);
    EXPECT_FALSE(schema_accepts(text)) << extra;
    EXPECT_FALSE(reader_accepts(text)) << extra;
  }
}

TEST(Schema, bad_zones_are_refused_by_both) {
  for (const char* zone : {
           "[]",
           "5",
           "{management: yes}",
           "{mode: off}",
           "{exceeded: ban}",
           "{exceeded: {ban: {}}}",
           "{exceeded: {ban: {after: 20, within: 10s, for: 10m, more: 1}}}",
           "{per_source: {packets: 10}}",
           "{per_source: {packets: 10r}}",
           "{per_source: {packets: 10MB/s}}",
           "{per_source: {bytes_up: 10r/s}}",
           "{per_source: {connections: \"10r/s brust=5\"}}",
           "{per_source: {rate: 10r/s}}",
           "{total: {concurrent: 0}}",
           "{total: {concurrent: many}}",
           "{source_prefix: {ipv4: 33}}",
       }) {
    const std::string text =
        sample_with("  admin: {management: true}",
                    "  admin: {management: true}\n  extra: " + std::string(zone));
    EXPECT_FALSE(schema_accepts(text)) << zone;
    EXPECT_FALSE(reader_accepts(text)) << zone;
  }
}

// "{key: default, …}" with every default that the schema tells.
std::string defaults_of(const nlohmann::json& object) {
  std::string text;
  for (const auto& [key, schema] : object["properties"].items()) {
    const std::string value = schema.value("default", "");
    if (value.empty() || key == "tlvs") continue;
    text += (text.empty() ? "" : ", ") + key + ": " + value;
  }
  return "{" + text + "}";
}

std::string compiled(const std::string& text) {
  const Loaded loaded = load_policy(text, "", ".");
  EXPECT_TRUE(loaded.policy) << (loaded.problems.empty() ? text : loaded.problems[0].text());
  if (!loaded.policy) return "";
  return compile_start(*loaded.policy).DebugString() +
         compile_snapshot(*loaded.policy, 1).DebugString();
}

TEST(Schema, the_defaults_that_it_tells_are_the_real_ones) {
  const nlohmann::json& all = committed_schema()["properties"];
  const nlohmann::json& zone = all["zones"]["additionalProperties"];
  const std::string limits = defaults_of(zone["properties"]["total"]);
  std::string zone_text = defaults_of(zone);
  zone_text.pop_back();
  EXPECT_EQ(compiled(sample_with("version: 1", "version: 1\nlimits: " + defaults_of(all["limits"]) +
                                                   "\ntimeouts: " + defaults_of(all["timeouts"]))),
            compiled(kSamplePolicy));
  EXPECT_EQ(compiled(sample_with(
                "version: 1", "version: 1\ndriver: " + all["driver"].value("default", "") +
                                  "\nworkers: " + all["workers"].value("default", "") +
                                  "\nhugepages: " + all["hugepages"].value("default", "") +
                                  "\nsource_ports: " + all["source_ports"].value("default", ""))),
            compiled(kSamplePolicy));
  EXPECT_EQ(compiled(sample_with("  admin: {management: true}",
                                 "  admin: {management: true}\n  front: " + zone_text +
                                     ", per_source: " + limits + ", total: " + limits + "}")),
            compiled(sample_with("  admin: {management: true}",
                                 "  admin: {management: true}\n  front: {}")));
}

struct Change {
  const char* from;
  const char* to;
};

TEST(Schema, bad_routes_servers_and_listeners_are_refused_by_both) {
  for (const Change& change : std::initializer_list<Change>{
           {"version: 1\n", ""},
           {"version: 1\n", "version: 2\n"},
           {"{name: post, listener: mail, zone: light, server: web}", "{name: post}"},
           {"{name: post, listener: mail, zone: light, server: web}", "post"},
           {"{name: post, listener: mail, zone: light", "{name: 5, listener: mail, zone: light"},
           {"{name: post, listener: mail, zone: light", "{name: a b, listener: mail, zone: light"},
           {"server_names: manage.example.org", "server_names: \"a*.example.org\""},
           {"server_names: manage.example.org", "server_names: []"},
           {"server_names: manage.example.org", "server_names: 5"},
           {"server_names: manage.example.org", "server_names: m.example.org, ja4: t13d1516h2"},
           {"server_names: manage.example.org", "server_names: m.example.org, ja4: '*'"},
           {"server_names: manage.example.org",
            "server_names: m.example.org, ja4: q13d0310h3_55b375c5d22e_cd85d2d88918"},
           {"server_names: manage.example.org", "server_names: m.example.org, ja4: []"},
           {"port: 80,", "port: 65536,"},
           {"port: 80,", ""},
           {"protocol: tcp", "protocol: udp"},
           {"{management: true}", "{management: 1}"},
           {"[198.18.1.1/24,", "[198.18.1.1,"},
           {"device: veth1", "device: \"\""},
           {"[198.18.1.10, \"2001:db8:2::10\"], port: 443",
            "[198.18.1.10, \"2001:db8:2::10\"], port: 443, proxy: v3"},
           {"[198.18.1.10, \"2001:db8:2::10\"], port: 443",
            "[198.18.1.10, \"2001:db8:2::10\"], port: 443, tlvs: [tls]"},
           {"[198.18.1.10, \"2001:db8:2::10\"], port: 443",
            "[198.18.1.10, \"2001:db8:2::10\"], port: 443, weight: 0"},
       }) {
    const std::string text = sample_with(change.from, change.to);
    EXPECT_FALSE(schema_accepts(text)) << change.from << " -> " << change.to;
    EXPECT_FALSE(reader_accepts(text)) << change.from << " -> " << change.to;
  }
}

TEST(Schema, a_zone_may_know_kinds_of_clients) {
  for (const char* key : {"source", "ja4", "source+ja4"}) {
    const std::string text = sample_with(
        "admin: {management: true}", std::string("admin: {management: true, key: ") + key + "}");
    EXPECT_TRUE(schema_accepts(text)) << key;
    EXPECT_TRUE(reader_accepts(text)) << key;
  }
}

TEST(Schema, fingerprints_and_parts_of_them_are_taken_by_both) {
  for (const char* ja4 : {"t13d1516h2_8daaf6152771_e5627efa2ab1", "['*_8daaf6152771_*']",
                          "[ts3i010000_*_*, '*_*_000000000000']"}) {
    const std::string text = sample_with("server_names: manage.example.org",
                                         std::string("server_names: m.example.org, ja4: ") + ja4);
    EXPECT_TRUE(schema_accepts(text)) << ja4;
    EXPECT_TRUE(reader_accepts(text)) << ja4;
  }
}

}  // namespace
}  // namespace dam::control
