// SPDX-License-Identifier: BSD-3-Clause
// Who has the most of something now.
#include <iostream>

#include "tools/damctl/client.h"
#include "tools/damctl/view_parts.h"

namespace dam::ctl {

namespace {

// What the number can be off by, in both directions: others' counts in it, and sampling.
std::string doubt(const Json& source) {
  const double error = source.value("error", 0.0);
  const double sampling = source.value("sampling", 0.0);
  std::string text = sampling > 0 ? "±" + short_number(sampling) : "exact";
  if (error > 0) text += ", −" + short_number(error);
  return text;
}

}  // namespace

int show_top(const Settings& settings, const std::string& by, int count) {
  const std::string path = "/v1/top?by=" + by + "&count=" + std::to_string(count);
  return view(settings, path, [&by](const Json& now, const Json&) {
    const Style style = out_style();
    const double span = now.value("span_ms", 0.0) / 1000;
    const double total = now.value("total", 0.0);
    const std::string whose = by == "fingerprints" ? "ja4" : "client";
    Table table({whose == "ja4" ? whose : "source", ">" + by, ">a second", ">share", ">off by"});
    for (const Json& source : now["sources"]) {
      const double value = source.value("value", 0.0);
      table.row({source.value(whose, ""), short_number(value),
                 short_number(source.value("per_second", 0.0)),
                 total > 0 ? short_number(value / total * 100) + "%" : "", doubt(source)});
    }
    if (!now["sources"].empty()) table.print(std::cout, style);
    std::cout << short_number(total) << " " << by << " in the last " << short_number(span)
              << "s; one that is not held has had " << now.value("unlisted_most", uint64_t{0})
              << " at most.\n";
    if (now.value("lost", uint64_t{0}) > 0) {
      std::cout << style.bold("Not complete: ") << now["lost"]
                << " sights were lost since the dataplane began.\n";
    }
  });
}

}  // namespace dam::ctl
