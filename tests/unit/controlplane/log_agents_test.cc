// SPDX-License-Identifier: BSD-3-Clause
// config/loki: what the agents' files look for is what lines, entries of the journal and nginx
// have, and the labels are those of the dam's own pushes. The agents themselves are in no Debian
// package: that they take the files is not tried here.
#include <gtest/gtest.h>
#include <httplib.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <regex>
#include <set>

#include "controlplane/logs/log_journal.h"
#include "controlplane/logs/log_loki.h"
#include "controlplane/logs/logs.h"
#include "tests/unit/controlplane/health_servers.h"
#include "tests/unit/controlplane/log_lines.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

using Words = std::set<std::string>;
using Pairs = std::map<std::string, std::string>;

std::string agents_file(const char* name) {
  return file_text(source_root() / "config/loki" / name);
}

Words words_of(const YAML::Node& list) {
  Words words;
  for (const auto& one : list) words.insert(one.as<std::string>());
  return words;
}

// A null is its own key.
Pairs pairs_of(const YAML::Node& map) {
  Pairs pairs;
  for (const auto& one : map) {
    const auto key = one.first.as<std::string>();
    pairs[key] = one.second.IsNull() ? key : one.second.as<std::string>();
  }
  return pairs;
}

// `a = "b", c = "d"`, as Alloy writes maps.
Pairs alloy_pairs(const std::string& text) {
  static const std::regex pair(R"re((\w+) = "([^"]*)")re");
  Pairs pairs;
  for (std::sregex_iterator at(text.begin(), text.end(), pair), end; at != end; ++at) {
    pairs[(*at)[1]] = (*at)[2];
  }
  return pairs;
}

// The first match's group, or nothing.
std::string found(const std::string& text, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match[1].str() : "";
}

Words fields_of_lines() {
  Words fields;
  const auto schema = nlohmann::json::parse(file_text(source_root() / "config/log.schema.json"));
  for (const auto& kind : schema["oneOf"]) {
    for (const auto& [name, about] : kind["properties"].items()) fields.insert(name);
  }
  return fields;
}

Words labels_of_pushes() {
  const auto body =
      nlohmann::json::parse(LokiStreams().body_of({line_to_offer(sample_refusal(1))}));
  Words labels;
  for (const auto& [name, value] : body["streams"][0]["stream"].items()) labels.insert(name);
  return labels;
}

void expect_stages_for_lines(const Pairs& expressions, const Pairs& labels, const Words& kept,
                             const std::string& time_of) {
  const Words fields = fields_of_lines();
  for (const auto& [name, field] : expressions) EXPECT_TRUE(fields.contains(field)) << field;
  Words made{"job"};
  for (const auto& [label, from] : labels) {
    made.insert(label);
    EXPECT_TRUE(expressions.contains(from)) << from;
  }
  EXPECT_EQ(made, labels_of_pushes());
  EXPECT_EQ(kept, labels_of_pushes());
  ASSERT_TRUE(expressions.contains(time_of));
  EXPECT_EQ(expressions.at(time_of), "time");
}

const std::string kFile = (LogPlaces().folder / "dam.jsonl").string();

void expect_journal_has(const std::string& match) {
  EXPECT_NE(journal_entry(line_to_offer(sample_refusal(1))).find("\n" + match + "\n"),
            std::string::npos)
      << match;
}

TEST(LogAgents, promtail_looks_for_what_lines_have) {
  const YAML::Node file = YAML::Load(agents_file("promtail.yml"));
  EXPECT_TRUE(file["clients"][0]["url"].as<std::string>().ends_with(":3100/loki/api/v1/push"));
  size_t jobs = 0;
  for (const auto& job : file["scrape_configs"]) {
    if (job["job_name"].as<std::string>() == "nginx") continue;
    ++jobs;
    const auto stages = job["pipeline_stages"];
    ASSERT_EQ(stages.size(), 4u);
    expect_stages_for_lines(pairs_of(stages[0]["json"]["expressions"]),
                            pairs_of(stages[2]["labels"]), words_of(stages[3]["labelallow"]),
                            stages[1]["timestamp"]["source"].as<std::string>());
    EXPECT_EQ(stages[1]["timestamp"]["format"].as<std::string>(), "RFC3339Nano");
    const auto labels =
        job["journal"] ? job["journal"]["labels"] : job["static_configs"][0]["labels"];
    EXPECT_EQ(labels["job"].as<std::string>(), "dam");
    if (job["journal"]) {
      expect_journal_has(job["journal"]["matches"].as<std::string>());
    } else {
      EXPECT_EQ(labels["__path__"].as<std::string>(), kFile);
    }
  }
  EXPECT_EQ(jobs, 2u);
}

TEST(LogAgents, alloy_looks_for_what_lines_have) {
  const std::string file = agents_file("config.alloy");
  EXPECT_EQ(std::count(file.begin(), file.end(), '{'), std::count(file.begin(), file.end(), '}'));
  const size_t from = file.find("loki.process \"dam\"");
  const std::string process = file.substr(from, file.find("\n}\n", from) - from);
  Words kept;
  for (const auto& [name, value] : alloy_pairs(
           std::regex_replace(found(process, R"re(label_keep \{\s+values = \[([^\]]*)\])re"),
                              std::regex(R"re("(\w+)")re"), R"($1 = "")"))) {
    kept.insert(name);
  }
  expect_stages_for_lines(
      alloy_pairs(found(process, R"re(expressions = \{([^}]*)\})re")),
      alloy_pairs(found(process, R"re(stage\.labels \{\s+values = \{([^}]*)\})re")), kept,
      found(process, R"re(timestamp \{\s+source = "(\w+)")re"));
  EXPECT_EQ(found(process, R"re(static_labels \{\s+values = \{job = "(\w+)"\})re"), "dam");
  expect_journal_has(found(file, R"re(matches\s+= "([^"]*)")re"));
  EXPECT_EQ(found(file, R"re(source.file "dam" \{\s+targets\s+= \[\{__path__ = "([^"]*)"\}\])re"),
            kFile);
  // Whatever is handed on to is there.
  static const std::regex receiver(R"re(\[(loki\.\w+)\.(\w+)\.receiver\])re");
  size_t receivers = 0;
  for (std::sregex_iterator at(file.begin(), file.end(), receiver), end; at != end; ++at) {
    ++receivers;
    EXPECT_NE(file.find("\n" + (*at)[1].str() + " \"" + (*at)[2].str() + "\" {"), std::string::npos)
        << at->str();
  }
  EXPECT_EQ(receivers, 5u);
}

TEST(LogAgents, a_real_nginx_writes_the_lines_that_both_look_for) {
  const TemporaryFolder folder;
  std::string conf = agents_file("nginx.conf");
  const std::string path = found(conf, "access_log (\\S+) lines;");
  EXPECT_NE(agents_file("promtail.yml").find("__path__: " + path + "\n"), std::string::npos);
  EXPECT_NE(agents_file("config.alloy").find("__path__ = \"" + path + "\""), std::string::npos);
  conf.replace(conf.find(path), path.size(), folder.file("lines"));
  const uint16_t port = free_port();
  const Nginx nginx(folder.path(),
                    conf + "server { listen 127.0.0.1:" + std::to_string(port) + "; }", port);
  ASSERT_TRUE(nginx.running());
  httplib::Client("127.0.0.1", port).Get("/a\"b", {{"User-Agent", "x\" , \\ {}"}});
  std::string line;
  ASSERT_TRUE(comes_true([&] {
    std::ifstream in(folder.file("lines"));
    return static_cast<bool>(std::getline(in, line));
  }));
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["client"], "127.0.0.1");
  EXPECT_EQ(json["status"], 404);
  EXPECT_TRUE(std::regex_match(json["time"].get<std::string>(),
                               std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)")))
      << line;
  EXPECT_NE(agents_file("promtail.yml").find("time: time"), std::string::npos);
}

// Every match's first group.
Words all_found(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Words words;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    words.insert((*at)[1]);
  }
  return words;
}

TEST(LogAgents, the_dashboard_asks_for_labels_and_fields_that_there_are) {
  Words kinds;
  for (size_t i = 0; i < kLogKinds; ++i) kinds.insert(log_kind_name(static_cast<LogKind>(i)));
  Words of_lines = fields_of_lines(), of_nginx{"server"};
  of_nginx.merge(all_found(agents_file("nginx.conf"), R"re("(\w+)":)re"));
  const auto dashboard = nlohmann::json::parse(agents_file("dashboard.json"));
  for (const auto& panel : dashboard["panels"]) {
    const std::string query = panel["targets"][0]["expr"];
    const std::string selector = found(query, R"re((\{job[^}]*\}))re");
    const bool dam = selector.starts_with("{job=\"dam\"");
    const Words labels = all_found(selector, R"re((\w+)=)re");
    const Words known = dam ? labels_of_pushes() : Words{"job", "server"};
    EXPECT_TRUE(std::includes(known.begin(), known.end(), labels.begin(), labels.end())) << query;
    for (const auto& kind : all_found(found(selector, R"re(kind=~?"([^"]*)")re"), R"re((\w+))re")) {
      EXPECT_TRUE(kinds.contains(kind)) << query;
    }
    Words fields = all_found(found(query, R"re(by \(([^)]*)\))re"), R"re((\w+))re");
    fields.merge(all_found(query, R"re(unwrap (\w+))re"));
    fields.merge(all_found(query, R"re(\{\{\.(\w+)\}\})re"));
    for (const auto& field : fields) {
      EXPECT_TRUE((dam ? of_lines : of_nginx).contains(field)) << field << ": " << query;
    }
  }
  EXPECT_EQ(dashboard["panels"].size(), 5u);
}

TEST(LogAgents, what_loki_keeps_ends) {
  const YAML::Node file = YAML::Load(agents_file("loki.yml"));
  EXPECT_TRUE(file["compactor"]["retention_enabled"].as<bool>());
  EXPECT_EQ(file["compactor"]["delete_request_store"].as<std::string>(),
            file["schema_config"]["configs"][0]["object_store"].as<std::string>());
  EXPECT_EQ(file["schema_config"]["configs"][0]["index"]["period"].as<std::string>(), "24h");
  EXPECT_EQ(file["limits_config"]["retention_period"].as<std::string>(), "720h");
  const auto listens = file["server"]["http_listen_address"].as<std::string>();
  EXPECT_NE(listens, "0.0.0.0");
  EXPECT_NE(agents_file("promtail.yml").find("http://" + listens + ":3100/"), std::string::npos);
  EXPECT_NE(agents_file("config.alloy").find("http://" + listens + ":3100/"), std::string::npos);
}

}  // namespace
}  // namespace dam::control
