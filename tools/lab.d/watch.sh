# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# `up --watch`: Prometheus and its exporters, with config/prometheus at a second's interval. Prometheus runs on the
# edge's own kernel and is reached from the management server over a cable beside the dam's, as a host with DPDK
# needs one anyway: what burns on the service side does not come by here.
#
#   management office 198.18.5.2 ──── office 198.18.5.1 edge 198.18.6.1 exporter ──── exporter 198.18.6.2 service

watch=no
office=198.18.5.1 prometheus_url=http://198.18.5.1:9090
declare -A watched=([management]=198.18.5.2 [service]=198.18.6.2)

watch_network_up() {
  link edge office management office && link edge exporter service exporter || return 1
  ip_in edge addr replace $office/24 dev office && ip_in management addr replace "${watched[management]}/24" dev office &&
    ip_in edge addr replace 198.18.6.1/24 dev exporter && ip_in service addr replace "${watched[service]}/24" dev exporter ||
    return 1
  # Linux answers for any of its addresses on any cable: the service server is to see nothing of this.
  in_node edge nft -f - <<END
table inet watch
delete table inet watch
table inet watch {
  chain input {
    type filter hook input priority filter
    iifname != { "lo", "office" } tcp dport { 9090, 9100, 9415, 9443 } drop
  }
}
END
}

watch_programs() {
  local program
  for program in prometheus prometheus-node-exporter prometheus-nginx-exporter; do
    command -v "$program" >/dev/null || say_die "$program is not installed." "sudo tools/packages watch"
  done
}

watch_up() {
  local dir=$state/edge/prometheus node
  mkdir -p "$dir" "$state/edge/logs"
  watch_files "$dir"
  for node in service management; do
    process_start "nginx-exporter-$node" "$(netns "$node")" "$state/$node/logs/nginx-exporter.log" \
      prometheus-nginx-exporter -nginx.scrape-uri http://127.0.0.1:8081/stub_status \
      -web.listen-address "${watched[$node]}:9113"
  done
  process_start node-exporter "$(netns edge)" "$state/edge/logs/node-exporter.log" \
    prometheus-node-exporter --web.listen-address=127.0.0.1:9100
  process_start prometheus "$(netns edge)" "$state/edge/logs/prometheus.log" \
    prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \
    --storage.tsdb.retention.time=1d --storage.tsdb.retention.size=256MB --web.listen-address=$office:9090
  wait_until 20 watch_ready || say_die "Prometheus does not answer." "$state/edge/logs/prometheus.log"
  say_ok "Prometheus watches the edge and both servers"
  watch_says
  if page_ready; then page_line; fi
}

# Those of a site, with the lab's addresses. Not over what somebody has put there since.
watch_files() {
  [[ ! -e $1/prometheus.yml ]] || return 0
  cp "$root"/config/prometheus/{recording,alerts}.yml "$1"
  sed -E "s/^(  (scrape|evaluation)_interval:|  scrape_timeout:) .*/\1 1s/
    s/198\.18\.1\.10:9113/${watched[service]}:9113/; s/198\.18\.2\.10:9113/${watched[management]}:9113/
    s/198\.18\.2\.1:9090/$office:9090/" "$root/config/prometheus/prometheus.yml" >"$1/prometheus.yml"
}

watch_ready() { in_node management curl -sf --max-time 1 -o /dev/null $prometheus_url/-/ready; }

watch_says() {
  say_note "from the management network, whatever the service side does:"
  say_note "  $again exec management -- curl -s $prometheus_url/api/v1/alerts"
  say_note "  $again exec management -- curl -s $prometheus_url/api/v1/query -d 'query=up'"
  say_note "  $again exec edge -- curl -s http://127.0.0.1:9415/metrics"
  say_note "  $again damctl watch"
  say_note "in a browser: one that runs in the node, as $again exec management -- BROWSER $prometheus_url"
}

# What the control plane does besides, for --watch: the API for the management network.
watch_options() { [[ $watch == no ]] || echo "--https-address $office:9443 --tls $state/edge/tls --web $page_files"; }

watch_enroll() {
  local profile=$state/edge/operator.json
  [[ $watch == yes && ! -e $profile ]] || return 0
  dam_control enroll operator --role operator --san localhost -o "$profile" >"$state/edge/logs/enroll.log" 2>&1 ||
    say_die "The API's certificates could not be made." "$state/edge/logs/enroll.log"
}

# The control plane looks at the servers itself, where its kernel has a way to them.
watch_checks() {
  local ca=$state/authority/ca.pem
  [[ $watch == no || $driver == dpdk ]] ||
    echo "/^  (service|management): \{/s|\}\$|, check: {kind: https, ca: $ca, interval: 1s, timeout: 1s}}|"
}
