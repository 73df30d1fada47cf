# SPDX-License-Identifier: BSD-3-Clause
"""Every panel of the four dashboards: title, what it says, Grafana's unit, and (expression, legend) of each line. $EDGE is the edge
that the reader has chosen."""

EDGE = 'instance="$instance"'


def _panel(kind, title, description, unit, *queries, words=None):
    return {"kind": kind, "title": title, "description": description, "unit": unit, "words": words,
            "queries": [(expression.replace("$EDGE", EDGE), legend) for expression, legend in queries]}


def stat(title, description, unit, expression, words=None, legend=""):
    return _panel("stat", title, description, unit, (expression, legend), words=words)


def lines(title, description, unit, *queries, words=None):
    return _panel("timeseries", title, description, unit, *queries, words=words)


def bars(title, description, unit, *queries, words=None):
    return _panel("bargauge", title, description, unit, *queries, words=words)


# Half of all, and all but one in a hundred, take no longer.
def percentiles(title, description, unit, metric):
    rate = f"sum by (le) (rate({metric}_bucket{{$EDGE}}[5m]))"
    return lines(title, description + " As long as nothing is measured: no line.", unit,
                 (f"histogram_quantile(0.5, {rate})", "half"), (f"histogram_quantile(0.99, {rate})", "99 %"))


REFUSED = "What the dam takes in itself (handshakes, ARP, probes) is not counted."
TABLES = bars("Fill of tables", "Used share of each bounded table. The last tenth belongs to management routes; what finds no place "
              "is refused by name.", "percentunit", ("table:dam_table_fill:ratio{$EDGE}", "{{table}}"))
ROUTES = bars("Servers of each route", "Servers, the fallback included, that take new connections. 0: the route's names are answered by "
              "nobody.", "short", ("dam_route_servers_up{$EDGE}", "{{route}} ({{zone}})"))
SERVERS_UP = lines("Servers up", "1: the server answers the dam's probes.", "short", ("dam_server_up{$EDGE}", "{{server}}"))
LINKS = lines("Links", "1: there is a link on the cable of the interface's device.", "short", ("dam_interface_link_up{$EDGE}", "{{interface}}"))

OVERVIEW = [
    stat("Dataplane", "Whether dam-dataplane answers the control plane.", "none", "dam_dataplane_up{$EDGE}", "up"),
    stat("Wanted policy in force", "Whether the dataplane runs all of what is wanted.", "none", "dam_policy_converged{$EDGE}", "yes"),
    stat("Management reachable", "Whether every route into a management zone has a server.", "none",
         'min(dam_route_servers_up{$EDGE, management="true"} > bool 0)', "yes"),
    stat("Routes without server", "Routes whose names are answered by nobody.", "short",
         "sum(dam_route_servers_up{$EDGE} == bool 0)"),
    stat("Bans held", "Bans that hold now, of all origins.", "short", "sum(dam_held_bans{$EDGE})"),
    stat("Alerts firing", "Of config/prometheus/alerts.yml; RUNBOOK.md says what to do.", "short",
         'count(ALERTS{alertstate="firing"}) or vector(0)'),
    lines("Forwarded", "Whole frames passed on, both ways, by zone.", "Bps",
          ("sum by (zone) (zone_direction:dam_forwarded_bytes:rate1m{$EDGE})", "{{zone}}")),
    lines("Refused packets", "Packets held back, by zone. " + REFUSED, "pps",
          ("sum by (zone) (zone_reason:dam_refused_packets:rate1m{$EDGE})", "{{zone}}")),
    lines("Open connections", "Connections with a route, by zone.", "short", ("dam_open_connections{$EDGE}", "{{zone}}")),
    TABLES,
    SERVERS_UP,
    LINKS,
    lines("Requests at the servers", "HTTP requests that each nginx has answered, as its exporter counts them.", "reqps",
          ("rate(nginx_http_requests_total[1m])", "{{server}}")),
    lines("Scraped", "1: Prometheus hears of it; 0: it does not.", "short", ("up", "{{job}} {{instance}}")),
    lines("Processors of the edge", "Share of all CPUs that is not idle. A DPDK worker is always at 1 of its own.", "percentunit",
          ('1 - avg(rate(node_cpu_seconds_total{$EDGE, mode="idle"}[1m]))', "busy")),
    lines("Memory of the edge", "What programs can still have.", "bytes",
          ("node_memory_MemAvailable_bytes{$EDGE}", "available"), ("node_memory_MemTotal_bytes{$EDGE}", "total")),
    lines("Disk of the edge", "Free space where policies and logs lie.", "bytes",
          ('node_filesystem_avail_bytes{$EDGE, mountpoint="/"}', "{{mountpoint}}")),
]

