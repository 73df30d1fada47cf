// SPDX-License-Identifier: BSD-3-Clause
// The commands of damctl: each prints, and returns an ExitCode.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dam::ctl {

struct Settings {
  std::string socket = "/run/dam/api/control.sock";
  std::string profile;  // name or path (profile.h); empty: the socket
  bool json = false;
  double watch_seconds = 0;  // 0: once
  int rounds = 0;            // of watching; 0: until interrupted
};

// Offline: needs no control plane.
int check_file(const Settings& settings, const std::string& file);
// Where a dataplane leaves what must outlive it.
struct LeftBehind {
  std::string pins = "/sys/fs/bpf/traffic-dam";
  std::string tables = "/dev/shm/dam";
  std::string nics = "/run/dam/nics";
};
// other_version: only where another version of the dam has left tables, which this one does not
// read.
int detach(const Settings& settings, const LeftBehind& left, bool other_version);
// What this machine and its interfaces are for the dam. `devices`: instead of the policy's.
int run_doctor(const Settings& settings, const std::string& file, const std::string& driver,
               const std::vector<std::string>& devices);
// The first configuration of this host, and later ones.
struct SettingUp {
  std::string file;     // dam.yaml
  std::string answers;  // a file of answers; empty: from the terminal
  std::string confirm_within = "60s";
  bool print_answers = false;
  bool dry_run = false;
  bool yes = false;  // ask nothing: what is proposed, without a confirmation
  bool all = false;  // ask what is seldom another, too
};
int set_up(const Settings& settings, const SettingUp& how);
int print_schema(bool of_logs);
int print_reference();
int print_features();

int show_status(const Settings& settings);
int show_zones(const Settings& settings);
int show_routes(const Settings& settings);
int show_servers(const Settings& settings);
int show_drops(const Settings& settings, bool explain);
int show_metrics(const Settings& settings);
int show_policy(const Settings& settings);
struct Applying {
  std::string file;
  std::string confirm_within;  // "60s"; empty: stays without a confirmation
  bool dry_run = false;
  bool yes = false;    // do not ask
  bool force = false;  // whatever servers' certificates say against it
};
int apply_file(const Settings& settings, const Applying& how);
int show_history(const Settings& settings);
// 0: the version before `to`, and the one that runs.
int show_diff(const Settings& settings, int64_t from, int64_t to);
int roll_back(const Settings& settings, int64_t to, const std::string& confirm_within);
// 0: whichever waits.
int confirm(const Settings& settings, int64_t version);
// Which: by what all of these say that are not empty.
struct Connections {
  std::string id, client, zone, server, listener, state, ja4;
  int count = 100;   // to be shown
  bool all = false;  // none of these is needed
};
int show_flows(const Settings& settings, const Connections& which);
int end_flows(const Settings& settings, const Connections& which);
struct Watching {
  std::string kind;    // empty: all
  int64_t count = 0;   // 0: as many as the control plane gives at once, or until interrupted
  int64_t after = -1;  // only those with a greater number; below 0: any
  bool follow = false;
};
int show_events(const Settings& settings, const Watching& what);
// Draws until a key or a signal ends it; with `json` a line a round.
int watch(const Settings& settings);
struct Capturing {
  std::string client, zone, reason;  // empty: any
  std::string file = "-";            // -: stdout
  int packets = 1000;
  int seconds = 10;
  int snap_bytes = 256;
  bool dropped = false;  // only these; with neither of the two both
  bool passed = false;
  bool stop = false;  // whichever is under way
};
int capture(const Settings& settings, const Capturing& what);
// state=enable|drain|disable, weight=NUMBER
int set_server(const Settings& settings, const std::string& server,
               const std::vector<std::string>& changes);
int set_zone(const Settings& settings, const std::string& zone,
             const std::vector<std::string>& changes);

// `what`: "route" or "server"; each as a version of the policy.
struct Entry {
  std::string what, name;
  std::vector<std::string> keys;  // KEY=VALUE as in dam.yaml
  std::string confirm_within;
  bool dry_run = false;
  bool force = false;
};
int add_entry(const Settings& settings, const Entry& entry);
int remove_entry(const Settings& settings, const Entry& entry);

struct Enrolling {
  std::string name;  // empty: with `renew`
  std::string role = "viewer";
  std::string url;                 // empty: where HTTPS listens
  std::vector<std::string> names;  // more names and addresses of the server
  std::string folder;              // of the certificates; empty: what the control plane says
  std::string output;              // the profile; empty: NAME.json here
  int days = 365;
  bool renew = false;  // the server's certificate, though it is good still
};
int enroll(const Settings& settings, const Enrolling& how);
int show_clients(const Settings& settings);
int revoke_client(const Settings& settings, const std::string& name);
struct NewToken {
  std::string name;
  std::string role = "viewer";
  int days = 0;  // 0: no end
};
int add_token(const Settings& settings, const NewToken& token);
int show_tokens(const Settings& settings);
int remove_token(const Settings& settings, const std::string& name);
int show_audit(const Settings& settings, int count, bool refused);
int show_whoami(const Settings& settings);
struct Banning {
  std::string source;  // of an import the file; "-": stdin
  std::string time;    // "1h"; empty: for ever
  std::string reason;
  bool force = false;
  std::string ja4;       // instead of a source
  bool dry_run = false;  // show whom it would hit
};
int ban_kind(const Settings& settings, const Banning& how);
int ban(const Settings& settings, const Banning& how);
// Sources that behave like one.
struct Alike {
  std::string address;
  std::string within, over;  // as the API takes them; empty: as usual
  int count = 20;
  bool all = false;  // every feature of it
  bool yes = false;  // do not ask
};
int show_similar(const Settings& settings, const Alike& how);
int ban_similar(const Settings& settings, const Alike& how, const Banning& ban);
int forget_behaviour(const Settings& settings, const std::string& source);
int unban(const Settings& settings, const std::string& source);
int show_bans(const Settings& settings, const std::string& origin);
int import_bans(const Settings& settings, const Banning& how);
int export_bans(const Settings& settings);
int explain(const Settings& settings, const std::string& address);
int show_top(const Settings& settings, const std::string& by, int count);

}  // namespace dam::ctl
