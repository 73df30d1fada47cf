// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/signals/signal_totals.h"

namespace dam::control {

namespace {

struct NameAndText {
  const char* name;
  const char* text;
};
constexpr NameAndText kRefusals[] = {
#define X(name, text) {#name, text},
    DAM_SIGNAL_REFUSALS(X)
#undef X
};
constexpr NameAndText kEnds[] = {
#define X(name, text) {#name, text},
    DAM_SIGNAL_ENDS(X)
#undef X
};

template <size_t N>
std::string all_texts(const NameAndText (&list)[N]) {
  std::string text;
  for (const NameAndText& one : list) {
    text += (text.empty() ? "" : "; ") + std::string(one.name) + " (" + one.text + ")";
  }
  return text;
}

}  // namespace

const char* signal_refusal_name(SignalRefusal refusal) {
  return kRefusals[static_cast<size_t>(refusal)].name;
}
std::string signal_refusals_text() { return all_texts(kRefusals); }
const char* signal_end_name(SignalEnd end) { return kEnds[static_cast<size_t>(end)].name; }
std::string signal_ends_text() { return all_texts(kEnds); }

}  // namespace dam::control
