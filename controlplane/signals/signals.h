// SPDX-License-Identifier: BSD-3-Clause
// Servers tell of their clients; whoever is over a rule of the policy is banned in the service
// zones, or slowed there. What one server can do is bounded, whoever has it: signals, bans a
// minute, bans in all, memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/bans/ban_book.h"
#include "controlplane/bans/protected_addresses.h"
#include "controlplane/signals/signal.h"
#include "controlplane/signals/signal_counts.h"
#include "controlplane/signals/signal_totals.h"
#include "controlplane/signals/source_throttles.h"

namespace dam::control {

class Signals {
 public:
  using CurrentPolicy = std::function<std::shared_ptr<const Policy>()>;
  using Clock = std::function<uint64_t()>;  // monotonic, ns
  // Of a server whose bans are at an end, at most once a minute: which, and a sentence.
  using Report = std::function<void(const std::string&, const std::string&)>;
  // Somebody else who hears each that counts: of which server, and what.
  using Hear = std::function<void(const std::string&, const Signal&)>;

  // What slows a source in the service zones; false: it cannot be taken now.
  struct Slow {
    std::function<bool(const Network&, const SignalCharge&)> charge;
    std::function<SourceThrottles::Begun(const SourceThrottle&, uint64_t most)> throttle;
  };

  Signals(BanBook& book, CurrentPolicy policy, Clock clock, Report report = {}, Hear hear = {},
          Slow slow = {});

  struct Taken {
    size_t accepted = 0;
    size_t refused = 0;  // too many
    size_t banned = 0;
  };
  // Of a server that was recognised by other means: its name.
  Taken take(const std::string& server, const std::vector<Signal>& signals);
  // A datagram, of whom its sender's address tells.
  void take_line(const Address& sender, std::string_view datagram);
  // So many were lost before anybody saw them.
  void lost(uint64_t count);

  bool has_rules() const;
  std::optional<SocketAddress> listen_at() const;
  SignalTotals totals() const;

 private:
  struct Server {
    SignalCounts counts;
    uint64_t signals_tat_ns = 0;
    uint64_t bans_tat_ns = 0;
    uint64_t charges_tat_ns = 0;
    uint64_t told_ns = 0;
  };
  std::shared_ptr<const Policy> policy_now();
  std::string name_of(const Address& sender, const Policy& policy) const;
  Server& server_of(const std::string& name);
  bool take_one_of(const std::string& name, const Signal& signal, const Policy& policy,
                   size_t& banned);
  SignalEnd act(const std::string& name, Server& server, const SignalRule& rule,
                const Network& source, const Signal& signal, const Policy& policy);
  SignalEnd ban(const std::string& name, Server& server, const SignalRule& rule,
                const Network& source, const Signal& signal, const SignalCaps& most);
  SignalEnd slow(const std::string& name, Server& server, const SignalRule& rule,
                 const Network& source, const SignalCaps& most);
  SignalEnd throttle(const std::string& name, Server& server, const SignalRule& rule,
                     const Network& source, const SignalCaps& most);
  void tell_capped(const std::string& name, Server& server, const std::string& what,
                   const std::string& why);

  BanBook& book_;
  const CurrentPolicy policy_;
  const Clock clock_;
  const Report report_;
  const Hear hear_;
  const Slow slow_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> protected_by_;
  std::optional<ProtectedAddresses> protected_;  // by that policy
  std::vector<std::string> rules_;               // their names; counts are by their places
  std::map<std::string, Server> servers_;
  SignalTotals totals_;
};

}  // namespace dam::control
