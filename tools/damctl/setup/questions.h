// SPDX-License-Identifier: BSD-3-Clause
// What damctl setup asks, as one table: the questions, the keys of an answers file, and where each
// answer stands in dam.yaml come from it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controlplane/policy/reader.h"
#include "tools/damctl/setup/yaml_text.h"

namespace dam::ctl {

// By a question's key. Empty: none, as in `front.vlan: none`. A key that is missing is a question
// without an answer.
using Answers = std::map<std::string, Strings>;

// What the dam leads to, in the order in which it is asked for.
inline constexpr std::array<const char*, 3> kNetworks{"front", "service", "management"};

struct Question {
  std::string key;  // "front.device"
  std::string asks;
  std::string example;
  bool many = false;   // a list
  bool none = false;   // there may be none
  bool asked = false;  // else with --all alone
  // One value, as it will stand in dam.yaml; nothing after a report of what is wrong.
  std::function<std::optional<std::string>(control::Reader&, const YAML::Node&)> read;
  Path path;                    // where it stands
  std::vector<Path> followers;  // what changes with it, where that is there
  Path whole;                   // an entry of dam.yaml that is there only with an answer
  std::string needs;            // a question that must have an answer, not none
  std::string with_driver;      // the driver that it matters with; empty: all
  std::string otherwise;        // what dam.yaml means where the key is left out

  bool applies(const Answers& answers) const;
  // One text for all ways to write a value; a text that is none as it is.
  std::string normal(const std::string& value) const;
};

const std::vector<Question>& questions();
const Question& question(const std::string& key);

// The words that somebody typed, or a node of an answers file or of dam.yaml.
std::optional<Strings> read_answer(control::Reader& reader, const YAML::Node& node,
                                   const Question& question);

// An answers file: strict as dam.yaml is.
struct AnswersFile {
  Answers answers;
  std::vector<control::Problem> problems;
};
AnswersFile read_answers(const std::string& text, const std::string& file_name);
// As such a file; questions without an answer as comments.
std::string write_answers(const Answers& answers);
std::string answer_text(const Strings& values);  // "a, b", "none"

}  // namespace dam::ctl
