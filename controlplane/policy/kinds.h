// SPDX-License-Identifier: BSD-3-Clause
// The kinds of scalar values in dam.yaml.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "controlplane/policy/reader.h"

namespace dam::control {

Kind<bool> boolean();
Kind<std::string> text(size_t longest);
Kind<std::string> name();
// What dataplane/ipc/device_name.h lets through.
Kind<std::string> device();
Kind<uint64_t> integer(uint64_t least, uint64_t most);
Kind<uint64_t> count(uint64_t least, uint64_t most);
Kind<uint64_t> bytes(uint64_t least, uint64_t most);
Kind<uint64_t> duration(uint64_t least_ns, uint64_t most_ns);
Kind<uint32_t> percent(uint32_t least, uint32_t most);
Kind<PortRange> port_range();
// A single status is a number in YAML and JSON.
Kind<StatusRange> status_range();
Kind<Rate> event_rate();
Kind<Rate> byte_rate();
// An integer from 1, or `none` (0).
Kind<uint64_t> at_most();
Kind<Address> host_address();
// ADDRESS:PORT, of this host.
Kind<SocketAddress> socket_address();
// With bits behind the prefix clear; a bare address is a network of one.
Kind<Network> network();
// An address of one's own with its prefix length: 198.51.100.2/24.
Kind<Network> interface_address();
// Exact or "*.example.org"; read as lower case without a dot at the end.
Kind<std::string> server_name();
// What dataplane/ipc/ja4_pattern.h lets through.
Kind<std::string> ja4_pattern();
// http://HOST[:PORT] or https://…: nothing behind it, and nobody's password in it.
Kind<std::string> http_origin();

template <class V>
Kind<V> one_of(const std::vector<std::pair<std::string, V>>& choices) {
  std::vector<std::string> words;
  words.reserve(choices.size());
  for (const auto& choice : choices) words.push_back(choice.first);
  return {any_of(words), Json{{"enum", words}},
          [choices, words](Reader& reader, const YAML::Node& node) -> std::optional<V> {
            if (!reader.count_value(node)) return std::nullopt;
            if (node.IsScalar()) {
              for (const auto& [word, value] : choices) {
                if (node.Scalar() == word) return value;
              }
            }
            const std::string guess =
                node.IsScalar() ? did_you_mean(node.Scalar(), words) : std::string();
            reader.wrong(node, any_of(words),
                         guess.empty() ? "" : "did you mean \"" + guess + "\"?");
            return std::nullopt;
          }};
}

}  // namespace dam::control
