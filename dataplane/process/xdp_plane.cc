// SPDX-License-Identifier: BSD-3-Clause
#include <linux/capability.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "dataplane/drivers/netdev/kernel_interface.h"
#include "dataplane/drivers/netdev/link_state.h"
#include "dataplane/drivers/netdev/offloads.h"
#include "dataplane/drivers/xdp/device_watch.h"
#include "dataplane/drivers/xdp/driver.h"
#include "dataplane/drivers/xdp/loop.h"
#include "dataplane/drivers/xdp/next_hops.h"
#include "dataplane/drivers/xdp/standing.h"
#include "dataplane/engine/standing_control.h"
#include "dataplane/process/clock.h"
#include "dataplane/process/own_ports.h"
#include "dataplane/process/plane.h"
#include "dataplane/process/privileges.h"
#include "dataplane/process/say.h"

namespace dam {
namespace {

// Where nothing outlives this process, and before anything is changed: whatever happens to it then,
// it is undone.
void tell_keeper(const StartConfig& config, Keeper& keeper) {
  const std::vector<uint32_t> unwanted = unwanted_offloads(config);
  keeper.changed_ports();
  for (size_t i = 0; i < config.devices.size(); ++i) {
    const std::string& device = config.devices[i].device;
    const uint32_t on = offloads_on(device, unwanted[i]);
    if (on != 0) keeper.changed_interface(device, {.offloads = on});
  }
}

std::vector<DeviceWatch::Device> watched(const XdpDriver& driver) {
  std::vector<DeviceWatch::Device> devices;
  for (const auto& device : driver.devices()) {
    DeviceWatch::Device one;
    one.name = device->name();
    one.ifindex = device->ifindex();
    one.unwanted_offloads = device->unwanted_offloads();
    devices.push_back(std::move(one));
  }
  return devices;
}

class XdpPlane : public Plane {
 public:
  XdpPlane(const StartConfig& config, const uint64_t hash_key[2], std::optional<Pins> pins,
           Keeper& keeper)
      : pinned_(pins.has_value()),
        driver_((pinned_ ? void() : tell_keeper(config, keeper), config), hash_key,
                std::move(pins)),
        next_hops_(driver_.xdp_interfaces()),
        watch_(watched(driver_)),
        own_ports_(pinned_, driver_.tables().own_ports().word) {
    for (const std::string& sentence : driver_.says()) say(sentence);
  }
  ~XdpPlane() override {
    XdpPlane::stop_workers();
    if (pinned_ && in_force_) {
      say("Standing connections go on in the kernel without this process; damctl detach ends "
          "them.");
    }
  }

