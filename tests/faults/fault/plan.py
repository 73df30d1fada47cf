# SPDX-License-Identifier: BSD-3-Clause
"""The policy of the site under attack, and who is who among the client's addresses."""
from lib.plan import plan
from lib.site import SOURCES

BAN = {"ban": {"after": 10, "within": "10s", "for": "60s"}}
ZONES = {
    "management": {"management": True},
    "service": {"per_source": {"connections": "10r/s burst=20", "concurrent": 400}},
    # Within it the load has a fifth of what a source may.
    "strict": {"exceeded": BAN,
               "per_source": {"connections": "5r/s burst=10", "concurrent": 20, "packets": "300r/s burst=300"}},
}
NAMES = {"service": "service.example", "management": "management.example", "strict": "strict.example"}
PLAN = plan(
    zones=ZONES, source_ports=(10000, 10999),
    limits={"half_open": 1024, "half_open_per_source": 64, "hold": "4MiB"},
    timeouts={"hello": "3s", "connect": "2s", "idle": "5m", "closing": "500ms", "port_rest": "500ms", "probe_interval": "500ms"},
    servers={"service": {"role": "service", "n": 10, "port": 443}, "spare": {"role": "service", "n": 11, "port": 443},
             "management": {"role": "management", "n": 10, "port": 443}},
    routes=[{"name": name, "listener": "https", "names": [server_name], "zone": name,
             "servers": ["management"] if name == "management" else ["service", "spare"]}
            for name, server_name in NAMES.items()])

INNOCENT = {family: SOURCES[family][:30] for family in (4, 6)}    # the load's
GUILTY = {family: SOURCES[family][30:] for family in (4, 6)}      # attackers that do have their addresses
