// SPDX-License-Identifier: BSD-3-Clause
// Which devices a policy may name. Ports are opened as root, and DPDK has virtual devices that read
// and write files: both planes take only those that move packets, with arguments that name none.
#pragma once

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dam {

struct VirtualDevice {
  std::string_view driver;
  std::initializer_list<std::string_view> arguments;
};

inline constexpr std::string_view kVirtualDevices =
    "net_af_packet, net_af_xdp, net_memif, net_tap, net_ring or net_null";

// Nothing for what is none of them. A longer name of a device is its driver's with letters, digits
// and '_' behind it: net_memif0, net_af_packet_front.
inline const VirtualDevice* find_virtual_device(std::string_view name) {
  // The arguments are those of DPDK 22.11 that choose queues, sizes and peers; net_af_xdp's
  // xdp_prog, which loads a program from a file, is not among them.
  static const VirtualDevice kKnown[] = {
      {"net_af_packet", {"iface", "qpairs", "blocksz", "framesz", "framecnt", "qdisc_bypass"}},
      {"net_af_xdp", {"iface", "start_queue", "queue_count", "busy_budget", "force_copy"}},
      {"net_memif",
       {"role", "id", "bsize", "rsize", "socket", "socket-abstract", "mac", "secret", "zero-copy"}},
      {"net_tap", {"iface", "mac", "persist"}},
      {"net_ring", {}},
      {"net_null", {"size", "copy", "no-rx"}}};
  for (const VirtualDevice& known : kKnown) {
    if (name.substr(0, known.driver.size()) == known.driver) return &known;
  }
  return nullptr;
}

inline bool is_plain_name(std::string_view text, std::string_view also) {
  return std::all_of(text.begin(), text.end(), [also](unsigned char c) {
    return std::isalnum(c) != 0 || also.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Behind the name: ",key=value,key=value".
inline std::string wrong_with_arguments(const VirtualDevice& known, std::string_view rest) {
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view argument = rest.substr(0, rest.find(','));
    const std::string_view key = argument.substr(0, argument.find('='));
    rest.remove_prefix(argument.size());
    if (std::find(known.arguments.begin(), known.arguments.end(), key) == known.arguments.end()) {
      return "a " + std::string(known.driver) + " has no argument \"" + std::string(key) +
             "\" that a policy may set";
    }
    if (!is_plain_name(argument, "=._:/@-")) {
      return "an argument of a device is letters, digits and . _ : / @ -";
    }
  }
  return {};
}

// 0000:01:00.0 or 01:00.0
inline bool is_pci_name(std::string_view device) {
  std::string shape(device);
  for (char& c : shape) c = std::isxdigit(static_cast<unsigned char>(c)) != 0 ? 'x' : c;
  return shape == "xxxx:xx:xx.x" || shape == "xx:xx.x";
}

// Cut between two characters of UTF-8, or a message with it could not be read.
inline std::string beginning_of(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (text[most] & 0xc0) == 0x80) --most;
  return std::string(text.substr(0, most));
}

// What is wrong with it, without a dot at the end; empty: nothing.
inline std::string wrong_with_device(std::string_view device) {
  constexpr size_t kLongestInterface = 15;  // IFNAMSIZ without its NUL
  if (device.empty() || device.size() > 255) return "a device has a name of 1 to 255 bytes";
  if (is_pci_name(device)) return {};
  const std::string_view name = device.substr(0, device.find(','));
  if (name.substr(0, 4) == "net_") {
    const VirtualDevice* known = find_virtual_device(name);
    if (known == nullptr || !is_plain_name(name, "_")) {
      return "\"" + std::string(name) +
             "\" is no virtual device that the dam opens: " + std::string(kVirtualDevices);
    }
    return wrong_with_arguments(*known, device.substr(name.size()));
  }
  if (device.size() <= kLongestInterface && is_plain_name(device, "._-@") && device != "." &&
      device != "..") {
    return {};
  }
  return "\"" + beginning_of(device, 80) +
         "\" is neither an interface (at most 15 letters, digits, . _ - @), nor a PCI address, nor "
         "a virtual device (net_…)";
}

}  // namespace dam