  std::string name() const override { return driver_.name(); }
  uint64_t tsc_hz() const override { return 1'000'000'000; }  // the loop counts nanoseconds
  uint32_t counter_blocks() const override { return 2; }      // the engine's, and the kernel's
  void complete(EngineConfig& config) override {
    const auto interfaces = driver_.xdp_interfaces();
    for (size_t i = 0; i < interfaces.size(); ++i) config.interfaces[i].mac = interfaces[i].mac;
    config.shared = driver_.tables().engine_tables();
    kernel_counters_ = &config.counters->worker[1];
    if (driver_.tables().adopted()) adopt(config);
  }
  void start_workers(Engine& engine) override;
  void stop_workers() override {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  void prepare(const Policy& policy) override { driver_.tables().prepare_lists(policy); }
  void applied(const Policy& policy) override;
  void tick() override;
  PortSight look_at(uint32_t port) const override;
  void take_sights(const SightSink& sink) override { driver_.tables().take_sights(sink); }
  uint64_t sights_lost() override { return driver_.tables().sights_lost(); }
  void set_capture(const dam_capture& wanted) override { driver_.tables().set_capture(wanted); }
  std::string ended_by() const override {
    return watch_.came_back() ? "A device is back: the dataplane ends, to be started anew with it."
                              : "";
  }
  // For next hops, and for lists of addresses too large for the view.
  std::vector<uint32_t> capabilities() const override { return {CAP_NET_ADMIN, CAP_BPF}; }

 private:
  void adopt(EngineConfig& config);
  void share_secrets();

  bool pinned_;
  XdpDriver driver_;
  NextHops next_hops_;
  DeviceWatch watch_;
  OwnPorts own_ports_;
  uint64_t reserved_for_ = 0;  // version of the policy; bans come under the same
  Engine* engine_ = nullptr;
  dam_worker_counters* kernel_counters_ = nullptr;
  uint32_t secret_generation_ = 0xffffffffu;
  bool in_force_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// What is hashed and promised stays so.
void XdpPlane::adopt(EngineConfig& config) {
  const dam_control& control = driver_.tables().control();
  std::copy_n(control.hash_key, 2, config.hash_key);
  config.standing = standing_of(driver_.tables(), monotonic_ns());
}

void XdpPlane::start_workers(Engine& engine) {
  engine_ = &engine;
  const auto interfaces = driver_.xdp_interfaces();
  for (size_t i = 0; i < interfaces.size(); ++i) {
    if (interfaces[i].host_ifindex != 0) engine.neighbours.leave_to_host(static_cast<uint16_t>(i));
  }
  thread_ = std::thread([this, &engine] {
    keep_only({});
    XdpLoop(driver_, engine, monotonic_ns).run(stop_);
  });
}

// The engine has it already: what climbs from now on finds the policy that sent it up.
void XdpPlane::applied(const Policy& policy) {
  KernelTables& tables = driver_.tables();
  dam_view& view = tables.draft();
  const Worker& worker = engine_->worker(0);
  fill_view(view, policy, *engine_, driver_.xdp_interfaces(), worker.client_window());
  fill_promises(view, worker.promises());
  tables.set_lists(policy, view);  // their memory is there already
  share_secrets();
  if (std::exchange(reserved_for_, policy.version) != policy.version) {
    const std::string ports =
        own_ports_.reserve({policy.source_ports.first, policy.source_ports.last});
    if (!ports.empty()) say(ports);
  }
  tables.beat(monotonic_ns());  // the loop goes on with it
  tables.publish_draft();
  if (!std::exchange(in_force_, true)) driver_.put_in_force();
  next_hops_.attend(engine_->neighbours);
}

PortSight XdpPlane::look_at(uint32_t port) const {
  const XdpDevice& device = *driver_.devices()[port];
  return {.device = device.name(),
          .link = link_of(device.name()),
          .mtu = inspect_interface(device.name()).mtu,
          .queues = device.queues(),
          .steering = DAM_STEERING_kernel};
}

void XdpPlane::share_secrets() {
  if (secret_generation_ == engine_->secret_generation()) return;
  secret_generation_ = engine_->secret_generation();
  set_secrets(driver_.tables().control(), engine_->secrets());
}

void XdpPlane::tick() {
  if (engine_ == nullptr) return;
  for (const std::string& sentence : watch_.attend()) say(sentence);
  driver_.tables().collect(*kernel_counters_);
  share_secrets();
  if (driver_.tables().control().active == DAM_NO_VIEW) return;
  fill_promises(driver_.tables().view(), engine_->worker(0).promises());
  next_hops_.attend(engine_->neighbours);
}

}  // namespace

std::unique_ptr<Plane> open_xdp(const StartConfig& config, const uint64_t hash_key[2],
                                const std::string& pins_folder, Keeper& keeper) {
  const std::string why_not = why_not_pinned(pins_folder);
  if (config.xdp_beside_others && !why_not.empty()) {
    throw std::runtime_error("xdp.beside_others: libxdp's dispatcher needs a bpffs, and " +
                             why_not);
  }
  std::optional<Pins> pins;
  if (why_not.empty()) {
    pins.emplace(pins_folder);
  } else {
    say("WARNING: Connections will end with this process: " + why_not);
  }
  try {
    return std::make_unique<XdpPlane>(config, hash_key, std::move(pins), keeper);
  } catch (...) {  // what was begun on the devices is undone; what stood before goes on
    if (why_not.empty()) undo_unless_standing(pins_folder);
    throw;
  }
}

}  // namespace dam
