// SPDX-License-Identifier: BSD-3-Clause
// GET: what is. The schemas of views.cc's answers.
#include "controlplane/api/change_request.h"
#include "controlplane/api/endpoints.h"
#include "controlplane/api/https.h"
#include "controlplane/dataplane_link/interface_fields.h"

namespace dam::control {

namespace {

using namespace schema;

Json changes_schema() {
  return array(object({{"zone", string()}, {"key", string()}, {"value", string()}}),
               "changes made since, one by one; not in the text");
}

Json fill_schema() { return object({{"used", count()}, {"capacity", count()}}); }

Json interface_schema() {
  Fields fields = {{"name", string("in dam.yaml")},
                   {"device", string()},
                   {"vlan", count("0: untagged")},
                   {"steering", one_of(steering_names(), steering_texts())}};
  for (const InterfaceField& field : interface_fields()) {
    fields.emplace_back(field.name, field.flag ? boolean(field.text) : count(field.text));
  }
  return object(fields);
}

Json status_schema() {
  const Json dataplane =
      object({{"connected", boolean()},
              {"started", boolean("its ports are open")},
              {"driver", string()},
              {"driver_reason", string("why, with driver: auto")},
              {"policy_version", count("the dataplane's own count; 0: none")},
              {"restart_needed", boolean()},
              {"trouble", string("what keeps it from the policy; empty: nothing")},
              {"start_unix?", integer(0, INT64_MAX, "s")},
              {"heartbeat_age_ms?", count()}});
  const Json policy = object({{"config", string("the file's path")},
                              {"loaded", boolean()},
                              {"version?", count()},
                              {"author?", string()},
                              {"applied_at?", integer(0, INT64_MAX, "Unix time, s")},
                              {"changes?", changes_schema()},
                              {"confirm_until?", integer(0, INT64_MAX, "Unix time, s")}});
  const Json worker = object({{"rx_packets", count()},
                              {"tx_packets", count()},
                              {"busy_cycles", count()},
                              {"idle_cycles", count()},
                              {"busy_share", number("of its time, 0 to 1")},
                              {"name", string()}});
  return object({{"dataplane", dataplane},
                 {"sampled_at", number("s, of a clock that only counts up")},
                 {"policy", policy},
                 {"https?", Https::view_schema()},
                 {"interfaces?", array(interface_schema(), "as they are now")},
                 {"tables?", map_of(fill_schema(), "bounded tables, by name")},
                 {"workers?", array(worker)}});
}

Json buckets_schema() {
  return object({{"packets", string()},
                 {"bytes_up", string()},
                 {"bytes_down", string()},
                 {"connections", string()},
                 {"requests", string()},
                 {"concurrent", string()}},
                "as dam.yaml writes them; none: no limit");
}

Json zones_schema() {
  const Json counters = object({{"packets_up", count()},
                                {"packets_down", count()},
                                {"bytes_up", count()},
                                {"bytes_down", count()},
                                {"connections_opened", count()},
                                {"connections_open", count()},
                                {"requests", count("of TLS clients, where the zone limits them")},
                                {"bans", count()},
                                {"shadow_exceeded", count()},
                                {"dropped", count()},
                                {"drops", map_of(count(), "by reason")}});
  const Json zone = object({{"name", string()},
                            {"management", boolean()},
                            {"mode", one_of({"enforce", "shadow"})},
                            {"exceeded", string("what happens then")},
                            {"per_source", buckets_schema()},
                            {"total", buckets_schema()},
                            {"key", one_of({"source", "ja4", "source+ja4"})},
                            {"source_prefix", object({{"ipv4", count()}, {"ipv6", count()}},
                                                     "bits that make one source")},
                            {"counters?", counters}});
  return object({{"sampled_at", number()}, {"zones", array(zone)}});
}

Json routes_schema() {
  const Json listener = object({{"name", string()},
                                {"protocol", one_of({"tls", "http", "tcp"})},
                                {"port", integer(1, 65535)},
                                {"addresses", array(string())}});
  const Json route = object({{"name", string()},
                             {"listener", listener},
                             {"server_names", array(string())},
                             {"absent_server_name", boolean()},
                             {"alpn", array(string())},
                             {"ja4", array(string())},
                             {"path", string()},
                             {"sources", array(string())},
                             {"zone", string()},
                             {"servers", array(string())},
                             {"fallback", string()}});
  return object({{"routes", array(route)}});
}

Json drops_schema() {
  return object({{"sampled_at", number()},
                 {"drops", map_of(map_of(count(), "by reason"), "by zone")},
                 {"reasons", map_of(string(), "what each reason means")},
                 {"taken_in", array(string(),
                                    "reasons of what was taken in by the dam itself, "
                                    "which was not refused")}});
}

Json policy_schema() {
  return object({{"loaded", boolean()},
                 {"version?", count()},
                 {"author?", string()},
                 {"comment?", string("what was done")},
                 {"applied_at?", integer(0, INT64_MAX, "Unix time, s")},
                 {"text?", string("of dam.yaml")},
                 {"changes?", changes_schema()},
                 {"changes_yaml?", string("the changes, as dam.yaml would have them")}});
}

Endpoint view(const ApiParts& parts, const char* path, const char* summary, Json schema,
              Json (*of)(const Sight&)) {
  Endpoint endpoint;
  endpoint.method = "GET";
  endpoint.path = path;
  endpoint.role = Role::viewer;
  endpoint.summary = summary;
  endpoint.answers = {{200, std::move(schema)}};
  endpoint.handle = [of, look = parts.look](const Call&, httplib::Response& response) {
    const Sight sight = look();
    // For If-Match: whose change would fall on another policy than the one seen here is refused.
    if (sight.running) response.set_header("ETag", etag_of(sight.running->version.number));
    answer(response, 200, of(sight));
  };
  return endpoint;
}

}  // namespace

Endpoints view_endpoints(const ApiParts& parts) {
  return {view(parts, "/v1/status", "The dam at a glance", status_schema(), status_view),
          view(parts, "/v1/zones", "Each zone's limits and counters", zones_schema(), zones_view),
          view(parts, "/v1/routes", "Which names go where", routes_schema(), routes_view),
          view(parts, "/v1/drops", "What was not forwarded, and why", drops_schema(), drops_view),
          view(parts, "/v1/policy", "The policy that runs", policy_schema(), policy_view)};
}

}  // namespace dam::control
