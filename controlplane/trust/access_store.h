// SPDX-License-Identifier: BSD-3-Clause
// Who may steer over the network: client certificates by their fingerprint, and bearer tokens, of
// which only the SHA-256 is kept. What is asked for on every request is answered from memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/trust/role.h"
#include "controlplane/trust/state_file.h"

namespace dam::control {

// Times are Unix seconds; 0: never.
struct Client {
  std::string fingerprint;  // SHA-256 of the certificate, 64 digits in lower case
  std::string name;         // of the person or machine; several certificates may have one
  Role role = Role::viewer;
  std::string added_by = {};
  int64_t added_at = 0;
  int64_t expires_at = 0;
  int64_t revoked_at = 0;
  int64_t used_at = 0;
};

struct Token {
  std::string name;
  std::string digest = {};  // SHA-256 of its text, 64 digits
  Role role = Role::viewer;
  std::string added_by = {};
  int64_t added_at = 0;
  int64_t expires_at = 0;
  int64_t used_at = 0;
};

// Whom a certificate or a token belongs to, or why it opens nothing.
struct Recognised {
  std::string name;
  Role role = Role::anyone;
  std::string refusal;  // a sentence; empty: it is good
};

// Every change throws std::runtime_error where it cannot be written, and has changed nothing then.
class AccessStore {
 public:
  static constexpr size_t kMostEntries = 1000;  // of each kind
  enum class Added { yes, known_already, full };

  explicit AccessStore(StateFile& file);
  ~AccessStore();

  // Times of last use are written once a minute at most, and at the end.
  Recognised by_certificate(const std::string& fingerprint);
  Recognised by_token(const std::string& text);
  // The same by the SHA-256 of its text, 64 digits.
  Recognised by_token_digest(const std::string& digest);

  std::vector<Client> clients();
  Added add_client(const Client& client);
  // Of that fingerprint, or all of that name. They are kept, so that their owners are told. How
  // many.
  size_t revoke(const std::string& name_or_fingerprint);

  std::vector<Token> tokens();
  // 256 random bits, "dam_…"; never shown again.
  static std::string new_token_text();
  Added add_token(Token token, const std::string& text);
  bool remove_token(const std::string& name);

 private:
  void read_all();
  void note_use(int64_t& used_at, int64_t now);
  void write_uses();
  size_t live_clients() const;

  StateFile& file_;  // its mutex guards the rest
  std::vector<Client> clients_;
  std::vector<Token> tokens_;
  int64_t uses_written_at_ = 0;
  bool used_ = false;  // since then
};

}  // namespace dam::control
