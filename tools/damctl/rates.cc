// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/rates.h"

namespace dam::ctl {

double number_at(const Json& object, const std::string& path) {
  const Json::json_pointer pointer(path);
  if (!object.contains(pointer)) return 0;
  const Json& value = object[pointer];
  return value.is_number() ? value.get<double>() : 0;
}

double seconds_between(const Json& now, const Json& before) {
  if (before.is_null()) return 0;
  return number_at(now, "/sampled_at") - number_at(before, "/sampled_at");
}

const Json& entry_named(const Json& list, const std::string& name) {
  static const Json kNone;
  for (const Json& entry : list) {
    if (entry.value("name", "") == name) return entry;
  }
  return kNone;
}

}  // namespace dam::ctl
