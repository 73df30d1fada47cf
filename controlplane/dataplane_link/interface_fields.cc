// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/dataplane_link/interface_fields.h"

namespace dam::control {

namespace {

struct Steering {
  const char* name;
  const char* text;
};
constexpr Steering kSteerings[] = {
#define X(name, text) {#name, text},
    DAM_STEERINGS(X)
#undef X
};

enum class Shape : uint8_t { flag, number };

}  // namespace

const std::vector<InterfaceField>& interface_fields() {
  static const std::vector<InterfaceField> kFields = {
#define X(field, shape, factor, metric, text) \
  {#field, Shape::shape == Shape::flag, factor, metric, text, &dam_interface_state::field},
      DAM_INTERFACE_FIELDS(X)
#undef X
  };
  return kFields;
}

std::vector<dam_interface_state> interfaces_of(const dam_counters& counters) {
  std::vector<dam_interface_state> all;
  for (const dam_interface_state& one : counters.interfaces) {
    if (one.name[0] != '\0') all.push_back(one);
  }
  return all;
}

std::vector<std::string> steering_names() {
  std::vector<std::string> names;
  for (const Steering& one : kSteerings) names.emplace_back(one.name);
  return names;
}

std::string steering_name(const dam_interface_state& state) {
  return state.steering < DAM_STEERING_COUNT ? kSteerings[state.steering].name : "";
}

std::string steering_texts() {
  std::string all;
  for (const Steering& one : kSteerings) {
    all += (all.empty() ? "" : "; ") + std::string(one.name) + ": " + one.text;
  }
  return all;
}

}  // namespace dam::control
