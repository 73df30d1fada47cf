// SPDX-License-Identifier: BSD-3-Clause
// The attributes of netlink messages. libmnl's own loops are C alone.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>

namespace dam {

struct AttributeSearch {
  uint16_t type;
  const nlattr* found = nullptr;

  static int look(const nlattr* attribute, void* search) {
    auto& self = *static_cast<AttributeSearch*>(search);
    if (mnl_attr_get_type(attribute) == self.type) self.found = attribute;
    return MNL_CB_OK;
  }
};

// Behind a message's header of that size; null: there is none.
inline const nlattr* find_attribute(const nlmsghdr* message, size_t header_bytes, uint16_t type) {
  AttributeSearch search{type};
  mnl_attr_parse(message, static_cast<unsigned>(header_bytes), AttributeSearch::look, &search);
  return search.found;
}
inline const nlattr* find_nested(const nlattr* nest, uint16_t type) {
  AttributeSearch search{type};
  mnl_attr_parse_nested(nest, AttributeSearch::look, &search);
  return search.found;
}

}  // namespace dam
