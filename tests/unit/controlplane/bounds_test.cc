// SPDX-License-Identifier: BSD-3-Clause
// What `damctl check` lets through, the dataplane takes: extremes of the language, compiled and fed
// to the dataplane's own checks.
#include "controlplane/policy/compile.h"
#include "dataplane/ipc/policy_builder.h"
#include "dataplane/ipc/start_builder.h"
#include "tests/unit/controlplane/sample_policy.h"

namespace dam::control {
namespace {

// "taken"; "refused" by this plane; else what the dataplane says of a policy that this one let
// through.
std::string verdict(const std::string& text, const std::filesystem::path& folder = ".") {
  const Loaded loaded = load_policy(text, "dam.yaml", folder);
  if (!loaded.policy) return "refused";
  const StartResult start = read_start(compile_start(*loaded.policy));
  if (!start.config) return "the dataplane: " + start.errors[0];
  const v1::Snapshot snapshot = compile_snapshot(*loaded.policy, 1);
  const PolicyResult built = build_policy(snapshot, start.config->limits, nullptr);
  return built.policy ? "taken" : "the dataplane: " + built.errors[0];
}

std::string with_rate(const std::string& rate) {
  return sample_with("connections: \"50r/s burst=100\"", "connections: \"" + rate + "\"");
}

TEST(Bounds, rates) {
  for (const char* rate : {"4r/h", "1r/m", "0.001r/s", "1000G/s", "1r/s burst=1000000G"}) {
    EXPECT_EQ(verdict(with_rate(rate)), "taken") << rate;
  }
  for (const char* rate : {"1r/h", "3r/h", "0.05r/m", "1001G/s"}) {
    EXPECT_EQ(verdict(with_rate(rate)), "refused") << rate;
  }
  EXPECT_EQ(problems_of(with_rate("3r/h")),
            std::vector<std::string>{"dam.yaml:10:37: error: a rate below 0.001 a second; write at "
                                     "least 4 an hour, e.g. \"4r/h\""});
}

TEST(Bounds, byte_rates) {
  const auto with = [](const std::string& rate) {
    return sample_with("connections: \"50r/s burst=100\"", "bytes_up: \"" + rate + "\"");
  };
  EXPECT_EQ(verdict(with("4/h burst=1600")), "taken");
  EXPECT_EQ(verdict(with("1000GB/s")), "taken");
  EXPECT_EQ(verdict(with("3/h")), "refused");
  EXPECT_EQ(verdict(with("1001GB/s")), "refused");
  EXPECT_EQ(verdict(with("1MB/s burst=1599")), "refused");
}

TEST(Bounds, sizes_of_tables_and_times) {
  for (const char* limits :
       {"flows: 1024", "flows: 64M", "half_open: 256", "half_open: 1M", "sources: 1024",
        "sources: 64M", "hold: 1MiB", "hold: 4GB", "hello: 512", "hello: 64KiB",
        "management_share: 1%", "management_share: 90%", "half_open_per_source: 1"}) {
    EXPECT_EQ(
        verdict(sample_with("version: 1", std::string("version: 1\nlimits: {") + limits + "}")),
        "taken")
        << limits;
  }
  for (const char* time : {"hello: 100ms", "hello: 600s", "idle: 1s", "idle: 30d"}) {
    EXPECT_EQ(
        verdict(sample_with("version: 1", std::string("version: 1\ntimeouts: {") + time + "}")),
        "taken")
        << time;
  }
}

TEST(Bounds, paths) {
  const auto with = [](const std::string& path) {
    return sample_with("{name: plain,", "{name: plain, path: \"" + path + "\",");
  };
  EXPECT_EQ(verdict(with("/" + std::string(1023, 'a'))), "taken");
  EXPECT_EQ(verdict(with("/" + std::string(1024, 'a'))), "refused");
  EXPECT_EQ(problems_of(with("/a b")),
            std::vector<std::string>{"dam.yaml:18:25: error: a path has no blanks and no letters "
                                     "beyond ASCII; write it as browsers send it, e.g. /a%20b"});
}

TEST(Bounds, devices) {
  const auto with = [](const std::string& device) {
    return sample_with("device: veth1", "device: \"" + device + "\"");
  };
  for (const char* device : {"enp1s0f0.100", "0000:01:00.0", "net_memif0,role=client"}) {
    EXPECT_EQ(verdict(with(device)), "taken") << device;
  }
  EXPECT_EQ(problems_of(with("net_pcap0,tx_pcap=/etc/x"))[0],
            "dam.yaml:4:18: error: \"net_pcap0\" is no virtual device that the dam opens: "
            "net_af_packet, net_af_xdp, net_memif, net_tap, net_ring or net_null; write e.g. "
            "enp1s0, 0000:01:00.0 or net_memif0,role=client");
}

// So many listeners with one address each.
std::string with_listeners(int count) {
  std::string rows;
  for (int i = 3; i < count; ++i) {
    rows += "  - {name: l" + std::to_string(i) +
            ", addresses: 198.51.100.2, port: " + std::to_string(1000 + i) + ", protocol: tcp}\n";
  }
  return sample_with("zones:\n", rows + "zones:\n");
}

TEST(Bounds, addresses_of_listeners) {
  // The sample's first listener has two.
  EXPECT_EQ(verdict(with_listeners(1023)), "taken");
  const auto problems = problems_of(with_listeners(1024));
  EXPECT_NE(std::find(problems.begin(), problems.end(),
                      "dam.yaml:1029:30: error: more than 1024 addresses of listeners; this one is "
                      "too many"),
            problems.end())
      << problems.front();
}

TEST(Bounds, lists_of_networks) {
  const TemporaryFolder folder;
  std::string lines;
  for (uint32_t i = 0; i < kMaxPrefixes; ++i) {
    lines += "2001:db8:" + std::to_string(i % 10000) + ":" + std::to_string(i / 10000) + "::/64\n";
  }
  folder.write("list.txt", lines);
  EXPECT_EQ(
      verdict(sample_with("version: 1", "version: 1\ndeny: [{file: list.txt}]"), folder.path()),
      "taken");
  for (const char* list : {"deny", "admin"}) {
    const std::string more = sample_with(
        "version: 1", std::string("version: 1\n") + list + ": [198.18.0.0/32, {file: list.txt}]");
    EXPECT_EQ(verdict(more, folder.path()), "refused") << list;
  }
}

}  // namespace
}  // namespace dam::control
