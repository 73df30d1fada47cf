// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/load.h"

#include <fstream>
#include <sstream>

#include "controlplane/policy/check.h"
#include "controlplane/policy/document.h"
#include "controlplane/policy/options.h"
#include "controlplane/policy/prefix_file.h"
#include "dataplane/ipc/bounds.h"

namespace dam::control {

namespace {

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
  const auto root = parse_document(text, problems, "config/dam.yaml is a complete example");
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
