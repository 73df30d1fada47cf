// SPDX-License-Identifier: BSD-3-Clause
// dam-controlplane: reads dam.yaml, keeps the dataplane at it, answers the API and /metrics.
// This file is the list of its parts.
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <string>

#include "controlplane/api/door.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/http_server.h"
#include "controlplane/api/https.h"
#include "controlplane/bans/ban_sync.h"
#include "controlplane/dataplane_link/counters_reader.h"
#include "controlplane/dataplane_link/dataplane_link.h"
#include "controlplane/events/watcher.h"
#include "controlplane/health/servers.h"
#include "controlplane/logs/log_feed.h"
#include "controlplane/lookalikes/lookalikes.h"
#include "controlplane/metrics/counters_collector.h"
#include "controlplane/service_manager.h"
#include "controlplane/signals/signal_listener.h"
#include "controlplane/signals/signals.h"
#include "controlplane/signals/source_charges.h"
#include "controlplane/state/running_policy.h"

namespace {

using namespace dam::control;

struct Options {
  std::string config = "/etc/dam/dam.yaml";
  std::string dataplane_socket = "/run/dam/dataplane.sock";
  std::string counters;
  std::string api_socket = "/run/dam/api/control.sock";
  std::string state = "/var/lib/dam/policy.db";
  std::string metrics_address = "127.0.0.1:9415";
  bool metrics_public = false;
  std::string https_address = "none";
  bool https_public = false;
  std::string tls = "/etc/dam/tls";
  std::string web = "/usr/share/dam/web";
  std::string lookalikes_database = "/etc/dam/lookalikes.database";
  LogPlaces logs;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--config", options.config, "the policy")->capture_default_str();
  app.add_option("--dataplane-socket", options.dataplane_socket, "where dam-dataplane listens")
      ->capture_default_str();
  app.add_option("--counters", options.counters,
                 "the dataplane's counters file (default: what the dataplane says)");
  app.add_option("--api-socket", options.api_socket, "where damctl finds this program")
      ->capture_default_str();
  app.add_option("--state", options.state, "where policies are kept; none: in memory alone")
      ->capture_default_str();
  app.add_option("--metrics-address", options.metrics_address, "ADDRESS:PORT of /metrics, or none")
      ->capture_default_str();
  app.add_flag("--metrics-public", options.metrics_public,
               "allow a --metrics-address that the internet can reach");
  app.add_option("--https-address", options.https_address,
                 "ADDRESS:PORT of the API for those who come from afar, or none")
      ->capture_default_str();
  app.add_flag("--https-public", options.https_public,
               "allow an --https-address that the internet can reach");
  app.add_option("--log-folder", options.logs.folder,
                 "where the files of the policy's logs lie: it must be there")
      ->capture_default_str();
  app.add_option("--loki-netrc", options.logs.loki_netrc,
                 "a .netrc: user and password by Loki's host, told it over https alone");
  app.add_option("--loki-ca", options.logs.loki_ca,
                 "certificates (PEM) that Loki's must be signed by (default: the system's)");
  app.add_option("--lookalikes-database", options.lookalikes_database,
                 "a file that others may not read: how to reach the look-alikes' PostgreSQL, in "
                 "libpq's keywords (host=… dbname=… user=… password=…)")
      ->capture_default_str();
  app.add_option("--tls", options.tls, "the folder of its certificates: damctl enroll makes them")
      ->capture_default_str();
  app.add_option("--web", options.web, "the folder of the live page's files")
      ->capture_default_str();
}

// Says how a change of the policy went; false when it is not in force and will not be.
bool report(const ChangeResult& result) {
  for (const Problem& problem : result.problems) {
    if (problem.severity == Severity::error) {
      spdlog::error("{}", problem.text());
    } else {
      spdlog::warn("{}", problem.text());
    }
  }
  if (result.restart_needed) {
    spdlog::warn("interfaces, limits or workers have changed: restart dam-dataplane to use them");
  }
  return result.in_force();
}

// Another file in the same folder; "none" stays none.
std::string beside(const std::string& state, const char* name) {
  return state == "none" ? state : (std::filesystem::absolute(state).parent_path() / name).string();
}

// A disk that is full, or not there, must not keep anybody from steering.
template <class Store>
std::unique_ptr<Store> open_store(const std::string& file, const char* what) {
  if (file != "none") {
    try {
      return std::make_unique<Store>(std::filesystem::absolute(file));
    } catch (const std::exception& error) {
      spdlog::error("{} are kept in memory alone: {}", what, error.what());
    }
  }
  return std::make_unique<Store>(Store::kInMemory);
}

// The dataplane's own probes reach the server.
bool probed(const std::unique_ptr<dam_counters>& counters, const std::string& server) {
  const int slot = counters ? server_slot(*counters, server) : -1;
  return slot >= 0 && counters->servers[slot].up == 1;
}

// Beside the policies. In memory, nobody from afar is known: that is the safe side.
std::unique_ptr<Trust> open_trust(const std::string& state) {
  if (state != "none") {
    try {
      return std::make_unique<Trust>(std::filesystem::absolute(state).parent_path() / "access.db");
    } catch (const std::exception& error) {
      spdlog::error("clients, tokens and the audit log are kept in memory alone: {}", error.what());
    }
  }
  return std::make_unique<Trust>(StateFile::kInMemory);
}

void log_tls(bool warning, const std::string& text) {
  spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "{}", text);
}

