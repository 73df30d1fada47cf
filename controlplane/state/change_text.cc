// SPDX-License-Identifier: BSD-3-Clause
// Changes of single routes and servers: of the text, so that who reads it sees them.
#include "controlplane/state/revive.h"
#include "controlplane/state/running_policy.h"

namespace dam::control {

ChangeResult RunningPolicy::change_text(const Edit& edit, const std::string& comment,
                                        const Intent& intent) {
  const std::lock_guard lock(changing_);
  if (auto hindered = hindrance(intent)) return *hindered;
  const auto now = current();
  if (!now) {
    return refusal_of(ChangeResult::Outcome::invalid, "no policy runs yet",
                      "put one in force: damctl apply -f dam.yaml");
  }
  Problems found("");
  PolicyVersion version = now->version;
  version.text = edit(version.text, found);
  if (found.failed()) return result_of(ChangeResult::Outcome::unknown_entry, found.sorted());
  std::vector<Problem> problems;
  std::optional<Running> next = revive(version, problems);
  for (Problem& problem : found.sorted()) problems.push_back(std::move(problem));
  if (!next) return result_of(ChangeResult::Outcome::invalid, std::move(problems));
  next->version.comment = comment;
  if (!object(*next, problems, intent.force)) {
    return result_of(ChangeResult::Outcome::objected, std::move(problems));
  }
  return finish(std::move(*next), std::move(problems), intent);
}

ChangeResult RunningPolicy::put_entry(Section section, const std::string& name,
                                      const nlohmann::ordered_json& entry, const Intent& intent) {
  const Edit edit = [&](const std::string& text, Problems& problems) {
    return with_entry(text, section, name, entry, problems);
  };
  return change_text(edit, std::string(word_of(section)) + " " + name + " written", intent);
}

ChangeResult RunningPolicy::remove_entry(Section section, const std::string& name,
                                         const Intent& intent) {
  const Edit edit = [&](const std::string& text, Problems& problems) {
    return without_entry(text, section, name, problems);
  };
  return change_text(edit, std::string(word_of(section)) + " " + name + " removed", intent);
}

}  // namespace dam::control
