// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace dam::ctl {

// The address from which whoever types this is logged in by SSH; empty: by no SSH. The dam bans
// nobody who is at work on it. sudo takes SSH_CONNECTION out of the environment, so that of the
// processes above is looked at too.
std::string ssh_client();

struct SshSession {
  std::string client;
  std::string server;  // this host's address of that connection
};
SshSession ssh_session();  // empty texts: by no SSH

}  // namespace dam::ctl