ZONES = [
    lines("Packets to servers", "From clients, passed on, by zone.", "pps",
          ('zone_direction:dam_forwarded_packets:rate1m{$EDGE, direction="up"}', "{{zone}}")),
    lines("Packets to clients", "From servers, passed on, by zone.", "pps",
          ('zone_direction:dam_forwarded_packets:rate1m{$EDGE, direction="down"}', "{{zone}}")),
    lines("Bytes to servers", "Whole frames from clients.", "Bps",
          ('zone_direction:dam_forwarded_bytes:rate1m{$EDGE, direction="up"}', "{{zone}}")),
    lines("Bytes to clients", "Whole frames from servers.", "Bps",
          ('zone_direction:dam_forwarded_bytes:rate1m{$EDGE, direction="down"}', "{{zone}}")),
    lines("New connections", "Connections that were given a route.", "cps", ("zone:dam_opened_connections:rate1m{$EDGE}", "{{zone}}")),
    lines("Open connections", "Connections that are open now.", "short", ("dam_open_connections{$EDGE}", "{{zone}}")),
    lines("Requests", "Passed on, of zones that limit requests: others count none. Inside TLS they are estimated from their records' "
          "rhythm.", "reqps", ('sum by (zone) (rate(dam_bucket_admitted_total{$EDGE, dimension="requests"}[1m]))', "{{zone}}")),
    lines("Refused for requests", "Packets of sources, or of all in total, that were over a zone's limit of requests.", "pps",
          ('sum by (zone, scope) (rate(dam_bucket_exceeded_total{$EDGE, dimension="requests"}[1m]))', "{{zone}} {{scope}}")),
    lines("Refused, by reason", "The ten reasons with the most packets. " + REFUSED, "pps",
          ("topk(10, sum by (reason) (zone_reason:dam_refused_packets:rate1m{$EDGE}))", "{{reason}}")),
    lines("Refused over a limit", "Over a limit of one source or of all in total; for connections and concurrent: connections.", "pps",
          ("sum by (zone, scope, dimension) (rate(dam_bucket_exceeded_total{$EDGE}[1m]))", "{{zone}} {{scope}} {{dimension}}")),
    lines("Would be refused", "What zones in mode shadow let by although it was over a limit.", "pps",
          ("sum by (zone, scope, dimension) (rate(dam_shadow_exceeded_packets_total{$EDGE}[1m]))",
           "{{zone}} {{scope}} {{dimension}}")),
    lines("Sources banned by zones", "Within the last five minutes, by the dimension that they were over last.", "short",
          ("sum by (zone, dimension) (increase(dam_bans_total{$EDGE}[5m]))", "{{zone}} {{dimension}}")),
    lines("Bans held", "Bans that hold now, by origin.", "short", ("dam_held_bans{$EDGE}", "{{origin}}"),
          ("dam_held_bans_limit{$EDGE}", "limit")),
    lines("Bans begun and ended", "Within the last five minutes, all origins.", "short",
          ("sum(increase(dam_begun_bans_total{$EDGE}[5m]))", "begun"),
          ("sum(increase(dam_lifted_bans_total{$EDGE}[5m]))", "lifted"),
          ("sum(increase(dam_expired_bans_total{$EDGE}[5m]))", "expired")),
    lines("Signals of servers", "Lines and reports about clients: heard, and not heard, by reason.", "short",
          ("sum(rate(dam_signals_accepted_total{$EDGE}[1m]))", "heard"),
          ("sum by (reason) (rate(dam_signals_refused_total{$EDGE}[1m]))", "not heard: {{reason}}")),
    lines("Sources over a rule of signals", "Within the last five minutes, by rule and what came of it, and how many are slowed now; only "
          "banned ones are shut out.", "short",
          ("sum by (rule, outcome) (increase(dam_signal_rule_exceeded_total{$EDGE}[5m]))", "{{rule}}: {{outcome}}"),
          ("dam_signal_throttled_sources{$EDGE}", "slowed now")),
    lines("Look-alikes: sources", "Sources that are looked at now, what more of them did for want of room, and vectors that wait for the "
          "database. No line: dam.yaml wants none.", "short", ("dam_lookalikes_sources{$EDGE}", "looked at"),
          ("increase(dam_lookalikes_refused_total{$EDGE}[5m])", "no room, in five minutes"),
          ("dam_lookalikes_queued_rows{$EDGE}", "vectors waiting")),
    lines("Look-alikes: vectors", "Within the last five minutes, by what became of them. No line: dam.yaml wants none.", "short",
          ("increase(dam_lookalikes_written_rows_total{$EDGE}[5m])", "written"),
          ("increase(dam_lookalikes_dropped_rows_total{$EDGE}[5m])", "lost, the database being away"),
          ("increase(dam_lookalikes_deleted_rows_total{$EDGE}[5m])", "deleted for age or number")),
    lines("Look-alikes: database", "1: it answers. 0: it is away, or no file says where it is. No line: dam.yaml wants none.", "short",
          ("dam_lookalikes_database_up{$EDGE}", "answers"), words="up"),
]

