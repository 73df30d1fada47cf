// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/api/ban_json.h"

namespace dam::control {

Json ban_json(const KeptBan& ban) {
  Json json = {{"source", ban.source.text()}, {"made", ban.made_unix}};
  if (ban.until_unix != KeptBan::kForEver) json["until"] = ban.until_unix;
  json["times"] = ban.times;
  json["reason"] = ban.reason;
  json["origin"] = ban.origin;
  json["author"] = ban.author;
  json["by_zone"] = ban.of_zone;
  json["in_services"] = ban.in_services;
  return json;
}

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

}  // namespace dam::control
