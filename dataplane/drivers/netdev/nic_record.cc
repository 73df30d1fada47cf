// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/nic_record.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr char kDigits[] = "0123456789abcdef";
constexpr size_t kLeastMessage = 16;  // a netlink header

std::string hex_of(const NetlinkMessage& message) {
  std::string text;
  for (const uint8_t byte : message) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Empty: it is none.
NetlinkMessage message_of(const std::string& hex) {
  NetlinkMessage message;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const char* high = std::strchr(kDigits, hex[i]);
    const char* low = std::strchr(kDigits, hex[i + 1]);
    if (high == nullptr || low == nullptr) return {};
    message.push_back(static_cast<uint8_t>((high - kDigits) << 4 | (low - kDigits)));
  }
  uint32_t length = 0;
  if (message.size() < kLeastMessage) return {};
  std::memcpy(&length, message.data(), sizeof length);
  return length == message.size() ? message : NetlinkMessage{};
}

}  // namespace

std::string text_of(const NicRecord& record) {
  std::ostringstream text;
  text << "pci " << record.address << "\n";
  if (!record.driver.empty()) text << "driver " << record.driver << "\n";
  if (!record.interface.empty()) text << "interface " << record.interface << "\n";
  text << "mtu " << record.state.mtu << "\nup " << record.state.up << "\n";
  for (const NetlinkMessage& one : record.state.addresses)
    text << "address " << hex_of(one) << "\n";
  for (const NetlinkMessage& one : record.state.routes) text << "route " << hex_of(one) << "\n";
  return text.str();
}

std::optional<NicRecord> read_record(const std::string& text) {
  NicRecord record;
  std::istringstream lines(text);
  std::string key, value;
  while (lines >> key >> value) {
    if (key == "pci") record.address = value;
    if (key == "driver") record.driver = value;
    if (key == "interface") record.interface = value;
    if (key == "mtu")
      record.state.mtu = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    if (key == "up") record.state.up = value == "1";
    if (key != "address" && key != "route") continue;
    auto& messages = key == "address" ? record.state.addresses : record.state.routes;
    messages.push_back(message_of(value));
    if (messages.back().empty()) return std::nullopt;
  }
  if (record.address.empty()) return std::nullopt;
  return record;
}

void save_record(const std::string& folder, const NicRecord& record) {
  const fs::path path = fs::path(folder) / record.address;
  const fs::path fresh = fs::path(folder) / ("." + record.address);
  std::ofstream file(fresh, std::ios::trunc);
  file << text_of(record);
  file.close();
  std::error_code error;
  if (file) fs::rename(fresh, path, error);
  if (!file || error) {
    throw std::runtime_error("What " + record.address + " was cannot be written down in " + folder +
                             ", so it stays the kernel's.");
  }
}

std::vector<NicRecord> records_in(const std::string& folder) {
  std::vector<NicRecord> records;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto record = read_record(text);
    if (record) records.push_back(std::move(*record));
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.address < b.address; });
  return records;
}

void remove_record(const std::string& folder, const std::string& address) {
  std::error_code none;
  fs::remove(fs::path(folder) / address, none);
}

}  // namespace dam
