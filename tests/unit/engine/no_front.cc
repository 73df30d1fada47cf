// SPDX-License-Identifier: BSD-3-Clause
#include "tests/unit/engine/small_site.h"

namespace dam::test {

std::unique_ptr<Front> make_front(const EngineConfig& /*config*/) { return nullptr; }

}  // namespace dam::test
