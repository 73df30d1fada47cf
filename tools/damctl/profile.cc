// SPDX-License-Identifier: BSD-3-Clause
#include "tools/damctl/profile.h"

#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "controlplane/trust/certificate.h"

namespace dam::ctl {

namespace {

constexpr int kHttpsPort = 443;

std::string text_or_empty(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string Profile::url() const {
  const bool v6 = host.find(':') != std::string::npos;
  return "https://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool read_url(const std::string& text, Profile& profile) {
  const std::string scheme = "https://";
  if (!text.starts_with(scheme)) return false;
  std::string rest = text.substr(scheme.size());
  while (rest.ends_with('/')) rest.pop_back();
  const size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string::npos;
  const size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  profile.host = rest.substr(0, colon);
  if (bracket != std::string::npos) profile.host = rest.substr(1, bracket - 1);
  profile.port = kHttpsPort;
  if (colon != std::string::npos) {
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + colon + 1, end, profile.port);
    if (error != std::errc{} || stop != end) return false;
  }
  return !profile.host.empty() && profile.host.find('/') == std::string::npos && profile.port > 0 &&
         profile.port <= 65535;
}

std::string profile_path(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json")) return name;
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = config != nullptr && *config != '\0'
                                 ? config
                                 : std::string(home != nullptr ? home : "") + "/.config";
  return folder + "/dam/" + name + ".json";
}

Profile read_profile(const std::string& name_or_path) {
  const std::string path = profile_path(name_or_path);
  const auto object = nlohmann::json::parse(control::read_text(path), nullptr, false);
  if (!object.is_object())
    throw std::runtime_error(path + " is no profile: damctl enroll makes one");
  Profile profile;
  if (!read_url(text_or_empty(object, "url"), profile)) {
    throw std::runtime_error(path + ": \"url\" is not like https://198.18.2.1:9443");
  }
  profile.authority = text_or_empty(object, "authority");
  profile.certificate = text_or_empty(object, "certificate");
  profile.key = text_or_empty(object, "key");
  profile.token = text_or_empty(object, "token");
  if (profile.authority.empty()) throw std::runtime_error(path + ": \"authority\" is missing");
  if (profile.token.empty() && (profile.certificate.empty() || profile.key.empty())) {
    throw std::runtime_error(path + " has neither \"certificate\" and \"key\" nor a \"token\"");
  }
  return profile;
}

std::string profile_text(const Profile& profile) {
  nlohmann::ordered_json object = {{"url", profile.url()}, {"authority", profile.authority}};
  if (!profile.certificate.empty()) {
    object["certificate"] = profile.certificate;
    object["key"] = profile.key;
  }
  if (!profile.token.empty()) object["token"] = profile.token;
  return object.dump(2) + "\n";
}

}  // namespace dam::ctl
