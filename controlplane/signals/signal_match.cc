// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_match.h"

#include <algorithm>

namespace dam::control {

namespace {

constexpr size_t kMostPathShown = 80;

// An empty list takes everything.
template <class List, class Fits>
bool fits_one(const List& list, Fits fits) {
  return list.empty() || std::any_of(list.begin(), list.end(), fits);
}

}  // namespace

bool fits(const SignalRule& rule, const Signal& signal) {
  return fits_one(rule.statuses,
                  [&](const auto& one) {
                    return signal.status >= one.value.first && signal.status <= one.value.last;
                  }) &&
         fits_one(rule.paths,
                  [&](const auto& one) { return signal.path.starts_with(one.value); }) &&
         fits_one(rule.classes, [&](const auto& one) { return signal.class_name == one.value; });
}

std::string reason_of(const Signal& signal) {
  std::string path = signal.path.substr(0, kMostPathShown);
  std::replace_if(
      path.begin(), path.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  std::string reason = "the last one:";
  if (signal.status != 0) reason += " " + std::to_string(signal.status);
  if (!signal.class_name.empty()) reason += " class " + signal.class_name;
  if (!path.empty()) reason += " " + path;
  return reason;
}

}  // namespace dam::control
