// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/drivers/netdev/netdev_family.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include <array>
#include <memory>

#include "dataplane/drivers/netdev/attributes.h"

namespace dam {
namespace {

// linux/netdev.h
enum : uint8_t { kDevGet = 1 };
enum : uint16_t { kIfindex = 1, kXdpFeatures = 3 };

struct CloseGeneric {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseGeneric>;

struct Wanted {
  uint16_t attribute;
  std::optional<uint64_t> value;
};

int take_attribute(const nlmsghdr* message, void* data) {
  auto& wanted = *static_cast<Wanted*>(data);
  const nlattr* found = find_attribute(message, sizeof(genlmsghdr), wanted.attribute);
  if (found == nullptr) return MNL_CB_OK;
  wanted.value = mnl_attr_get_payload_len(found) == sizeof(uint16_t) ? mnl_attr_get_u16(found)
                                                                     : mnl_attr_get_u64(found);
  return MNL_CB_OK;
}

struct Question {
  alignas(nlmsghdr) std::array<char, 8192> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());

  Question(uint16_t family, uint8_t command) {
    message->nlmsg_type = family;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* header =
        static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr)));
    header->cmd = command;
    header->version = 1;
  }
};

std::optional<uint64_t> ask(mnl_socket* socket, Question& question, uint16_t attribute) {
  Wanted wanted{attribute, std::nullopt};
  if (mnl_socket_sendto(socket, question.message, question.message->nlmsg_len) < 0) return {};
  for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
    const ssize_t got = mnl_socket_recvfrom(socket, question.buffer.data(), question.buffer.size());
    if (got < 0) return {};
    more = mnl_cb_run(question.buffer.data(), static_cast<size_t>(got), 0,
                      mnl_socket_get_portid(socket), take_attribute, &wanted);
    if (more < 0) return {};
  }
  return wanted.value;
}

}  // namespace

std::optional<uint64_t> xdp_features_of(uint32_t ifindex) {
  const Socket socket(mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC));
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return {};
  Question family(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
  mnl_attr_put_strz(family.message, CTRL_ATTR_FAMILY_NAME, "netdev");
  const auto id = ask(socket.get(), family, CTRL_ATTR_FAMILY_ID);
  if (!id) return {};
  Question device(static_cast<uint16_t>(*id), kDevGet);
  mnl_attr_put_u32(device.message, kIfindex, ifindex);
  return ask(socket.get(), device, kXdpFeatures);
}

}  // namespace dam