SERVERS = [
    SERVERS_UP,
    ROUTES,
    lines("Checks", "1: the control plane's checks say that the server is well. Only of servers with a check.", "short",
          ("dam_server_healthy{$EDGE}", "{{server}}")),
    lines("Time of checks", "How long the last check took.", "s", ("dam_server_check_seconds{$EDGE}", "{{server}}")),
    bars("Closed to new connections", "1: people have drained or disabled the server.", "short",
         ('max by (server) (dam_server_state{$EDGE, state!="enabled"})', "{{server}}")),
    bars("What checks have found", "Findings by kind; `damctl events --kind server` has the words.", "short",
         ("sum by (server, kind) (dam_server_findings{$EDGE})", "{{server}} {{kind}}")),
    bars("Servers' certificates end in", "Time until the first certificate of each server ends.", "s",
         ("dam_server_certificate_expiry_timestamp_seconds{$EDGE} - time()", "{{server}}")),
    bars("The API's certificates end in", "Then nobody steers the dam from afar.", "s",
         ("dam_api_certificate_expiry_seconds{$EDGE}", "{{certificate}}")),
    lines("New connections to servers", "Connections that the dam opened to each.", "cps",
          ("rate(dam_server_opened_connections_total{$EDGE}[1m])", "{{server}}")),
    lines("Open connections to servers", "Opened and not yet over.", "short",
          ("dam_server_opened_connections_total{$EDGE} - dam_server_closed_connections_total{$EDGE}", "{{server}}")),
    percentiles("Time of connecting", "From the dam's SYN to the SYN-ACK of the server that took the connection.", "s",
                "dam_server_connect_duration_seconds"),
    lines("Failed connections", "That a server refused or ignored.", "cps",
          ("rate(dam_server_failed_connections_total{$EDGE}[1m])", "{{server}}")),
    lines("nginx: connections", "Active ones, as the servers themselves count them.", "short",
          ("nginx_connections_active", "{{server}}")),
    lines("nginx: requests", "As the servers themselves count them.", "reqps", ("rate(nginx_http_requests_total[1m])", "{{server}}")),
    lines("nginx: up", "1: the exporter reaches its nginx.", "short", ("nginx_up", "{{server}}")),
]

