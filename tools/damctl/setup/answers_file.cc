// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "controlplane/policy/document.h"
#include "tools/damctl/setup/questions.h"

namespace dam::ctl {

namespace {

using control::Reader;

// `key`: indented as it stands in the file.
std::string line_of_answer(const Answers& answers, const Question& question,
                           const std::string& key) {
  const auto found = answers.find(question.key);
  if (found == answers.end()) {
    return question.applies(answers) ? "# " + key + ": " + question.asks + "\n" : "";
  }
  const Strings& values = found->second;
  if (values.empty()) return key + ": none\n";
  return key + ": " + (question.many ? yaml_list(values) : yaml_scalar(values.front())) + "\n";
}

void read_pair(Reader& reader, const std::string& before, const YAML::Node& key,
               const YAML::Node& value, Answers& answers) {
  std::vector<std::string> known;
  for (const Question& one : questions()) {
    if (!one.key.starts_with(before)) continue;
    const std::string rest = one.key.substr(before.size());
    const std::string word = rest.substr(0, rest.find('.'));
    if (std::find(known.begin(), known.end(), word) == known.end()) known.push_back(word);
    if (rest != key.Scalar() || rest != word) continue;
    if (auto answer = read_answer(reader, value, one)) answers[one.key] = std::move(*answer);
    return;
  }
  const bool group = std::find(known.begin(), known.end(), key.Scalar()) != known.end();
  if (!group) return control::report_unknown_key(reader, key, known);
  control::Pairs pairs;
  if (!control::read_pairs(reader, value, "a map of answers", pairs)) return;
  for (const auto& [inner, child] : pairs) {
    read_pair(reader, before + key.Scalar() + ".", inner, child, answers);
  }
}

}  // namespace

AnswersFile read_answers(const std::string& text, const std::string& file_name) {
  control::Problems problems(file_name);
  AnswersFile file;
  const auto root =
      control::parse_document(text, problems, "damctl setup --print-answers shows all keys");
  if (root) {
    Reader reader(problems);
    control::Pairs pairs;
    control::read_pairs(reader, *root, "a map of answers", pairs);
    for (const auto& [key, value] : pairs) read_pair(reader, "", key, value, file.answers);
  }
  file.problems = problems.sorted();
  return file;
}

std::string answer_text(const Strings& values) {
  std::string text;
  for (const std::string& one : values) text += (text.empty() ? "" : ", ") + one;
  return text.empty() ? "none" : text;
}

std::string write_answers(const Answers& answers) {
  std::vector<std::pair<std::string, std::string>> groups;  // in the order of their first question
  for (const Question& one : questions()) {
    const size_t dot = one.key.find('.');
    const bool single = dot == std::string::npos;
    const std::string name = single ? "" : one.key.substr(0, dot);
    const std::string line =
        line_of_answer(answers, one, single ? one.key : "  " + one.key.substr(dot + 1));
    if (line.empty()) continue;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& known) { return !single && known.first == name; });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {name, single ? "" : name + ":\n"});
    }
    group->second += line;
  }
  std::string text = "# Answers for: damctl setup --answers FILE\n";
  for (const auto& group : groups) text += group.second;
  return text;
}

}  // namespace dam::ctl