// Beside the policies.
std::unique_ptr<BanStore> open_bans(const std::string& file) {
  if (file != "none") {
    try {
      return std::make_unique<BanStore>(std::filesystem::absolute(file).parent_path() / "bans.db");
    } catch (const std::exception& error) {
      spdlog::error("bans are kept in memory alone: {}", error.what());
    }
  }
  return std::make_unique<BanStore>(BanStore::kInMemory);
}

std::shared_ptr<const Policy> policy_of(const RunningPolicy& policy) {
  const auto running = policy.current();
  return running ? running->policy : nullptr;
}

struct BanParts {
  BanParts(const std::string& state, RunningPolicy& policy, EventLog& events, DataplaneLink& link)
      : store(open_bans(state)),
        book(
            *store, [&policy] { return policy_of(policy); },
            [] { return static_cast<int64_t>(std::time(nullptr)); },
            [&events](const std::string& subject, uint64_t count, const std::string& text) {
              events.add({EventKind::ban, subject, "", count, text});
            },
            store->remembers()),
        sync(book, link, [](const std::string& text) { spdlog::info("{}", text); }) {}

  const std::unique_ptr<BanStore> store;
  BanBook book;
  const BanSync sync;
};

uint64_t monotonic_ns() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

SignalListener::Ends ends_of(Signals& signals) {
  return {[&signals] { return signals.listen_at(); },
          [&signals](const Address& sender, std::string_view datagram) {
            signals.take_line(sender, datagram);
          },
          [&signals](uint64_t count) { signals.lost(count); },
          [](const std::string& sentence) { spdlog::info("{}", sentence); }};
}

void reload(RunningPolicy& policy) {
  const bool done = report(policy.load_config());
  if (done) spdlog::info("read {} again", policy.config().string());
  if (!done) spdlog::error("{} is refused: the policy before it stays", policy.config().string());
}

Scene scene_of(Sight sight) {
  Scene scene;
  scene.connected = sight.link.connected;
  scene.trouble = sight.link.trouble;
  scene.counters = std::move(sight.counters);
  if (!sight.running) return scene;
  scene.version = sight.running->version.number;
  scene.author = sight.running->version.author;
  scene.comment = sight.running->version.comment;
  scene.unconfirmed = sight.running->unconfirmed.has_value();
  return scene;
}

// Blocked in every thread, so that they arrive in wait_for_signals() alone.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

void wait_for_signals(const sigset_t& set, ServiceManager& service, RunningPolicy& policy,
                      Https* https) {
  int number = 0;
  do {
    const timespec left = service.until_asked();
    number = sigtimedwait(&set, nullptr, &left);
    service.answer_when_asked();
    if (number != SIGHUP) continue;
    ServiceManager::reloading();
    if (https != nullptr) https->reload();
    reload(policy);
    ServiceManager::ready("Serving.");
  } while (number < 0 || number == SIGHUP);
}

