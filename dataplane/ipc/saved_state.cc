// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/saved_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace dam {
namespace {

constexpr char kStartFile[] = "/start.pb";
constexpr char kSnapshotFile[] = "/snapshot.pb";

std::string save_message(const google::protobuf::MessageLite& message, const std::string& path) {
  const std::string temporary = path + ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
  bool done = fd >= 0 && message.SerializeToFileDescriptor(fd) && fsync(fd) == 0;
  if (fd >= 0) done = close(fd) == 0 && done;
  if (done && rename(temporary.c_str(), path.c_str()) == 0) return {};
  return "Could not save " + path + ": " + std::strerror(errno) +
         "; a restart will not find this policy.";
}

template <typename Message>
std::optional<Message> load_message(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  Message message;
  const bool sound = message.ParseFromFileDescriptor(fd);
  close(fd);
  if (!sound) return std::nullopt;
  return message;
}

}  // namespace

SavedState::SavedState(std::string directory) : directory_(std::move(directory)) {}

std::string SavedState::save(const v1::Start& start) const {
  return save_message(start, directory_ + kStartFile);
}

std::string SavedState::save(const v1::Snapshot& snapshot) const {
  return save_message(snapshot, directory_ + kSnapshotFile);
}

std::optional<v1::Start> SavedState::start() const {
  return load_message<v1::Start>(directory_ + kStartFile);
}

std::optional<v1::Snapshot> SavedState::snapshot() const {
  return load_message<v1::Snapshot>(directory_ + kSnapshotFile);
}

}  // namespace dam
