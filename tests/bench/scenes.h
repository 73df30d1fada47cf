// SPDX-License-Identifier: BSD-3-Clause
// What each benchmark sends, and how it knows that the engine did what the benchmark claims.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/world.h"

namespace dam::bench {

struct Scene {
  std::string name;
  std::shared_ptr<const Policy> policy;
  uint32_t frames = 0;  // of one ring: what is timed at a stretch
  uint32_t units = 0;   // what a ring counts as: its frames, or its ClientHellos
  std::function<void(World&, std::span<Frame>)> fill;
  // Not timed: looks at what came of the ring and puts the world back. Gives what was wrong.
  std::function<std::string(World&)> settle;
};

// `world` gives the policies their sizes.
Scene splice(const World& world);
Scene splice_requests(const World& world);
Scene syn_cookie(const World& world);
Scene banned(const World& world);  // its policy has a million denied prefixes
Scene over_bucket(const World& world);
std::vector<Scene> make_scenes(const World& world);  // all, and those that open connections

}  // namespace dam::bench
