// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipc/saved_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace dam {
namespace {

constexpr char kStartFile[] = "/start.pb";
constexpr char kAttemptFile[] = "/start.attempt";
constexpr char kPolicyFolder[] = "/policy";
constexpr char kSnapshotFile[] = "/policy/snapshot.pb";
constexpr char kServersFile[] = "/policy/servers.pb";
constexpr char kBansFile[] = "/policy/bans.pb";
constexpr char kFingerprintBansFile[] = "/policy/fingerprint_bans.pb";
constexpr mode_t kMayPass = S_IRWXU | S_IXGRP | S_IXOTH;  // the worker reaches its own folder

std::string save_message(const google::protobuf::MessageLite& message, const std::string& path) {
  const std::string temporary = path + ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
  bool done = fd >= 0 && message.SerializeToFileDescriptor(fd) && fsync(fd) == 0;
  if (fd >= 0) done = close(fd) == 0 && done;
  if (done && rename(temporary.c_str(), path.c_str()) == 0) return {};
  return "Could not save " + path + ": " + std::strerror(errno) + "; a restart will not find it.";
}

// A file, and no pipe that would never end; `own`: one that nobody else can have written.
bool is_sound(int fd, bool own) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return !own || (status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0);
}

template <typename Message>
std::optional<Message> load_message(const std::string& path, bool own) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  Message message;
  const bool sound = is_sound(fd, own) && message.ParseFromFileDescriptor(fd);
  close(fd);
  if (!sound) return std::nullopt;
  return message;
}

void give(const std::string& folder, uid_t uid, gid_t gid, mode_t mode) {
  std::filesystem::create_directories(folder);
  if (lchown(folder.c_str(), uid, gid) == 0 && chmod(folder.c_str(), mode) == 0) return;
  throw std::runtime_error("The folder " + folder + " cannot be given to user " +
                           std::to_string(uid) + ": " + std::strerror(errno) + ".");
}

}  // namespace

SavedState::SavedState(std::string directory) : directory_(std::move(directory)) {}

void SavedState::make_folders(uid_t uid, gid_t gid) const {
  give(directory_, geteuid(), getegid(), kMayPass);
  give(directory_ + kPolicyFolder, uid, gid, S_IRWXU);
}

std::string SavedState::save(const v1::Start& start) const {
  return save_message(start, directory_ + kStartFile);
}

std::string SavedState::save(const v1::Snapshot& snapshot) const {
  return save_message(snapshot, directory_ + kSnapshotFile);
}

std::string SavedState::save(const v1::ServerStates& states) const {
  return save_message(states, directory_ + kServersFile);
}

std::string SavedState::save(const v1::Bans& bans) const {
  return save_message(bans, directory_ + kBansFile);
}

std::optional<v1::Bans> SavedState::bans() const {
  return load_message<v1::Bans>(directory_ + kBansFile, false);
}

std::string SavedState::save(const v1::FingerprintBans& bans) const {
  return save_message(bans, directory_ + kFingerprintBansFile);
}

std::optional<v1::FingerprintBans> SavedState::fingerprint_bans() const {
  return load_message<v1::FingerprintBans>(directory_ + kFingerprintBansFile, false);
}

std::optional<v1::Start> SavedState::start() const {
  return load_message<v1::Start>(directory_ + kStartFile, true);
}

std::optional<v1::Snapshot> SavedState::snapshot() const {
  return load_message<v1::Snapshot>(directory_ + kSnapshotFile, false);
}

std::optional<v1::ServerStates> SavedState::server_states() const {
  return load_message<v1::ServerStates>(directory_ + kServersFile, false);
}

void SavedState::begin_attempt() const {
  const int fd = open((directory_ + kAttemptFile).c_str(),
                      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd >= 0) close(fd);
}

void SavedState::end_attempt() const { unlink((directory_ + kAttemptFile).c_str()); }

bool SavedState::attempt_failed() const {
  return access((directory_ + kAttemptFile).c_str(), F_OK) == 0;
}

}  // namespace dam
