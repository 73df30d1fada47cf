// SPDX-License-Identifier: BSD-3-Clause
// The clients of the side-by-side comparison; prints one line of JSON. usage:
//   side_client connections|requests|bulk --to ADDRESS:PORT --from ADDRESS --sources N --name N
//   [--name N]
//               [--rate N] [--count N] [--parallel N] [--bytes N] [--give-up SECONDS]
#include <arpa/inet.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/side/clients.h"

namespace {

using namespace dam::bench::talk;

sockaddr_in address(const std::string& text) {
  const size_t colon = text.find(':');
  sockaddr_in made{};
  made.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &made.sin_addr) != 1) {
    throw std::invalid_argument(text + " is no IPv4 address");
  }
  if (colon != std::string::npos) {
    made.sin_port = htons(static_cast<uint16_t>(std::stoi(text.substr(colon + 1))));
  }
  return made;
}

void set(Options& options, std::string_view name, const std::string& value) {
  if (name == "--to") {
    options.to = address(value);
  } else if (name == "--from") {
    options.from = address(value);
  } else if (name == "--sources") {
    options.sources = static_cast<uint32_t>(std::stoul(value));
  } else if (name == "--name") {
    options.names.push_back(value);
  } else if (name == "--rate") {
    options.rate = std::stod(value);
  } else if (name == "--count") {
    options.count = std::stoull(value);
  } else if (name == "--parallel") {
    options.parallel = static_cast<uint32_t>(std::stoul(value));
  } else if (name == "--bytes") {
    options.bytes = std::stoull(value);
  } else if (name == "--give-up") {
    options.give_up_s = std::stod(value);
  } else {
    throw std::invalid_argument(std::string(name) + " is no option");
  }
}

void print_name(const std::string& name, Seen seen, bool last) {
  std::vector<uint64_t>& took = seen.took_ns;
  std::ranges::sort(took);
  const auto at = [&](double part) {
    if (took.empty()) return 0.0;
    const auto index = static_cast<size_t>(part * static_cast<double>(took.size()));
    return static_cast<double>(took[std::min(index, took.size() - 1)]) / 1000;
  };
  std::printf(R"("%s": {"answers": %zu, "lost": %)" PRIu64
              R"(, "p50_us": %.1f, "p90_us": %.1f, "p99_us": %.1f, "most_us": %.1f}%s)",
              name.c_str(), took.size(), seen.lost, at(0.5), at(0.9), at(0.99), at(1),
              last ? "" : ", ");
}

void report(const Options& options, const Clients& clients) {
  std::printf(R"({"seconds": %.6f, "bytes": %)" PRIu64 R"(, "names": {)", clients.seconds(),
              clients.received());
  for (size_t i = 0; i < options.names.size(); ++i) {
    print_name(options.names[i], clients.seen()[i], i + 1 == options.names.size());
  }
  std::puts("}}");
}

void run(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0)
    throw std::invalid_argument("a mode, then pairs of option and value");
  Options options;
  for (int i = 2; i < argc; i += 2) set(options, argv[i], argv[i + 1]);
  if (options.names.empty()) throw std::invalid_argument("--name is missing");
  Clients clients(options);
  const std::string_view mode = argv[1];
  if (mode == "connections") {
    clients.connections();
  } else if (mode == "requests") {
    clients.requests();
  } else if (mode == "bulk") {
    clients.bulk();
  } else {
    throw std::invalid_argument(std::string(mode) + " is no mode");
  }
  report(options, clients);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "side_client: %s\n", error.what());
    return 1;
  }
}
