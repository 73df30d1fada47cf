// SPDX-License-Identifier: BSD-3-Clause
// What a change of the policy came to, and the words of refusals that several changes share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/policy/problem.h"

namespace dam::control {

struct ChangeResult {
  enum class Outcome {
    valid,
    applied,
    waiting,  // for the dataplane
    invalid,
    refused,  // by the dataplane
    unknown_zone,
    unknown_version,
    unknown_entry,  // no such route or server
    outdated,       // another version than the expected one runs
    objected,       // sound, but something speaks against it: needs force
    unconfirmed,    // one waits for its confirmation: first that
    not_theirs,     // whoever asks may end only what waits and is their own
    not_saved       // and so not in force either
  };
  Outcome outcome = Outcome::invalid;
  std::vector<Problem> problems;  // errors and warnings
  uint64_t policy_version = 0;    // the dataplane's
  int64_t version = 0;            // the store's
  bool restart_needed = false;
  std::string diff;  // from what ran to this, as `diff -u` has it

  bool in_force() const { return outcome == Outcome::applied || outcome == Outcome::waiting; }
};

ChangeResult result_of(ChangeResult::Outcome outcome, std::vector<Problem> problems);
ChangeResult refusal_of(ChangeResult::Outcome outcome, std::string message, std::string hint);
// The store did not take it: most likely a full disk.
ChangeResult not_saved(std::string message);
// Of the dataplane, in its words.
ChangeResult refused_by_dataplane(const std::vector<std::string>& errors,
                                  std::vector<Problem> problems);

std::string version_text(int64_t number);  // "version 7"

}  // namespace dam::control
