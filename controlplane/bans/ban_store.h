// SPDX-License-Identifier: BSD-3-Clause
// The bans in SQLite: what write() has been told lasts once it returns, whatever happens then (kill
// -9, power; write-ahead log, synchronous=FULL). One process at a time.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <mutex>
#include <vector>

#include "controlplane/bans/ban.h"
#include "controlplane/state/sqlite_file.h"

namespace dam::control {

// Of kinds of clients: which are banned, or banned otherwise, and which no more.
struct KindChange {
  std::vector<FingerprintBan> put;
  std::vector<std::string> removed;

  bool any() const { return !put.empty() || !removed.empty(); }
};

class BanStore {
 public:
  static constexpr const char* kInMemory = kSqliteInMemory;

  // Makes the folder (0750) and the file (0600). All of these throw std::exception, in words.
  explicit BanStore(const std::filesystem::path& file);
  bool remembers() const { return database_.getFilename() != kInMemory; }  // in a file

  std::vector<KeptBan> all() const;
  std::vector<FingerprintBan> fingerprints() const;
  // Whole or not at all. Of what is put each takes the place of the one with its source.
  void write(const std::vector<KeptBan>& put, const std::vector<Network>& removed,
             const KindChange& kinds = {});

 private:
  void write_fingerprints(const KindChange& change);  // in the transaction of the rest

  mutable std::mutex mutex_;
  mutable SQLite::Database database_;
};

}  // namespace dam::control
