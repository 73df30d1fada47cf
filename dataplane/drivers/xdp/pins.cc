// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/xdp/pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "dataplane/drivers/netdev/file_lock.h"
#include "dataplane/drivers/xdp/dispatcher.h"

namespace dam {
namespace {

namespace fs = std::filesystem;

constexpr char kUsualBpffs[] = "/sys/fs/bpf";
constexpr char kLinkPrefix[] = "link_";  // by ifindex: names may have dots, pins not
constexpr char kGatePrefix[] = "gate_";
uint32_t ifindex_in(const std::string& name) {
  return static_cast<uint32_t>(std::strtoul(name.c_str() + name.find('_') + 1, nullptr, 10));
}

bool is_bpffs(const fs::path& path) {
  struct statfs about {};
  return statfs(path.c_str(), &about) == 0 && about.f_type == BPF_FS_MAGIC;
}

fs::path nearest_existing(fs::path path) {
  std::error_code error;
  while (!path.empty() && path != path.parent_path() && !fs::exists(path, error)) {
    path = path.parent_path();
  }
  return path;
}

void leave_device(const std::string& pin) {
  const int link = bpf_obj_get(pin.c_str());
  if (link < 0) return;
  bpf_link_detach(link);  // now, whoever has descriptors of it; a device that is gone has no link
  close(link);
}

}  // namespace

std::string why_not_pinned(const std::string& folder) {
  const fs::path usual(kUsualBpffs);
  const bool in_usual = folder.rfind(kUsualBpffs, 0) == 0;
  if (in_usual && fs::exists(usual) && !is_bpffs(usual)) {
    if (mount("bpf", kUsualBpffs, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
      return std::string(kUsualBpffs) + " is no bpffs, and none can be mounted there (" +
             std::strerror(errno) + "): mount -t bpf bpf " + kUsualBpffs;
    }
  }
  if (is_bpffs(nearest_existing(folder))) return {};
  return folder + " lies in no bpffs: choose --pins in " + kUsualBpffs + ".";
}

Pins::Pins(const std::string& folder) : folder_(folder) {
  for (int i = 0; i < kLockTries; ++i) {
    fs::create_directories(folder_);
    chmod(folder_.c_str(), S_IRWXU);
    lock_ = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock_ < 0) throw std::system_error(errno, std::generic_category(), folder_);
    const bool locked = lock_soon(lock_);
    if (locked && is_still_named(lock_, folder_)) return;
    close(std::exchange(lock_, -1));
    if (!locked) break;
  }
  throw std::runtime_error("Another dam-dataplane works on the tables in " + folder_ +
                           "; end it first, or choose another --pins.");
}

Pins::Pins(Pins&& other) noexcept
    : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

Pins::~Pins() {
  if (lock_ >= 0) close(lock_);
}

std::vector<std::string> Pins::entries() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

// Links first: what is left by a process that ends in the middle of this forwards nothing.
void Pins::clear() const {
  const std::vector<std::string> names = entries();
  for (const std::string& name : names) {
    if (name.starts_with(kLinkPrefix)) leave_device(table(name));
    if (name.starts_with(kGatePrefix)) {
      take_gate_off(table(name), ifindex_in(name));
    }
  }
  for (const std::string& name : names) fs::remove(table(name));
}

}  // namespace dam
