// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/setup/policy_file.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dam::ctl {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_in(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string error_at(const fs::path& path, const char* what) {
  return path.string() + " cannot be " + what + ": " + std::strerror(errno);
}

// The file that a link leads to.
fs::path real_path(const std::string& file) {
  std::error_code ignored;
  const fs::path real = fs::canonical(file, ignored);
  return real.empty() ? fs::absolute(file) : real;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

bool write_all(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  return true;
}

// A fresh file beside it, on the disk, with that owner and mode; an error in words.
std::string write_beside(std::string& name, const struct stat* like, const std::string& text) {
  name += ".XXXXXX";
  const int fd = mkstemp(name.data());
  if (fd < 0) return error_at(name, "made");
  // A new one is for the control plane's group and nobody else, as the package has it.
  const group* dam = like == nullptr && geteuid() == 0 ? getgrnam("dam") : nullptr;
  const mode_t mode = like != nullptr ? like->st_mode & 07777 : dam != nullptr ? 0640 : 0644;
  const bool owned = like != nullptr ? fchown(fd, like->st_uid, like->st_gid) == 0
                                     : dam == nullptr || fchown(fd, 0, dam->gr_gid) == 0;
  const bool fine = write_all(fd, text) && owned && fchmod(fd, mode) == 0 && fsync(fd) == 0;
  std::string error = fine ? "" : error_at(name, "written");
  close(fd);
  if (!fine) unlink(name.c_str());
  return error;
}

void sync_folder(const fs::path& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// A second name for the old file; another one where that is taken.
std::string keep_old(const fs::path& path, Written& written) {
  const std::string name = path.string() + "." + utc_now();
  for (int turn = 0; turn < 100; ++turn) {
    const std::string backup = turn == 0 ? name : name + "-" + std::to_string(turn);
    if (link(path.c_str(), backup.c_str()) == 0) {
      written.backup = backup;
      return "";
    }
    if (errno != EEXIST) break;
  }
  return error_at(name, "made");
}

}  // namespace

std::string why_not_writable(const std::string& file) {
  const fs::path folder = real_path(file).parent_path();
  if (access(folder.c_str(), W_OK) == 0) return "";
  return error_at(folder, "written to");
}

Written write_policy(const std::string& file, const std::optional<std::string>& before,
                     const std::string& text) {
  const fs::path path = real_path(file);
  Written written;
  struct stat old {};
  const bool there = stat(path.c_str(), &old) == 0;
  std::string fresh = path.string();
  written.error = write_beside(fresh, there ? &old : nullptr, text);
  if (!written.error.empty()) return written;
  if (text_in(path) != before) {
    written.error = path.string() + " was changed by somebody else meanwhile: it stays as it is";
  } else if (there) {
    written.error = keep_old(path, written);
  }
  if (written.error.empty() && rename(fresh.c_str(), path.c_str()) != 0) {
    written.error = error_at(path, "replaced");
  }
  if (!written.error.empty()) unlink(fresh.c_str());
  sync_folder(path.parent_path());
  return written;
}

}  // namespace dam::ctl
