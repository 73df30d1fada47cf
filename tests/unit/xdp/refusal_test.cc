// SPDX-License-Identifier: BSD-3-Clause
// With the log of a program that this kernel's own verifier has refused.
#include "dataplane/drivers/xdp/refusal.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cerrno>

namespace dam {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Refused {
  int error = 0;
  std::string log;
};

// Reads the first octet of the frame without asking whether there is one.
Refused load_careless_program(size_t log_bytes) {
  const bpf_insn program[] = {
      {BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0},  // r2 = ctx->data
      {BPF_LDX | BPF_MEM | BPF_B, BPF_REG_0, BPF_REG_2, 0, 0},  // r0 = *r2
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  Refused refused;
  std::string log(log_bytes, '\0');
  LIBBPF_OPTS(bpf_prog_load_opts, options, .log_level = 1,
              .log_size = static_cast<uint32_t>(log.size()), .log_buf = log.data());
  const int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "careless", "GPL", program, 3, &options);
  refused.error = fd < 0 ? errno : 0;
  refused.log = log.c_str();
  return refused;
}

TEST(Refusal, tells_what_the_verifier_did_not_believe) {
  const Refused refused = load_careless_program(1 << 16);
  if (refused.error == EPERM && refused.log.empty()) GTEST_SKIP() << "loading programs takes root";
  ASSERT_EQ(refused.error, EACCES) << refused.log;
  const std::string text = explain_refusal(refused.error, refused.log, "6.1.0");
  EXPECT_TRUE(contains(
      text, "refuses the XDP program (Permission denied): R2 offset is outside of the packet."))
      << text;
  EXPECT_TRUE(contains(text, "this is 6.1.0: please report it")) << text;
  EXPECT_TRUE(contains(text, "\n  1: (71) r0 = *(u8 *)(r2 +0)")) << text;
  EXPECT_FALSE(contains(text, "CAP_BPF")) << text;
}

TEST(Refusal, of_an_old_kernel_names_the_one_that_is_needed) {
  for (const char* release : {"5.10.0-28-amd64", "6.0.12"}) {
    const std::string text = explain_refusal(EINVAL, "unknown func bpf_new#211\n", release);
    EXPECT_TRUE(contains(text, "unknown func bpf_new#211. Linux 6.1 or newer is needed")) << text;
    EXPECT_TRUE(contains(text, release)) << text;
  }
}

TEST(Refusal, names_the_line_of_the_source_that_was_in_hand) {
  const std::string log =
      "func#0 @0\n; int first = data[0];\n3: (71) r0 = *(u8 *)(r2 +0)\n"
      "invalid access to packet, off=0 size=1\nprocessed 4 insns (limit 1000000)\n";
  EXPECT_TRUE(contains(explain_refusal(EACCES, log, "6.6.1"),
                       ": invalid access to packet, off=0 size=1, at: int first = data[0];. "));
}

TEST(Refusal, without_a_log_is_about_rights_or_memory) {
  EXPECT_TRUE(contains(explain_refusal(EPERM, "", "6.6.1"), "CAP_BPF"));
  EXPECT_TRUE(contains(explain_refusal(ENOMEM, "", "6.6.1"), "limits"));
  EXPECT_TRUE(contains(explain_refusal(ENOSPC, "0: R1=ctx", "6.6.1"), "longer than the dam keeps"));
}

}  // namespace
}  // namespace dam
