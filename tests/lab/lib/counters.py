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
           "host_packets").split()
_ZONE_WORDS = 7 + 2 * len(DIMENSIONS) + len(REASONS)
_SERVERS_AT = 16 + 32 + NAME + ZONES * NAME
_TABLES_AT = _SERVERS_AT + SERVERS * (NAME + 24)
_WORKERS_AT = (_TABLES_AT + 16 * len(TABLES) + 63) // 64 * 64
_WORKER_BYTES = (8 * (len(_WORKER) + ZONES * _ZONE_WORDS + SERVERS * 3) + 63) // 64 * 64


def _text(data):
    return data.split(b"\0")[0].decode()


class Counters:
    """One snapshot of the file."""

    def __init__(self, path):
        with open(path, "rb") as handle:
            self.data = handle.read()
        magic, _, size, self.workers = struct.unpack_from("=4I", self.data)
        if magic != MAGIC or size != _WORKERS_AT + 16 * _WORKER_BYTES:
            raise RuntimeError(f"{path}: {size} bytes with magic {magic:#x}: another layout")
        self.policy_version = struct.unpack_from("=Q", self.data, 32)[0]
        names = [_text(self.data[112 + n * NAME:112 + (n + 1) * NAME]) for n in range(ZONES)]
        self.zone_slots = {name: slot for slot, name in enumerate(names) if name}

    def worker(self, index):
        """The worker's own counters by name."""
        at = _WORKERS_AT + index * _WORKER_BYTES
        return dict(zip(_WORKER, struct.unpack_from(f"={len(_WORKER)}Q", self.data, at)))

    def _zone_words(self, slot):
        total = [0] * _ZONE_WORDS
        for index in range(self.workers):
            at = _WORKERS_AT + index * _WORKER_BYTES + 8 * (len(_WORKER) + slot * _ZONE_WORDS)
            words = struct.unpack_from(f"={_ZONE_WORDS}Q", self.data, at)
            total = [a + b for a, b in zip(total, words)]
        return total

    def zone(self, name):
        words = self._zone_words(self.zone_slots[name])
        count = 2 * len(DIMENSIONS)
        return {"packets": sum(words[0:2]), "bytes": sum(words[2:4]), "opened": words[4],
                "closed": words[5], "bans": words[6], "shadow_exceeded": sum(words[7:7 + count]),
                "drops": dict(zip(REASONS, words[7 + count:]))}

    def drops(self):
        """By reason, of all zones together."""
        total = dict.fromkeys(REASONS, 0)
        for slot in range(ZONES):
            words = self._zone_words(slot)[-len(REASONS):]
            for reason, count in zip(REASONS, words):
                total[reason] += count
        return total

    def table(self, name):
        return struct.unpack_from("=Q", self.data, _TABLES_AT + 8 * TABLES.index(name))[0]

    def servers(self):
        """Whether each server is up, by name."""
        found = {}
        for slot in range(SERVERS):
            at = _SERVERS_AT + slot * (NAME + 24)
            name = _text(self.data[at:at + NAME])
            if name:
                found[name] = bool(struct.unpack_from("=I", self.data, at + NAME)[0])
        return found
