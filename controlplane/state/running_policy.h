// SPDX-License-Identifier: BSD-3-Clause
// The policy that runs, and the ways to change it. Each one in force is a version in the store,
// with who put it there; a version may wait for a confirmation, and goes by itself where none
// comes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/policy/load.h"
#include "controlplane/policy/text_edit.h"
#include "controlplane/state/alarm_clock.h"
#include "controlplane/state/change_result.h"
#include "controlplane/state/policy_store.h"

namespace dam::control {

// One state of affairs; never changed once it is shared.
struct Running {
  std::shared_ptr<const Policy> policy;
  PolicyVersion version;
  std::optional<Unconfirmed> unconfirmed;
  std::shared_ptr<const Running> before;  // of an unconfirmed one: what comes back
};

// What somebody asks for beside the change itself.
struct Intent {
  std::string author;
  std::optional<int64_t> expected;  // number of the version that the author has seen
  int64_t confirm_within_s = 0;     // 0: needs no confirmation
  bool dry_run = false;
  bool force = false;  // whatever speaks against it
  // To confirm or take back a zone's change that waits and is the author's, nothing else.
  bool own_alone = false;

  static Intent of(std::string author) {
    Intent intent;
    intent.author = std::move(author);
    return intent;
  }
};

class RunningPolicy {
 public:
  using Deliver = std::function<Delivery(std::shared_ptr<const Policy>)>;
  using Report = std::function<void(const ChangeResult&)>;

  // What speaks against a sound policy, as errors.
  using Objections = std::function<std::vector<Problem>(const Policy&)>;

  // `report` hears of versions that went because nobody confirmed them. A whole policy that there
  // are `objections` to is refused, unless it is forced; the ways back are open to any version.
  RunningPolicy(std::filesystem::path config, PolicyStore& store, Deliver deliver,
                Report report = {}, Objections objections = {});

  // At start: the newest version, or dam.yaml where that has changed since it or there is none.
  // What cannot be put in force is reported, and the next best is: dam.yaml, then older versions.
  ChangeResult begin();
  ChangeResult load_config();  // on SIGHUP
  // Files that the text names are looked for in `folder`; empty: beside dam.yaml.
  ChangeResult apply(const std::string& text, const std::filesystem::path& folder,
                     const Intent& intent);
  ChangeResult change_zone(const std::string& zone, const std::vector<ZoneChange>& changes,
                           const Intent& intent);
  // One route or server, in the text; the changes of zones stay on top of it. `entry`: see
  // text_edit.h.
  ChangeResult put_entry(Section section, const std::string& name,
                         const nlohmann::ordered_json& entry, const Intent& intent);
  ChangeResult remove_entry(Section section, const std::string& name, const Intent& intent);
  // As a new version, with the text and the changes of that one. Files that it names are read anew.
  ChangeResult roll_back(int64_t number, const Intent& intent);
  ChangeResult confirm(const Intent& intent);

  // Nothing until a first policy was valid.
  std::shared_ptr<const Running> current() const;
  const PolicyStore& store() const { return store_; }
  const std::filesystem::path& config() const { return config_; }

 private:
  std::optional<ChangeResult> hindrance(const Intent& intent) const;
  std::optional<ChangeResult> not_theirs(const Running* now, bool ends, const Intent& intent) const;
  bool object(Running& next, std::vector<Problem>& problems, bool force) const;
  ChangeResult finish(Running next, std::vector<Problem> problems, const Intent& intent);
  ChangeResult put_in_force(Running next, std::vector<Problem> problems, int64_t within_s);
  ChangeResult delivered(Running next, std::vector<Problem> problems, const Delivery& delivery);
  using Edit = std::function<std::string(const std::string& text, Problems& problems)>;
  ChangeResult change_text(const Edit& edit, const std::string& comment, const Intent& intent);
  ChangeResult not_kept(const std::string& why);
  ChangeResult load_config_locked(const Intent& intent);
  // resume.cc: after a restart
  ChangeResult resume(const PolicyVersion& version);
  ChangeResult resume_older();
  // confirmation.cc: back to what ran before
  std::optional<Running> come_back(const Running& now, std::vector<Problem>& problems) const;
  ChangeResult give_back(const Running& now);
  void expire();
  void share(Running next);
  void set_alarm(const std::optional<Unconfirmed>& unconfirmed);

  const std::filesystem::path config_;
  PolicyStore& store_;
  const Deliver deliver_;
  const Report report_;
  const Objections objections_;
  std::mutex changing_;  // one change at a time, from its first check to its delivery
  mutable std::mutex current_mutex_;
  std::shared_ptr<const Running> current_;
  AlarmClock::Clock::time_point expires_;  // of the one that is unconfirmed; guarded by changing_
  AlarmClock alarm_;                       // last: its thread uses all of the above
};

}  // namespace dam::control
