// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/ban_list.h"

#include <algorithm>
#include <chrono>

#include "controlplane/api/ban_request.h"
#include "controlplane/bans/ban_lines.h"
#include "controlplane/bans/fingerprint_book.h"

namespace dam::control {

namespace {

constexpr auto kManyHold = std::chrono::seconds(20);
constexpr auto kKindsHold = std::chrono::seconds(3);

void export_line(Json whom, const BanTerms& ban, std::string& to) {
  if (ban.until_unix != BanTerms::kForEver) whom["until"] = ban.until_unix;
  if (!ban.reason.empty()) whom["reason"] = ban.reason;
  to += whom.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void post_import(BanBook& book, const Call& call, httplib::Response& response) {
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
  const bool kinds =
      std::any_of(bans.begin(), bans.end(), [](const auto& one) { return one.is_of_kind(); });
  const bool told = result.done() && book.wait_until_told(kManyHold) &&
                    (!kinds || book.fingerprints().wait_until_told(kKindsHold));
  answer_change(result, told, response);
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
