// SPDX-License-Identifier: BSD-3-Clause
#include <linux/capability.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "dataplane/drivers/xdp/driver.h"
#include "dataplane/drivers/xdp/loop.h"
#include "dataplane/drivers/xdp/next_hops.h"
#include "dataplane/process/plane.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

class XdpPlane : public Plane {
 public:
  XdpPlane(const StartConfig& config, const uint64_t hash_key[2], Keeper& keeper)
      : driver_(config, hash_key), next_hops_(driver_.xdp_interfaces()) {
    for (const auto& device : driver_.devices()) {
      if (device->gro_was_on()) keeper.changed_interface(device->name(), {.gro = true});
    }
    for (const std::string& sentence : driver_.says()) say(sentence);
  }
  ~XdpPlane() override { XdpPlane::stop_workers(); }

  std::string name() const override { return driver_.name(); }
  uint64_t tsc_hz() const override { return 1'000'000'000; }  // the loop counts nanoseconds
  uint32_t counter_blocks() const override { return 2; }      // the engine's, and the kernel's
  void complete(EngineConfig& config) override {
    for (Interface& one : config.interfaces) one.mac = driver_.devices()[one.port]->mac();
    config.shared = driver_.tables().engine_tables();
    kernel_counters_ = &config.counters->worker[1];
  }
  void start_workers(Engine& engine) override;
  void stop_workers() override {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  void applied(const Policy& policy) override;
  void tick() override;
  // For next hops, and for lists of addresses too large for the view.
  std::vector<uint32_t> capabilities() const override { return {CAP_NET_ADMIN, CAP_BPF}; }

 private:
  void share_secrets();

  XdpDriver driver_;
  NextHops next_hops_;
  Engine* engine_ = nullptr;
  dam_worker_counters* kernel_counters_ = nullptr;
  uint32_t secret_generation_ = 0xffffffffu;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

void XdpPlane::start_workers(Engine& engine) {
  engine_ = &engine;
  engine.neighbours.leave_to_host();
  thread_ = std::thread([this, &engine] {
    keep_only({});
    XdpLoop(driver_, engine).run(stop_);
  });
}

// The engine has it already: what climbs from now on finds the policy that sent it up.
void XdpPlane::applied(const Policy& policy) {
  KernelTables& tables = driver_.tables();
  dam_view& view = tables.draft();
  const Worker& worker = engine_->worker(0);
  fill_view(view, policy, *engine_, driver_.xdp_interfaces(), worker.client_window());
  fill_promises(view, worker.promises());
  tables.set_prefixes(DAM_ALLOW, policy.allow, view);
  tables.set_prefixes(DAM_DENY, policy.deny, view);
  share_secrets();
  tables.publish_draft();
  next_hops_.attend(engine_->neighbours);
}

void XdpPlane::share_secrets() {
  if (secret_generation_ == engine_->secret_generation()) return;
  secret_generation_ = engine_->secret_generation();
  driver_.tables().set_secrets(engine_->secrets());
}

void XdpPlane::tick() {
  if (engine_ == nullptr) return;
  driver_.tables().collect(*kernel_counters_);
  share_secrets();
  if (driver_.tables().control().active == DAM_NO_VIEW) return;
  fill_promises(driver_.tables().view(), engine_->worker(0).promises());
  next_hops_.attend(engine_->neighbours);
}

}  // namespace

std::unique_ptr<Plane> open_xdp(const StartConfig& config, const uint64_t hash_key[2],
                                Keeper& keeper) {
  return std::make_unique<XdpPlane>(config, hash_key, keeper);
}

}  // namespace dam
