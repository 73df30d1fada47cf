// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/nic_binding.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include "dataplane/drivers/netdev/device_kind.h"
#include "dataplane/drivers/netdev/noiommu_mode.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr char kUserDriver[] = "vfio-pci";
constexpr std::chrono::seconds kInterfaceComes(10);
constexpr std::chrono::seconds kNameComes(2);  // udev gives it, where there is one

fs::path pci(const NicRules& rules) { return fs::path(rules.sysfs) / "bus/pci"; }

// The kernel answers the write itself: 0, or why not.
int tell_kernel(const fs::path& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = done ? 0 : errno;
  close(fd);
  return error;
}

template <class F>
bool wait_until(std::chrono::milliseconds within, F&& condition) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

void leave_driver(const NicRules& rules, const PciDevice& device) {
  if (device.driver.empty()) return;
  tell_kernel(pci(rules) / "drivers" / device.driver / "unbind", device.address);
}

// Its name again, of udev's or of ours.
std::string name_again(const NicRules& rules, const NicRecord& record) {
  const auto now = [&] { return inspect_pci(record.address, rules.sysfs).interface; };
  if (!wait_until(kInterfaceComes, [&] { return !now().empty(); })) return {};
  if (wait_until(kNameComes, [&] { return now() == record.interface; })) return record.interface;
  const std::string name = now();
  return rename_interface(name, record.interface) ? record.interface : name;
}

}  // namespace

std::string nic_address(const std::string& device, const NicRules& rules) {
  if (kind_of(device) == DeviceKind::pci) return whole_pci_address(device);
  std::string address = pci_of_interface(device, rules.sysfs);
  if (!address.empty()) return address;
  for (const NicRecord& record : records_in(rules.records)) {
    if (record.interface == device) return record.address;
  }
  return {};
}

NicBinding::NicBinding(NicRules rules) : rules_(std::move(rules)) {
  std::error_code none;
  fs::create_directories(fs::path(rules_.records).parent_path(), none);
  mkdir(rules_.records.c_str(), S_IRWXU);
  fd_ = open(rules_.records.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat about {};
  // Whoever else could write there would tell root what to bind.
  const bool own = fd_ >= 0 && fstat(fd_, &about) == 0 && about.st_uid == geteuid() &&
                   (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (own && flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  if (fd_ >= 0) close(fd_);
  if (!own) throw std::runtime_error(rules_.records + " is not this user's alone.");
  throw std::runtime_error("A dataplane that runs has the NICs of " + rules_.records +
                           ": end it first.");
}

NicBinding::~NicBinding() { close(fd_); }

TakenNic NicBinding::take(const NicWish& wish) {
  TakenNic taken;
  taken.address = nic_address(wish.device, rules_);
  const PciDevice device = inspect_pci(taken.address, rules_.sysfs);
  taken.iommu = device.iommu;
  for (NicRecord& record : records_in(rules_.records)) {
    if (record.address == taken.address) taken.before = std::move(record);
  }
  if (is_user_space(device.driver) || is_bifurcated(device.driver)) return taken;
  NicRecord record{device.address, device.driver, device.interface, {}};
  if (!device.interface.empty()) record.state = state_of_interface(device.interface);
  save_record(rules_.records, record);
  if (!bind_to_user_space(device)) {
    const std::string back = give_back(record);
    if (records_in(rules_.records).empty()) restore_noiommu(rules_.sysfs, rules_.records);
    throw std::runtime_error(device.address +
                             " cannot be bound to vfio-pci (the kernel says why: "
                             "dmesg | tail). " +
                             back);
  }
  taken.says = wish.device + " goes from " + (device.driver.empty() ? "no driver" : device.driver) +
               " to vfio-pci, until this process ends.";
  taken.before = std::move(record);
  return taken;
}

bool NicBinding::bind_to_user_space(const PciDevice& device) {
  if (!device.iommu) switch_on_noiommu(rules_.sysfs, rules_.records);
  const fs::path folder = pci(rules_) / "devices" / device.address;
  tell_kernel(folder / "driver_override", kUserDriver);
  leave_driver(rules_, device);
  tell_kernel(pci(rules_) / "drivers_probe", device.address);
  return inspect_pci(device.address, rules_.sysfs).driver == kUserDriver;
}

std::vector<std::string> NicBinding::give_back(const std::vector<std::string>& but) {
  std::vector<std::string> done;
  for (const NicRecord& record : records_in(rules_.records)) {
    if (std::find(but.begin(), but.end(), record.address) != but.end()) continue;
    done.push_back(give_back(record));
  }
  if (records_in(rules_.records).empty()) restore_noiommu(rules_.sysfs, rules_.records);
  return done;
}

// The record goes last: whoever is stopped half-way is followed by one who begins again.
std::string NicBinding::give_back(const NicRecord& record) {
  const PciDevice now = inspect_pci(record.address, rules_.sysfs);
  std::string told = record.address + " is " +
                     (record.driver.empty() ? "without a driver" : record.driver + "'s") + " again";
  if (!now.exists) {
    remove_record(rules_.records, record.address);
    return record.address + " is gone.";
  }
  tell_kernel(pci(rules_) / "devices" / record.address / "driver_override", "\n");
  if (now.driver != record.driver) {
    leave_driver(rules_, now);
    const int error =
        record.driver.empty()
            ? 0
            : tell_kernel(pci(rules_) / "drivers" / record.driver / "bind", record.address);
    if (error != 0) {
      return "WARNING: " + record.address + " cannot go back to " + record.driver + ": " +
             std::system_category().message(error) + ".";
    }
  }
  if (!record.interface.empty()) {
    const std::string name = name_again(rules_, record);
    if (name.empty()) return "WARNING: " + told + ", but no interface came of it.";
    told += ", as " + name;
    for (const std::string& refused : give_state(name, record.state)) told += " (" + refused + ")";
  }
  remove_record(rules_.records, record.address);
  return told + ".";
}

}  // namespace dam
