// SPDX-License-Identifier: BSD-3-Clause
// Schemas of what the API takes and gives, in the part of JSON Schema that OpenAPI 3.1 and the
// validator share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controlplane/policy/problem.h"

namespace dam::control {

using Json = nlohmann::ordered_json;

namespace schema {

// `text` describes the value for people; it is the hint where the value is wrong.
Json string(const std::string& text = "");
Json matching(const std::string& pattern, const std::string& text);
Json one_of(const std::vector<std::string>& values, const std::string& text = "");
Json integer(int64_t least, int64_t most, const std::string& text = "");
Json count(const std::string& text = "");  // an integer from 0 up
Json number(const std::string& text = "");
Json boolean(const std::string& text = "");
Json array(const Json& items, const std::string& text = "");
Json map_of(const Json& values, const std::string& text = "");  // under any names
Json any(const std::string& text = "");

// Fields whose names end in '?' may be absent; others than these may not be there.
using Fields = std::vector<std::pair<std::string, Json>>;
Json object(const Fields& fields, const std::string& text = "");

// A text answer.
Json text_answer(const std::string& media_type, const std::string& text);

}  // namespace schema

// One problem for each place that does not match, which it names: "per_source.packets: …".
std::vector<Problem> mismatches(const Json& schema, const Json& value);

// JSON of at most so many levels; a problem that says where it breaks off otherwise.
std::vector<Problem> read_json(const std::string& text, int most_levels, Json& value);

}  // namespace dam::control
