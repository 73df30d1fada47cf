// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/dialog.h"

#include <algorithm>

namespace dam::ctl {

namespace {

// Words between commas and blanks, as a list of an answers file.
std::optional<Strings> read_typed(const std::string& line, const Question& question,
                                  std::ostream& out) {
  YAML::Node list(YAML::NodeType::Sequence);
  std::string word;
  for (const char c : line + " ") {
    if (c != ' ' && c != ',' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      list.push_back(word);
      word.clear();
    }
  }
  const bool single = list.size() == 1;
  control::Problems problems("");
  control::Reader reader(problems);
  if (!single && !question.many) {
    out << "  One, please.\n";
    return std::nullopt;
  }
  const YAML::Node node = single ? YAML::Node(list[0]) : list;
  auto answer = read_answer(reader, node, question);
  for (const control::Problem& one : problems.sorted()) {
    out << "  " << one.message << (one.hint.empty() ? "" : ": " + one.hint) << "\n";
  }
  return answer;
}

// Nothing when there is nobody any more.
std::optional<Strings> ask(const Question& question, const std::optional<Proposal>& proposal,
                           const Style& style, std::istream& in, std::ostream& out) {
  out << "\n" << style.bold(question.asks) << (question.none ? " (or none)" : "") << "\n";
  if (proposal && !proposal->why.empty()) out << "  " << proposal->why << ".\n";
  while (true) {
    out << "  [" << (proposal ? answer_text(proposal->value) : "e.g. " + question.example) << "] "
        << std::flush;
    std::string line;
    if (!std::getline(in, line)) return std::nullopt;
    const bool blank = line.find_first_not_of(" \t\r") == std::string::npos;
    if (blank && proposal) return proposal->value;
    if (blank) continue;
    if (auto answer = read_typed(line, question, out)) return answer;
  }
}

}  // namespace

std::optional<Collected> collect_answers(const Asking& asking, const Host& host,
                                         const Present& present, const Answers& given,
                                         std::istream& in, std::ostream& out) {
  Collected result;
  Answers fixed = given;
  const auto say = [&](const std::string& text) {
    if (!text.empty()) out << "  " << text << ".\n";
  };
  for (const Question& one : questions()) {
    if (!one.applies(result.answers)) continue;
    if (present.unknown.contains(one.key) && !fixed.contains(one.key)) {
      if (asking.on_terminal && one.asked) {
        say("\n  Not asked: " + one.key + ", for dam.yaml has no " + text_of_path(one.path) +
            " and says it its own way");
      }
      continue;
    }
    if (fixed.contains(one.key)) {
      result.answers[one.key] = fixed[one.key];
      say(settle_vlan(one.key, host, result.answers, fixed));
      continue;
    }
    const auto proposal = propose(one, host, present.answers, result.answers);
    const bool unusual = proposal && proposal->unusual;
    if (asking.on_terminal && (asking.all || one.asked || unusual)) {
      auto answer = ask(one, proposal, asking.style, in, out);
      if (!answer) return std::nullopt;
      result.answers[one.key] = std::move(*answer);
    } else if (proposal) {
      result.answers[one.key] = proposal->value;
    } else {
      result.missing.push_back(one.key);
      continue;
    }
    say(settle_vlan(one.key, host, result.answers, fixed));
  }
  return result;
}

bool ask_yes(const std::string& question, std::istream& in, std::ostream& out) {
  out << question << " [y/N] " << std::flush;
  std::string word;
  std::getline(in, word);
  return word == "y" || word == "yes";
}

}  // namespace dam::ctl
