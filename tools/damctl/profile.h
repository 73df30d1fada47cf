// SPDX-License-Identifier: BSD-3-Clause
// What somebody needs to steer the dam from afar, in one JSON file: the URL, the authority, and a
// certificate with its key or a token.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dam::ctl {

struct Profile {
  std::string host;
  int port = 0;
  std::string authority;    // PEM
  std::string certificate;  // PEM; empty: there is a token
  std::string key;          // PEM
  std::string token;

  std::string url() const;
};

// "https://198.18.2.1:9443", "https://[2001:db8::1]:9443", "https://dam.example" (443). False: it
// is no such URL.
bool read_url(const std::string& text, Profile& profile);

// A path where it has a slash or ends in .json; otherwise NAME.json in ~/.config/dam
// (XDG_CONFIG_HOME). Throws std::runtime_error, in words.
Profile read_profile(const std::string& name_or_path);
std::string profile_path(const std::string& name_or_path);
std::string profile_text(const Profile& profile);

}  // namespace dam::ctl
