# SPDX-License-Identifier: BSD-3-Clause
"""Reads the dataplane's counters from its shared-memory file, by the layout of core/counters.h. The
names of reasons, dimensions and tables are read from the headers themselves."""
import os
import re
import struct

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CORE = os.path.join(ROOT, "dataplane", "core")
MAGIC, NAME, ZONES, SERVERS = 0x6D616431, 64, 64, 256


def _list(header, macro):
    """The names in an X-macro list."""
    with open(os.path.join(CORE, header)) as handle:
        text = handle.read()
    body = re.search(rf"#define {macro}\(X\)(.*?[^\\])\n", text, re.S).group(1)
    return re.findall(r"X\((\w+),", body)


REASONS = _list("drop_reason.h", "DAM_DROP_REASONS")
DIMENSIONS = _list("counters.h", "DAM_DIMENSIONS")
TABLES = _list("counters.h", "DAM_TABLES")
_WORKER = ("rx_packets rx_bytes tx_packets tx_bytes bursts busy_cycles idle_cycles handed_off "
           "cookies_sent cookies_accepted cookies_bad proxy_headers_sent retransmissions "
           "host_packets host_sent").split()
_SERVERS_AT = 16 + 32 + NAME + ZONES * NAME
_TABLES_AT = _SERVERS_AT + SERVERS * (NAME + 24)
_WORKERS_AT = (_TABLES_AT + 16 * len(TABLES) + 63) // 64 * 64
_SHADOW = DIMENSIONS + ["concurrent"]  # what shadow mode counts
_ZONE_FIXED = 7 + 3 * len(_SHADOW)
_HELLOS = len(_list("counters.h", "DAM_TLS_VERSIONS")) + len(_list("counters.h", "DAM_ALPNS"))
_HISTOGRAMS = len(_list("counters.h", "DAM_HISTOGRAMS")) * 20
_INTERFACES = 32 * (2 * NAME + 8 + 8 * len(_list("counters.h", "DAM_INTERFACE_FIELDS")))  # behind the workers
_ZONES_FROM = len(_WORKER) + _HELLOS + _HISTOGRAMS  # words before them


def _worker_bytes(reasons):
    return (8 * (_ZONES_FROM + ZONES * (_ZONE_FIXED + reasons) + SERVERS * 3) + 63) // 64 * 64


def _reasons_of(size):
    """The list of reasons only grows at its end: a build that is older than the headers has fewer."""
    for count in range(len(REASONS), 0, -1):
        if size == _WORKERS_AT + 16 * _worker_bytes(count) + _INTERFACES:
            return REASONS[:count]
    raise RuntimeError(f"counters of {size} bytes: another layout than the headers'")


def _text(data):
    return data.split(b"\0")[0].decode()


class Counters:
    """One snapshot of the file."""

    def __init__(self, path):
        with open(path, "rb") as handle:
            self.data = handle.read()
        magic, _, size, self.workers = struct.unpack_from("=4I", self.data)
        if magic != MAGIC:
            raise RuntimeError(f"{path}: not counters")
        self.reasons = _reasons_of(size)
        self._zone_length = _ZONE_FIXED + len(self.reasons)
        self._worker_bytes = _worker_bytes(len(self.reasons))
        self.policy_version = struct.unpack_from("=Q", self.data, 32)[0]
        names = [_text(self.data[112 + n * NAME:112 + (n + 1) * NAME]) for n in range(ZONES)]
        self.zone_slots = {name: slot for slot, name in enumerate(names) if name}

    def worker(self, index):
        """The worker's own counters by name."""
        at = _WORKERS_AT + index * self._worker_bytes
        return dict(zip(_WORKER, struct.unpack_from(f"={len(_WORKER)}Q", self.data, at)))

    def _zone_words(self, slot):
        total = [0] * self._zone_length
        for index in range(self.workers):
            at = _WORKERS_AT + index * self._worker_bytes + 8 * (_ZONES_FROM + slot * self._zone_length)
            words = struct.unpack_from(f"={self._zone_length}Q", self.data, at)
            total = [a + b for a, b in zip(total, words)]
        return total

    def zone(self, name):
        words = self._zone_words(self.zone_slots[name])
        kinds = len(_SHADOW)
        bans, source, total, drops = (7 + kinds * n for n in range(4))
        shadow = {"per_source": dict(zip(_SHADOW, words[source:])), "total": dict(zip(_SHADOW, words[total:]))}
        return {"packets": sum(words[0:2]), "bytes": sum(words[2:4]), "opened": words[4],
                "closed": words[5], "requests": words[6], "bans": sum(words[bans:source]), "shadow_exceeded": sum(words[source:drops]), "shadow": shadow,
                "drops": dict(zip(self.reasons, words[drops:]))}

    def drops(self):
        """By reason, of all zones together."""
        total = dict.fromkeys(self.reasons, 0)
        for slot in range(ZONES):
            words = self._zone_words(slot)[_ZONE_FIXED:]
            for reason, count in zip(self.reasons, words):
                total[reason] += count
        return total

    def table(self, name):
        return struct.unpack_from("=Q", self.data, _TABLES_AT + 8 * TABLES.index(name))[0]

    def server_slots(self):
        names = (_text(self.data[at:at + NAME]) for at in range(_SERVERS_AT, _TABLES_AT, NAME + 24))
        return {name: slot for slot, name in enumerate(names) if name}

    def servers(self):
        """Whether each server is up, by name."""
        found = {}
        for slot in range(SERVERS):
            at = _SERVERS_AT + slot * (NAME + 24)
            name = _text(self.data[at:at + NAME])
            if name:
                found[name] = bool(struct.unpack_from("=I", self.data, at + NAME)[0])
        return found
