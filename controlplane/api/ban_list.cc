// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/ban_list.h"

#include <chrono>
#include <ctime>
#include <set>

#include "controlplane/api/ban_request.h"
#include "controlplane/api/fingerprint_bans.h"
#include "controlplane/bans/ban_lines.h"
#include "controlplane/bans/fingerprint_book.h"

namespace dam::control {

namespace {

constexpr auto kManyHold = std::chrono::seconds(20);

// What of a list is still to come: whether there are sources, and the kinds.
struct Listed {
  bool sources = false;
  std::set<std::string> kinds;
};

Listed listed(const std::vector<BanRequest>& bans) {
  Listed all;
  const int64_t now_unix = std::time(nullptr);
  for (const BanRequest& one : bans) {
    if (one.is_over(now_unix)) continue;
    if (one.is_of_kind()) {
      all.kinds.insert(one.ja4);
    } else {
      all.sources = true;
    }
  }
  return all;
}

void export_line(Json whom, const BanTerms& ban, std::string& to) {
  if (ban.until_unix != BanTerms::kForEver) whom["until"] = ban.until_unix;
  if (!ban.reason.empty()) whom["reason"] = ban.reason;
  to += whom.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void post_import(BanBook& book, const Ask& ask, const Call& call, httplib::Response& response) {
  BanRequest otherwise;
  if (!read_ban_end(call.parameters, otherwise, response)) return;
  if (!read_ban_reason(call.parameters, otherwise, response)) return;
  Objections wrong;
  const std::vector<BanRequest> bans = read_ban_lines(call.request.body, otherwise, wrong);
  Asker asker = asker_of(call, "import");
  asker.force = call.parameter("force", false);
  BanResult result = book.ban(bans, asker, std::move(wrong));
  result.bans.clear();
  result.fingerprint.reset();
  if (!result.done()) return answer_change(result, false, response);
  const Listed all = listed(bans);
  FingerprintBook& kinds = book.fingerprints();
  warn_of_common(kinds, ask, all.kinds, result.problems);
  const bool kinds_told = all.kinds.empty() || kinds_are_told(kinds, result.problems);
  const bool told = !all.sources || book.wait_until_told(kManyHold);
  answer_change(result, told && kinds_told, response);
}

void get_export(BanBook& book, const Call&, httplib::Response& response) {
  BanBook::Query query;
  query.count = SIZE_MAX;
  std::string text;
  for (const KeptBan& ban : book.list(query).bans) {
    if (ban.everywhere()) export_line({{"source", ban.source.text()}}, ban, text);
  }
  for (const FingerprintBan& ban : book.fingerprints().list()) {
    export_line({{"ja4", ban.ja4}}, ban, text);
  }
  response.set_content(text, "application/x-ndjson");
}

}  // namespace dam::control
