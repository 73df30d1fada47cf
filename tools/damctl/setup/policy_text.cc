// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/policy_text.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "controlplane/policy/text_edit.h"

namespace dam::ctl {

namespace {

YAML::Node node_at(const YAML::Node& root, const Path& path) {
  YAML::Node at = root;
  for (const std::string& key : path) {
    YAML::Node next(YAML::NodeType::Undefined);
    for (const auto& one : at) {
      const bool entry = at.IsSequence() && one.IsMap() && one["name"];
      if (entry && one["name"].Scalar() == key) next.reset(one);
      if (at.IsMap() && one.first.Scalar() == key) next.reset(one.second);
    }
    at.reset(next);
    if (!at.IsDefined()) break;
  }
  return at;
}

Path above(const Path& path) { return {path.begin(), path.end() - 1}; }

// What setup understands of a value: of lists those entries that are plain, for others are files.
Strings values_of(const YAML::Node& node, const Question& question) {
  Strings values;
  if (node.IsScalar()) values.push_back(question.normal(node.Scalar()));
  for (const auto& one : node) {
    if (one.IsScalar()) values.push_back(question.normal(one.Scalar()));
  }
  return values;
}

Strings without(const Strings& list, const Strings& others) {
  Strings rest;
  for (const std::string& one : list) {
    if (std::find(others.begin(), others.end(), one) == others.end()) rest.push_back(one);
  }
  return rest;
}

class Edits {
 public:
  Edits(const std::string& text, const Answers& before, const Answers& after)
      : text_(text), before_(before), after_(after) {}

  void take(const Question& question);
  Edited done() { return {text_.text(), std::move(by_hand_)}; }

 private:
  Strings of(const Answers& answers, const Question& question) const {
    const auto found = answers.find(question.key);
    return found == answers.end() ? Strings{} : found->second;
  }
  bool change(const Question& question, const Path& path, const Strings& was, const Strings& is);
  bool add_api(const Strings& names);
  bool remove_entry(const Path& whole);

  YamlText text_;
  const Answers& before_;
  const Answers& after_;
  Strings by_hand_;
};

bool Edits::change(const Question& question, const Path& path, const Strings& was,
                   const Strings& is) {
  if (!question.many) return text_.set(path, is.front());
  if (!text_.has(path)) return text_.set_list(path, is);
  return text_.change_list(path, without(is, was), without(was, is),
                           [&question](const std::string& one) { return question.normal(one); });
}

// The route of the strict zone, and the zone where there is none.
bool Edits::add_api(const Strings& names) {
  const Path rate{"zones", "heavy", "per_source", "connections"};
  if (!text_.has({"zones", "heavy"}) && !text_.set(rate, "10r/s burst=20")) return false;
  control::Problems problems("");
  const control::Json route = {
      {"listener", "https"}, {"server_names", names}, {"zone", "heavy"}, {"server", "service"}};
  text_ =
      YamlText(control::with_entry(text_.text(), control::Section::routes, "api", route, problems));
  return problems.sorted().empty();  // no warning that comments were lost
}

bool Edits::remove_entry(const Path& whole) {
  if (whole.front() != "routes") return text_.remove(whole);
  control::Problems problems("");
  const std::string rest =
      control::without_entry(text_.text(), control::Section::routes, whole.back(), problems);
  if (!problems.sorted().empty()) return false;
  text_ = YamlText(rest);
  return true;
}

void Edits::take(const Question& question) {
  if (!question.applies(after_) || after_.find(question.key) == after_.end()) return;
  const Strings was = of(before_, question), is = of(after_, question);
  const Strings added = without(is, was), removed = without(was, is);
  if (added.empty() && removed.empty()) return;
  const std::string wanted = text_of_path(question.path) + ": " + answer_text(is);
  const YamlText whole = text_;
  bool fine = false;
  if (is.empty() && !question.whole.empty()) {
    fine = remove_entry(question.whole);
  } else if (is.empty()) {
    fine = text_.remove(question.path);
  } else if (question.key == "service.api_names" && !text_.has(question.whole)) {
    fine = add_api(is);
  } else {
    fine = change(question, question.path, was, is);
  }
  if (!fine) {
    text_ = whole;
    by_hand_.push_back(wanted);
  }
  for (const Path& path : question.followers) {
    if (text_.has(path) && !change(question, path, was, is)) {
      by_hand_.push_back(text_of_path(path) + ": " + answer_text(is));
    }
  }
}

}  // namespace

Present read_present(const std::string& text) {
  const YAML::Node root = YAML::Load(text);
  Present present;
  for (const Question& one : questions()) {
    if (!one.whole.empty() && !node_at(root, one.whole).IsDefined()) {
      // The entry is setup's to make, if its kind is there at all.
      present.answers[one.key] = {};
      continue;
    }
    if (!one.applies(present.answers)) continue;
    const YAML::Node node = node_at(root, one.path);
    if (node.IsDefined()) {
      present.answers[one.key] = values_of(node, one);
    } else if (one.path.size() > 2 && !node_at(root, above(one.path)).IsDefined()) {
      present.unknown.insert(one.key);
    } else if (one.none) {
      present.answers[one.key] = {};
    } else if (!one.otherwise.empty()) {
      present.answers[one.key] = {one.otherwise};
    } else {
      present.unknown.insert(one.key);
    }
  }
  return present;
}

Edited with_answers(const std::string& text, const Answers& answers) {
  const Answers before = read_present(text).answers;
  Edits edits(text, before, answers);
  for (const Question& one : questions()) edits.take(one);
  return edits.done();
}

}  // namespace dam::ctl