int run(const Options& options) {
  const sigset_t process_signals = block_signals();
  DataplaneLink link(options.dataplane_socket, [](const std::string& s) { spdlog::info("{}", s); });
  EventLog events;
  const std::unique_ptr<PolicyStore> store = open_store<PolicyStore>(options.state, "policies");
  const auto words =
      open_store<ServerStore>(beside(options.state, "servers.db"), "the servers' states");
  const auto counters = [&] {
    return read_counters(options.counters.empty() ? link.state().counters_path : options.counters);
  };
  Servers servers(*words,
                  {[&link](auto states) { return link.deliver(std::move(states)); },
                   [&counters](const std::string& name) { return probed(counters(), name); },
                   [&events](const std::string& name, const std::string& sentence) {
                     spdlog::warn("{}", sentence);
                     events.add({EventKind::server, name, "", 1, sentence});
                   },
                   words->remembers()});
  RunningPolicy policy(
      std::filesystem::absolute(options.config), *store,
      [&](auto wanted) {
        return servers.put_in_force(std::move(wanted),
                                    [&link](auto one) { return link.deliver(std::move(one)); });
      },
      [](const ChangeResult& result) {
        spdlog::warn("a policy was not confirmed in time");
        if (report(result))
          spdlog::warn("what ran before is in force again, as version {}", result.version);
      },
      [&servers](const Policy& wanted) { return servers.objections(wanted); });
  if (!report(policy.begin())) {
    spdlog::error("not started: `damctl check -f {}` shows the same in full", options.config);
    return 1;
  }
  BanParts bans(options.state, policy, events, link);
  const auto ask = [&link](const dam::v1::Request& request, std::string& wrong) {
    return link.ask(request, std::chrono::seconds(3), wrong);
  };
  Lookalikes lookalikes(options.lookalikes_database,
                        {[&policy] { return policy_of(policy); }, ask,
                         [&events](bool well, const std::string& sentence) {
                           spdlog::log(well ? spdlog::level::info : spdlog::level::warn, "{}",
                                       sentence);
                           events.add({EventKind::server, "lookalikes", "", 1, sentence});
                         }});
  SourceCharges charges(ask, monotonic_ns, [&policy] { return policy_of(policy); });
  Signals signals(
      bans.book, [&policy] { return policy_of(policy); }, monotonic_ns,
      [&events](const std::string& server, const std::string& sentence) {
        spdlog::warn("{}", sentence);
        events.add({EventKind::ban, server, "capped", 1, sentence});
      },
      [&lookalikes](const std::string& server, const Signal& signal) {
        lookalikes.take(server, signal);
      },
      {[&charges](const Network& source, const SignalCharge& charge) {
         return charges.add(source, charge);
       },
       [&charges](const SourceThrottle& wanted, uint64_t most) {
         return charges.throttle(wanted, most);
       }});
  const SignalListener signal_listener(ends_of(signals));
  Logs logs(sinks_in(options.logs, [](const std::string& s) { spdlog::warn("{}", s); }));
  const CountersCollector collector(
      {counters, [&link] { return link.state(); }, [&servers] { return servers.look(); },
       [&] { return bans.book.counts(link.state().bans_version); },
       [&policy] { return policy_of(policy); }, [&logs] { return logs.counts(); },
       [&] {
         SignalTotals totals = signals.totals();
         totals.throttled = charges.throttled();
         return totals;
       },
       [&lookalikes] { return lookalikes.counts(); }});
  const std::unique_ptr<Trust> trust = open_trust(options.state);
  Captures captures(ask);
  std::unique_ptr<Https> https;
  const auto metrics = [&] { return collector.text() + (https ? https->metrics_text() : ""); };
  const auto look = [&] {
    return Sight{policy.current(),
                 link.state(),
                 counters(),
                 policy.config().string(),
                 https ? https->view() : Json(),
                 servers.look()};
  };

  const ApiParts parts{policy,
                       look,
                       metrics,
                       events,
                       *trust,
                       servers,
                       bans.book,
                       ask,
                       captures,
                       signals,
                       lookalikes,
                       options.web,
                       [&charges](const Address& source) { return charges.throttle_of(source); },
                       [&charges](const Network& source) { return charges.lift(source); }};
  if (options.https_address != "none") {
    https = std::make_unique<Https>(options.tls, all_endpoints(parts), *trust, log_tls);
  }
  const Watcher watcher(events, [&] {
    Scene scene = scene_of(look());
    scene.ended_bans = bans.book.ended();
    return scene;
  });
  const auto ask_for_log = [&ask](const dam::v1::Request& request) {
    std::string untold;  // the link says what is wrong with it
    return ask(request, untold);
  };
  const LogFeed log_feed(logs, events, ask_for_log, [&policy] { return policy_of(policy); },
                         {[&lookalikes] { return lookalikes.wants_log(); },
                          [&lookalikes](const dam::v1::Log& log) { lookalikes.take(log); }});
  HttpServer api([&](httplib::Server& s) {
    serve(s, all_endpoints(parts), socket_caller, refusals_to(trust->audit));
  });
  HttpServer scraped([&](httplib::Server& s) { serve(s, scraped_endpoints(parts), scraper); });
  std::string wrong = api.serve_unix(options.api_socket);
  if (wrong.empty() && options.metrics_address != "none") {
    wrong = scraped.serve_tcp(options.metrics_address, options.metrics_public, "--metrics-public");
  }
  if (wrong.empty() && https) wrong = https->serve(options.https_address, options.https_public);
  if (!wrong.empty()) {
    spdlog::error("{}", wrong);
    return 1;
  }
  spdlog::info("serving the API at {} and {}, /metrics at {}", options.api_socket,
               https ? "https://" + options.https_address : "no address", options.metrics_address);
  ServiceManager::ready("Serving.");
  ServiceManager service(options.api_socket);
  wait_for_signals(process_signals, service, policy, https.get());
  ServiceManager::stopping();
  events.close();  // those who listen must not keep the servers from ending
  captures.close();
  spdlog::info("stopped; the dataplane goes on with its policy");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("The control plane of Traffic Dam.", "dam-controlplane");
  app.set_version_flag("--version", "dam-controlplane " DAM_PROGRAM_VERSION);
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("dam"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  return run(options);
}