DATAPLANE = [
    stat("Driver", "How packets reach the dam.", "none", "dam_dataplane_info{$EDGE}", legend="{{driver}}"),
    stat("Runs since", "When the dataplane started.", "dateTimeFromNow", "dam_dataplane_start_time_seconds{$EDGE} * 1000"),
    stat("Heartbeat", "Age of the control thread's last sign of life.", "s", "dam_dataplane_heartbeat_age_seconds{$EDGE}"),
    stat("Restart needed", "Interfaces, limits or workers of the policy wait for a restart.", "none",
         "dam_dataplane_restart_needed{$EDGE}", "needed"),
    stat("Policy", "Number of the policy that the dataplane runs.", "none", "dam_policy_version{$EDGE}"),
    stat("Bans not in force", "Versions by which the dataplane's list of bans is behind.", "short",
         "dam_bans_wanted_version{$EDGE} - dam_bans_in_force_version{$EDGE}"),
    LINKS,
    lines("Changes of links", "How often a link went or came back, within the last five minutes.", "short",
          ("increase(dam_interface_link_changes_total{$EDGE}[5m])", "{{interface}}")),
    lines("Packets received", "By worker.", "pps", ("rate(dam_worker_received_packets_total{$EDGE}[1m])", "worker {{worker}}")),
    lines("Packets sent", "By worker.", "pps", ("rate(dam_worker_sent_packets_total{$EDGE}[1m])", "worker {{worker}}")),
    lines("Bytes received and sent", "All workers.", "Bps", ("sum(rate(dam_worker_received_bytes_total{$EDGE}[1m]))", "received"),
          ("sum(rate(dam_worker_sent_bytes_total{$EDGE}[1m]))", "sent")),
    lines("Busy", "Share of a worker's time that went into packets. With driver xdp most packets never reach a worker.", "percentunit",
          ("worker:dam_worker_busy:ratio_rate1m{$EDGE}", "worker {{worker}}")),
    lines("Cycles for a packet", "CPU cycles of a worker for each packet that it received.", "short",
          ("rate(dam_worker_busy_cycles_total{$EDGE}[1m]) / (rate(dam_worker_received_packets_total{$EDGE}[1m]) > 0)",
           "worker {{worker}}")),
    lines("Packets in a burst", "Mean of bursts that were not empty.", "short",
          ("rate(dam_worker_received_packets_total{$EDGE}[1m]) / (rate(dam_worker_bursts_total{$EDGE}[1m]) > 0)", "worker {{worker}}")),
    lines("SYN cookies", "Sent, come back right, come back wrong. Sent ones that nobody answers are the sign of forged addresses.", "pps",
          ("sum(rate(dam_worker_sent_cookies_total{$EDGE}[1m]))", "sent"),
          ("sum(rate(dam_worker_accepted_cookies_total{$EDGE}[1m]))", "accepted"),
          ("sum(rate(dam_worker_bad_cookies_total{$EDGE}[1m]))", "bad"),
          ("instance:dam_unanswered_cookies:rate1m{$EDGE}", "unanswered")),
    percentiles("Time until the route is known", "From a client's proof of its address to its whole ClientHello or request head: the "
                "client's own time, mostly.", "s", "dam_hello_duration_seconds"),
    percentiles("Time of whole handshakes", "From a client's proof of its address until the server has all that the dam had held.", "s",
                "dam_handshake_duration_seconds"),
    lines("TLS versions offered", "ClientHellos by the highest version that they offer.", "cps",
          ("sum by (version) (rate(dam_client_hello_versions_total{$EDGE}[5m]))", "{{version}}")),
    lines("ALPN offered", "ClientHellos by what they would speak first.", "cps",
          ("sum by (alpn) (rate(dam_client_hello_alpns_total{$EDGE}[5m]))", "{{alpn}}")),
    percentiles("Size of ClientHellos", "With their records.", "bytes", "dam_client_hello_size_bytes"),
    percentiles("Size of bursts", "Packets at once, of those bursts that were not empty.", "short", "dam_burst_size_packets"),
    lines("Log lines", "Written, and those that no sink took.", "short",
          ("sum by (kind) (rate(dam_log_lines_total{$EDGE}[1m]))", "{{kind}}"),
          ("sum by (reason) (rate(dam_log_dropped_lines_total{$EDGE}[1m]))", "lost: {{reason}}")),
    TABLES,
    lines("Packets for the host", "For the host's own network stack: SSH, ARP, what the dam does not steer.", "pps",
          ("sum(rate(dam_worker_host_packets_total{$EDGE}[1m]))", "to the host")),
    lines("The dam's own words", "PROXY headers that it sent, packets that it sent again, and those handed to the worker that owns "
          "their flow.", "pps",
          ("sum(rate(dam_worker_sent_proxy_headers_total{$EDGE}[1m]))", "PROXY headers"),
          ("sum(rate(dam_worker_retransmitted_packets_total{$EDGE}[1m]))", "sent again"),
          ("sum(rate(dam_worker_handed_off_packets_total{$EDGE}[1m]))", "handed off")),
    lines("Lost for want of room", "No buffer, a full transmit queue, a full ring between workers.", "pps",
          ('sum by (reason) (zone_reason:dam_refused_packets:rate1m{$EDGE, reason=~"no_buffer|tx_full|handoff_full"})', "{{reason}}")),
    lines("The host's receive queue", "Packets that the host's kernel dropped before anybody saw them.", "pps",
          ("sum(rate(node_softnet_dropped_total{$EDGE}[1m]))", "dropped")),
]

DASHBOARDS = [
    {"uid": "dam-overview", "title": "Traffic Dam: overview", "description": "The edge and both servers at a glance.",
     "entries": OVERVIEW},
    {"uid": "dam-zones", "title": "Traffic Dam: zones", "description": "What flows into each zone and what is held back.",
     "entries": ZONES},
    {"uid": "dam-servers", "title": "Traffic Dam: servers and certificates",
     "description": "Whether routes have servers, how they are, and when their certificates end.", "entries": SERVERS},
    {"uid": "dam-dataplane", "title": "Traffic Dam: dataplane", "description": "Workers, cookies, tables, and what they lack.",
     "entries": DATAPLANE},
]
