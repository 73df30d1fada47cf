// SPDX-License-Identifier: BSD-3-Clause
// Any text as dam.yaml: read, checked and compiled, or refused with an error that has its place in
// the text. What stands behind a NUL is a change of its zones, as `damctl zone set` sends it.
#include <algorithm>
#include <string>

#include "controlplane/policy/check.h"
#include "controlplane/policy/compile.h"
#include "controlplane/policy/load.h"
#include "controlplane/policy/zone_edit.h"
#include "tests/fuzz/check.h"

namespace dam::fuzz {
namespace {

using namespace dam::control;

constexpr char kNowhere[] = "/nonexistent";  // files that the text names are not there

void check_problems(const std::string& text, const Loaded& loaded) {
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  bool errors = false;
  for (const Problem& problem : loaded.problems) {
    errors |= problem.severity == Severity::error;
    check(!problem.message.empty(), "a problem is said in words");
    check(problem.mark.line >= 0 && problem.mark.line <= lines + 1, "its place is in the text");
    check(problem.text().find('\n') == std::string::npos, "it is one line");
  }
  check(errors == !loaded.policy.has_value(), "a policy, or errors");
}

void change_zones(Policy& policy, const std::string& change) {
  const size_t equals = std::min(change.find('='), change.size());
  const std::string value = equals < change.size() ? change.substr(equals + 1) : "";
  for (auto& zone : policy.zones) {
    Problems problems("");
    control::change_zone(zone.value, {zone.name, change.substr(0, equals), value}, problems);
  }
  Problems problems("");
  check_zones(policy, problems);
  if (!problems.failed()) check(compile_snapshot(policy, 2).IsInitialized(), "it is whole again");
}

}  // namespace
}  // namespace dam::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dam::fuzz;
  const std::string all(reinterpret_cast<const char*>(data), size);
  const size_t nul = std::min(all.find('\0'), all.size());
  const std::string text = all.substr(0, nul);
  dam::control::Loaded loaded = dam::control::load_policy(text, "dam.yaml", kNowhere);
  check_problems(text, loaded);
  if (!loaded.policy) return 0;
  check(dam::control::compile_start(*loaded.policy).IsInitialized(), "the start is whole");
  check(dam::control::compile_snapshot(*loaded.policy, 1).IsInitialized(), "the snapshot is whole");
  if (nul < all.size()) change_zones(*loaded.policy, all.substr(nul + 1));
  return 0;
}
