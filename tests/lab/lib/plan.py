# SPDX-License-Identifier: BSD-3-Clause
"""What a group of tests wants of its front: a plan, from which each kind of front writes its own
configuration. Plain dictionaries, close to dam.yaml."""
import copy

BASE = {
    "workers": 1,
    "limits": {},
    "timeouts": {"hello": "3s", "connect": "2s"},
    "source_ports": (10000, 60000),
    "servers": {
        "service": {"role": "service", "n": 10, "port": 443},
        "management": {"role": "management", "n": 10, "port": 443},
    },
    "zones": {"service": {}, "management": {"management": True}},
    "listeners": {"https": {"port": 443, "protocol": "tls"}},
    "routes": [
        {"name": "service", "listener": "https", "names": ["service.example", "*.apps.example"],
         "zone": "service", "servers": ["service"]},
        {"name": "management", "listener": "https", "names": ["management.example"],
         "zone": "management", "servers": ["management"]},
    ],
    "admin": [],
    "deny": [],
    "vlan": None,   # of the front interface
    "queues": 1,
    "logs": {"file": {}},  # each line is held against the schema
    "host_path": None,  # driver dpdk, of the front interface
    "beside_others": False,  # driver xdp: in libxdp's dispatcher
}


def plan(add_routes=(), add_servers=None, add_listeners=None, **changes):
    """The base plan with some keys replaced and some entries added."""
    made = copy.deepcopy(BASE)
    made.update(copy.deepcopy(changes))
    made["routes"] += copy.deepcopy(list(add_routes))
    made["servers"].update(copy.deepcopy(add_servers or {}))
    made["listeners"].update(copy.deepcopy(add_listeners or {}))
    return made
