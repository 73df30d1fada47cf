// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/load.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>

#include "controlplane/policy/check.h"
#include "controlplane/policy/options.h"
#include "controlplane/policy/prefix_file.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

// Listens to a document, and keeps nothing of it.
class Unheard : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// How many documents, of two at most: yaml-cpp takes a bracket too many for the begin of another
// document, and finds those without end, so that YAML::LoadAll() takes all memory there is.
int documents_in(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Unheard unheard;
  int documents = 0;
  while (documents < 2 && parser.HandleNextDocument(unheard)) ++documents;
  return documents;
}

// One document, or nothing after a report of the syntax error.
std::optional<YAML::Node> parse_yaml(const std::string& text, Problems& problems) {
  try {
    if (documents_in(text) > 1) {
      problems.error({}, "more than one YAML document in the file, or a bracket too many",
                     "config/dam.yaml is a complete example");
      return std::nullopt;
    }
    YAML::Node document = YAML::Load(text);
    if (!document.IsNull()) return document;
    problems.error({}, "the file is empty", "config/dam.yaml is a complete example");
  } catch (const YAML::Exception& e) {
    problems.error(e.mark.is_null() ? Mark{} : Mark{e.mark.line + 1, e.mark.column + 1},
                   "not YAML: " + e.msg, "look at quotes, brackets and indentation here and above");
  }
  return std::nullopt;
}

std::vector<Network> collect(const std::vector<ListEntry>& entries,
                             const std::filesystem::path& folder, Problems& problems) {
  std::vector<Network> networks;
  for (const ListEntry& entry : entries) {
    const bool fitted = networks.size() <= kMaxPrefixes;
    if (entry.network) networks.push_back(*entry.network);
    if (!entry.file.value.empty()) read_prefix_file(folder, entry.file, networks, problems);
    if (fitted && networks.size() > kMaxPrefixes) {
      problems.error(entry.mark,
                     "more than " + std::to_string(kMaxPrefixes) + " networks in one list",
                     "merge neighbours into larger networks");
    }
  }
  return networks;
}

}  // namespace

Loaded load_policy(const std::string& text, const std::string& file_name,
                   const std::filesystem::path& folder) {
  Problems problems(file_name);
  Loaded loaded;
  loaded.text = text;
  const auto root = parse_yaml(text, problems);
  if (root) {
    Reader reader(problems);
    auto policy = object("a map of the policy's keys", policy_options()).read(reader, *root);
    if (policy) {
      policy->admin = collect(policy->admin_entries, folder, problems);
      policy->deny = collect(policy->deny_entries, folder, problems);
      check_policy(*policy, problems);
      if (!problems.failed()) loaded.policy = std::move(policy);
    }
  }
  loaded.problems = problems.sorted();
  return loaded;
}

Loaded load_policy_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  // A folder opens without an error, but gives none of its bytes.
  if (in) text << in.rdbuf();
  if (!in || (text.str().empty() && !std::filesystem::is_regular_file(path))) {
    Problems problems(path.string());
    problems.error({}, "cannot be read", "is the path right, and may you read the file?");
    return {std::nullopt, problems.sorted(), ""};
  }
  return load_policy(text.str(), path.string(), path.parent_path());
}

}  // namespace dam::control
