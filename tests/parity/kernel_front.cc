// SPDX-License-Identifier: BSD-3-Clause
// The engine's tests once more, with the kernel's plane before the engine: each frame runs through
// the XDP program, in the kernel, by BPF_PROG_TEST_RUN; what climbs goes to the engine. Both work
// on the same tables, and every expectation of the tests must hold as it stands.
#include <bpf/bpf.h>

#include <cstring>
#include <map>
#include <stdexcept>
#include <tuple>

#include "dataplane/drivers/xdp/kernel_tables.h"
#include "dataplane/drivers/xdp/view.h"
#include "dataplane/engine/standing_control.h"
#include "dataplane/engine/worker.h"
#include "tests/unit/engine/small_site.h"

namespace dam::test {
namespace {

constexpr uint32_t kFirstIfindex = 100;  // the program's answers are looked at, not carried out

// The verifier takes half a second: programs with tables of one size serve many tests.
using Sizes = std::tuple<uint32_t, uint32_t, uint32_t>;
KernelTables& tables_for(const EngineConfig& config) {
  static std::map<Sizes, std::unique_ptr<KernelTables>> loaded;
  const Limits& limits = config.limits;
  auto& tables = loaded[Sizes(limits.flows, limits.half_open, limits.sources)];
  if (tables == nullptr) {
    tables = std::make_unique<KernelTables>(limits, config.hash_key, KernelTables::Use::under_test);
  }
  tables->forget();
  return *tables;
}

class KernelFront : public Front {
 public:
  explicit KernelFront(const EngineConfig& config) : tables_(tables_for(config)) {
    dam_worker_counters before{};
    tables_.collect(before);
    for (size_t i = 0; i < config.interfaces.size(); ++i) {
      const auto ifindex = static_cast<uint32_t>(kFirstIfindex + i);
      interfaces_.push_back({ifindex, static_cast<uint8_t>(i), ifindex, {}});
    }
  }

  SharedTables tables() const override { return tables_.engine_tables(); }

  void applied(const Policy& policy, const Engine& engine) override {
    dam_view& view = tables_.draft();
    fill_view(view, policy, engine, interfaces_, 0);
    tables_.set_lists(policy, view);
    tables_.publish_draft();
  }

  void take_sights(const SightSink& sink) override { tables_.take_sights(sink); }
  void set_capture(const dam_capture& wanted) override { tables_.set_capture(wanted); }

  Verdict handle(uint8_t& port, std::vector<uint8_t>& frame, Engine& engine, uint64_t now_ns,
                 dam_worker_counters& counters) override {
    refresh(engine);
    tables_.control().now_ns = now_ns;
    if (engine_lives) tables_.beat(now_ns);
    tables_.control().ingress_ifindex = kFirstIfindex + port;
    const uint64_t climbed = tables_.climbed();
    const int verdict = run(frame);
    tables_.collect(counters);
    if (tables_.climbed() != climbed) return Verdict::engine;
    if (verdict == XDP_DROP) return Verdict::dropped;
    if (verdict == XDP_PASS) return Verdict::host;
    if (verdict == XDP_TX || verdict == XDP_REDIRECT) {
      port = static_cast<uint8_t>(tables_.take_out_ifindex() - kFirstIfindex);
      return Verdict::sent;
    }
    throw std::runtime_error("verdict " + std::to_string(verdict));
  }

 private:
  // What may change while a policy is in force.
  void refresh(Engine& engine) {
    if (secret_generation_ != engine.secret_generation()) {
      secret_generation_ = engine.secret_generation();
      set_secrets(tables_.control(), engine.secrets());
    }
    dam_view& view = tables_.view();
    view.client_window = engine.worker(0).client_window();
    fill_promises(view, engine.worker(0).promises());
  }

  int run(std::vector<uint8_t>& frame) {
    std::vector<uint8_t> out(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                .data_size_in = static_cast<uint32_t>(frame.size()),
                .data_size_out = static_cast<uint32_t>(out.size()));
    if (bpf_prog_test_run_opts(tables_.program_fd(), &options) != 0) {
      throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
    }
    out.resize(options.data_size_out);
    frame = std::move(out);
    return static_cast<int>(options.retval);
  }

  KernelTables& tables_;
  std::vector<XdpInterface> interfaces_;
  uint32_t secret_generation_ = 0xffffffffu;
};

}  // namespace

std::unique_ptr<Front> make_front(const EngineConfig& config) {
  return std::make_unique<KernelFront>(config);
}

}  // namespace dam::test
