// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/ban_json.h"

namespace dam::control {

namespace {

// What all bans have, behind whom it is of.
Json with_terms(Json json, const BanTerms& ban) {
  json["made"] = ban.made_unix;
  if (ban.until_unix != BanTerms::kForEver) json["until"] = ban.until_unix;
  json["times"] = ban.times;
  json["reason"] = ban.reason;
  json["origin"] = ban.origin;
  json["author"] = ban.author;
  return json;
}

}  // namespace

Json ban_json(const KeptBan& ban) {
  Json json = with_terms({{"source", ban.source.text()}}, ban);
  json["by_zone"] = ban.of_zone;
  json["in_services"] = ban.in_services;
  return json;
}

Json fingerprint_ban_json(const FingerprintBan& ban) { return with_terms({{"ja4", ban.ja4}}, ban); }

Json ban_schema() {
  return schema::object(
      {{"source", schema::string("address/prefix")},
       {"made", schema::count("Unix time, s")},
       {"until?", schema::count("Unix time, s; absent: for ever")},
       {"times", schema::count("how often it was banned, one soon after another")},
       {"reason", schema::string()},
       {"origin", schema::string("operator, import, a zone, or a rule of the signals")},
       {"author", schema::string()},
       {"by_zone", schema::boolean("in this zone alone, by itself")},
       {"in_services", schema::boolean("in the service zones alone, not in management's")}});
}

Json fingerprint_ban_schema() {
  return schema::object(
      {{"ja4", schema::string("a fingerprint, of which parts may be *; in service zones alone")},
       {"made", schema::count("Unix time, s")},
       {"until?", schema::count("Unix time, s; absent: for ever")},
       {"times", schema::count("how often it was banned, one soon after another")},
       {"reason", schema::string()},
       {"origin", schema::string("operator or import")},
       {"author", schema::string()}});
}

}  // namespace dam::control
