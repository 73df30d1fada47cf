# SPDX-License-Identifier: BSD-3-Clause
"""Other people's XDP programs, attached by libxdp: several on a device, by its dispatcher."""
import ctypes
import os
import socket
import tempfile

from . import netns

_NATIVE = 1
_EXTENSION = 28  # BPF_PROG_TYPE_EXT


def _function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


def _libraries():
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    bpf, xdp = ctypes.CDLL("libbpf.so.1", use_errno=True), ctypes.CDLL("libxdp.so.1")
    for library, name in ((bpf, "libbpf_set_print"), (xdp, "libxdp_set_print")):
        _function(library, name, pointer, pointer)(None)  # they have much to say
    shapes = {"xdp_program__open_file": (pointer, text, text, pointer),
              "xdp_program__attach": (number, pointer, number, number, ctypes.c_uint),
              "xdp_program__detach": (number, pointer, number, number, ctypes.c_uint),
              "xdp_program__bpf_obj": (pointer, pointer), "xdp_program__name": (text, pointer),
              "xdp_program__close": (None, pointer), "libxdp_get_error": (ctypes.c_long, pointer),
              "xdp_multiprog__get_from_ifindex": (pointer, number), "xdp_multiprog__close": (None, pointer),
              "xdp_multiprog__next_prog": (pointer, pointer, pointer),
              "bpf_object__find_map_fd_by_name": (number, pointer, text),
              "bpf_map_lookup_elem": (number, number, pointer, pointer),
              "libbpf_probe_bpf_prog_type": (number, number, pointer)}
    return {name: _function(bpf if "bpf_" in name[:7] else xdp, name, *shape) for name, shape in shapes.items()}


_lib = _libraries()


def has_dispatcher():
    """Whether the kernel lets programs extend others, of which the dispatcher is made."""
    return _lib["libbpf_probe_bpf_prog_type"](_EXTENSION, None) == 1


def names(namespace, device):
    """Of the programs in a device's dispatcher, in the order in which they run."""
    with namespace:
        dispatcher = _lib["xdp_multiprog__get_from_ifindex"](socket.if_nametoindex(device))
    if _lib["libxdp_get_error"](dispatcher):
        return []
    found, program = [], None
    while program := _lib["xdp_multiprog__next_prog"](program, dispatcher):
        found.append(_lib["xdp_program__name"](program).decode())
    _lib["xdp_multiprog__close"](dispatcher)
    return found


class Counter:
    """A program that counts frames, on a device as long as the `with` lasts."""

    def __init__(self, namespace, device):
        self.namespace, self.device = namespace, device

    def __enter__(self):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "count.bpf.c")
        with tempfile.NamedTemporaryFile(suffix=".bpf.o") as made:
            netns.run("clang", "-target", "bpf", "-O2", "-g", f"-I/usr/include/{os.uname().machine}-linux-gnu",
                      "-c", source, "-o", made.name)
            self.program = _lib["xdp_program__open_file"](made.name.encode(), b"xdp", None)
        self._do("attach")
        return self

    def _do(self, what):
        with self.namespace:
            ifindex = socket.if_nametoindex(self.device)
            error = _lib["xdp_program__" + what](self.program, ifindex, _NATIVE, 0)
        assert error == 0, f"libxdp: {what}: {os.strerror(-error)}"

    def frames(self):
        table = _lib["bpf_object__find_map_fd_by_name"](_lib["xdp_program__bpf_obj"](self.program), b"lab_frames")
        first, frames = ctypes.c_uint32(0), ctypes.c_uint64(0)
        assert _lib["bpf_map_lookup_elem"](table, ctypes.byref(first), ctypes.byref(frames)) == 0
        return frames.value

    def __exit__(self, *_):
        self._do("detach")
        _lib["xdp_program__close"](self.program)
