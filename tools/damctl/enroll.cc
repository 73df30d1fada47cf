// SPDX-License-Identifier: BSD-3-Clause
// The authority, the server's certificate and a client's, made on the dam itself: the authority's
// key never leaves it.
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/server_tls.h"
#include "tools/damctl/client.h"
#include "tools/damctl/commands.h"
#include "tools/damctl/exit_code.h"
#include "tools/damctl/profile.h"

namespace dam::ctl {

namespace {

using control::Issue;
using control::KeyPair;
using std::filesystem::path;

constexpr int kAuthorityDays = 3650;
constexpr int kServerDays = 398;  // what browsers take at most
constexpr int64_t kRenewBefore_s = int64_t{60} * 86400;

std::string host_name() {
  char text[256] = "dam";
  gethostname(text, sizeof text - 1);
  return text;
}

KeyPair authority_in(const path& folder) {
  const path certificate = folder / control::kAuthorityFile;
  const path key = folder / control::kAuthorityKeyFile;
  const bool has_certificate = exists(certificate), has_key = exists(key);
  if (has_certificate && has_key) return control::read_key_pair(certificate, key);
  if (has_certificate != has_key) {
    throw std::runtime_error((has_key ? certificate : key).string() + " is missing, and " +
                             (has_key ? key : certificate).string() +
                             " is there: bring it back, or move that one away and enroll everybody "
                             "anew");
  }
  KeyPair made = control::issue({Issue::Purpose::authority,
                                 "Traffic Dam on " + host_name().substr(0, 40),
                                 {},
                                 kAuthorityDays},
                                nullptr);
  control::write_private(key, control::pem_of(*made.key));
  control::write_private(certificate, control::pem_of(*made.certificate));
  std::cout << "Made an authority: " << certificate.string()
            << " (its key stays here: " << key.string() << ")\n";
  return made;
}

bool is_issued_by(X509& certificate, const KeyPair& authority) {
  const bool issued = X509_verify(&certificate, X509_get0_pubkey(authority.certificate.get())) == 1;
  ERR_clear_error();
  return issued;
}

// The server's certificate covers these names and is far from its end, or there is a new one.
void ensure_server(const path& folder, const KeyPair& authority, std::vector<std::string> names,
                   bool renew) {
  const path certificate = folder / control::kServerFile, key = folder / control::kServerKeyFile;
  if (exists(certificate) && exists(key)) {
    const KeyPair now = control::read_key_pair(certificate, key);
    X509& old = *now.certificate;
    const bool covered = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return control::covers(old, name);
    });
    const bool fresh =
        control::expiry_of(old) - static_cast<int64_t>(std::time(nullptr)) > kRenewBefore_s;
    if (covered && fresh && !renew && is_issued_by(old, authority)) return;
    for (std::string& name : control::names_in(old)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  const KeyPair made =
      control::issue({Issue::Purpose::server, "Traffic Dam", names, kServerDays}, &authority);
  control::write_private(key, control::pem_of(*made.key));
  control::write_private(certificate, control::pem_of(*made.certificate));
  std::cout << "Made the server's certificate: " << certificate.string() << ", for";
  for (const std::string& name : names) std::cout << " " << name;
  std::cout << "\n";
}

// Where the control plane listens, as it says itself; null: it does not answer, or listens nowhere.
Json https_of(const Settings& settings) {
  const auto answer = get(settings, "/v1/status");
  if (!answer) return Json();
  return answer->json().value("https", Json());
}

bool is_everywhere(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// False after it has said what is missing.
bool find_url(const Enrolling& how, const Json& https, Profile& profile) {
  if (!how.url.empty()) {
    if (read_url(how.url, profile)) return true;
    std::cerr << "damctl: " << how.url << " is not like https://198.18.2.1:9443\n";
    return false;
  }
  const std::string address = https.is_object() ? https.value("address", "") : "";
  if (!address.empty() && read_url("https://" + address, profile) && !is_everywhere(profile.host)) {
    return true;
  }
  std::cerr << "damctl: by which address is the dam reached from afar?\n"
            << "  damctl enroll " << how.name << " --url https://ADDRESS:9443\n";
  return false;
}

// The profile is there before the certificate counts, and goes where that fails.
int register_client(const Settings& settings, const Enrolling& how, const KeyPair& pair,
                    const Profile& profile, const std::string& output) {
  control::write_private(output, profile_text(profile));
  const auto answer = post_json(settings, "/v1/clients",
                                {{"name", how.name},
                                 {"role", how.role},
                                 {"fingerprint", control::fingerprint_of(*pair.certificate)},
                                 {"expires_at", control::expiry_of(*pair.certificate)}});
  if (answer && answer->ok()) return kOk;
  unlink(output.c_str());
  return answer ? show_refusal(*answer) : kUnreachable;
}

void say_next(const Enrolling& how, const Json& https, const Profile& profile,
              const std::string& output) {
  std::cout << how.name << " is enrolled as " << how.role << " for " << how.days
            << " days. The profile, with the key in it: " << output << "\n"
            << "  Take it to " << how.name << " over a way that you trust, as ~/.config/dam/"
            << how.name << ".json, and remove it here. Then:\n"
            << "  damctl --profile " << how.name << " status\n";
  if (https.is_object()) return;
  std::cout << "HTTPS is not served yet: start dam-controlplane with --https-address "
            << profile.host << ":" << profile.port << "\n";
}

// The control plane looks at its files every second.
void wait_until_in_use(const Settings& settings, const Json& https) {
  if (!https.is_object()) return;
  std::string trouble;
  for (int tries = 0; tries < 50; ++tries) {
    const Json now = https_of(settings);
    trouble = now.is_object() ? now.value("trouble", "") : "it does not answer";
    if (trouble.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::cerr << "damctl: the control plane does not use the certificates yet: " << trouble << "\n";
}

int enroll_or_throw(const Settings& settings, const Enrolling& how) {
  const Json https = https_of(settings);
  Profile profile;
  const bool for_somebody = !how.name.empty();
  const std::string output = how.output.empty() ? how.name + ".json" : how.output;
  if (for_somebody && !find_url(how, https, profile)) return kUsage;
  if (for_somebody && std::filesystem::exists(output)) {
    std::cerr << "damctl: " << output << " is there already: take another place with -o\n";
    return kRefused;
  }
  path folder = how.folder;
  if (folder.empty()) folder = https.is_object() ? https.value("folder", "") : "/etc/dam/tls";
  const mode_t before = umask(0077);
  std::filesystem::create_directories(folder);
  umask(before);
  const KeyPair authority = authority_in(folder);
  std::vector<std::string> names = how.names;
  if (for_somebody) names.insert(names.begin(), profile.host);
  if (names.empty()) names.push_back(host_name());
  ensure_server(folder, authority, names, how.renew);
  wait_until_in_use(settings, https);
  if (!for_somebody) return kOk;
  const KeyPair pair = control::issue({Issue::Purpose::client, how.name, {}, how.days}, &authority);
  profile.authority = control::pem_of(*authority.certificate);
  profile.certificate = control::pem_of(*pair.certificate);
  profile.key = control::pem_of(*pair.key);
  const int code = register_client(settings, how, pair, profile, output);
  if (code == kOk) say_next(how, https, profile, output);
  return code;
}

}  // namespace

int enroll(const Settings& settings, const Enrolling& how) {
  if (how.name.empty() && !how.renew) {
    std::cerr << "damctl: whom? damctl enroll NAME --role operator\n";
    return kUsage;
  }
  if (!settings.profile.empty()) {
    std::cerr << "damctl: enroll works on the dam itself, where the authority's key is: without "
                 "--profile and DAM_PROFILE\n";
    return kUsage;
  }
  try {
    return enroll_or_throw(settings, how);
  } catch (const std::exception& error) {
    std::cerr << "damctl: " << error.what() << "\n";
    return kRefused;
  }
}

}  // namespace dam::ctl
