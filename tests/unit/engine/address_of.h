// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>

#include "dataplane/core/types.h"

namespace dam {

inline dam_address address_of(const std::string& text) {
  dam_address address{};
  uint32_t v4 = 0;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return dam_address_v4(v4);
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &address), 1) << text;
  return address;
}

}  // namespace dam
