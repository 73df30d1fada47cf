# SPDX-License-Identifier: BSD-3-Clause
"""The flow table that driver: xdp leaves in the kernel (core/flow.h): copied from one connection that stands, a million
of them stand, which the next dataplane adopts."""
import ctypes
import mmap
import os
import struct

FLOW_BYTES = 128
CLIENT, CLIENT_PORT, SOURCE_PORT, SERVER_SLOT, STATE = 12, 44, 46, 50, 57  # octets into struct dam_flow
ESTABLISHED = 4
_SYS_BPF, _BPF_OBJ_GET = 321, 7


def _open(path):
    name = ctypes.create_string_buffer(path.encode() + b"\0")
    attributes = struct.pack("<QII", ctypes.addressof(name), 0, 0).ljust(128, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(_SYS_BPF, _BPF_OBJ_GET, attributes, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return fd


def multiply(path, flows, clients, servers, ports):
    """Fills the table with `flows` copies of the one that is established: as many clients (from 198.51.0.1 on) take turns,
    and each of the server slots has its own source ports. No dataplane may run. Gives how many there are."""
    fd = _open(path)
    try:
        capacity = _entries(fd)
        with mmap.mmap(fd, capacity * FLOW_BYTES) as table:
            return _copy(table, capacity, flows, clients, servers, ports)
    finally:
        os.close(fd)


def _entries(fd):
    with open(f"/proc/self/fdinfo/{fd}") as handle:
        return int(next(line.split()[1] for line in handle if line.startswith("max_entries")))


def _copy(table, capacity, flows, clients, servers, ports):
    at = next(at for at in range(0, capacity * FLOW_BYTES, FLOW_BYTES) if table[at + STATE] == ESTABLISHED)
    flow, made = bytearray(table[at:at + FLOW_BYTES]), 0
    first = int.from_bytes(bytes((198, 51, 0, 1)), "big")
    for index in range(capacity):
        if made == flows:
            break
        if table[index * FLOW_BYTES + STATE] != 0:
            continue
        server, port = divmod(made, len(ports))
        struct.pack_into(">I", flow, CLIENT, first + made % clients)
        struct.pack_into(">H", flow, CLIENT_PORT, 1024 + made // clients)
        struct.pack_into("<H", flow, SOURCE_PORT, ports[port])
        struct.pack_into("<H", flow, SERVER_SLOT, servers[server])
        table[index * FLOW_BYTES:(index + 1) * FLOW_BYTES] = bytes(flow)
        made += 1
    return made
