# SPDX-License-Identifier: BSD-3-Clause
"""A whole Debian under QEMU: emulated (no KVM), with an Intel IOMMU, its own disk, its distribution's kernel, and PCI NICs whose cables end in
the lab's edge: each on a bridge with that node's interface, so that the guest stands where the edge's dam would."""
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../package"))
from machine import ROOT, command  # noqa: E402
from lib import suite  # noqa: E402

KERNEL_PACKAGES = ("linux-image-amd64", "initramfs-tools", "kmod", "udev")
# A shell of root's on the second serial port; behind dd, for one that reads a terminal writes prompts.
SHELL = """\
[Unit]
Description=The test's shell
[Service]
ExecStart=/bin/sh -c 'exec 3<>/dev/ttyS1; stty raw -echo <&3; dd bs=512 status=none <&3 | sh >&3 2>&1'
Restart=always
[Install]
WantedBy=multi-user.target
"""


def make_disk(tar, folder, files, mib=4000):
    """An ext4 file system of the tar and of `files` (path → text or path of a file); its path, kernel and initrd."""
    tree, disk = f"{folder}/tree", f"{folder}/disk"
    os.mkdir(tree)
    command("tar", "-C", tree, "-xf", tar)
    for path, content in {"/etc/systemd/system/test-shell.service": SHELL, "/etc/hostname": "edge\n", **files}.items():
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        if os.path.exists(content):
            shutil.copy(content, tree + path)
        else:
            with open(tree + path, "w", encoding="utf-8") as file:
                file.write(content)
    command("chroot", tree, "systemctl", "enable", "test-shell.service", "systemd-networkd.service")
    boot = sorted(os.listdir(f"{tree}/boot"))
    kernel, initrd = (shutil.copy(f"{tree}/boot/{next(name for name in boot if name.startswith(what))}", folder)
                      for what in ("vmlinuz-", "initrd.img-"))
    command("mke2fs", "-q", "-t", "ext4", "-d", tree, disk, f"{mib}M")
    shutil.rmtree(tree)
    return disk, kernel, initrd


class Guest:
    def __init__(self, folder, network, nics, cpus=2, mib=3072):
        """`nics`: (interface of the node, QEMU's model and its options, MAC, queues)."""
        self._folder, self._network, self._nics, self._cpus, self._mib = folder, network, nics, cpus, mib
        self._process = self._shell = None
        self._heard, self._has_cables = b"", False

    def _inside(self, *words, check=True):
        return command("nsenter", f"--net={self._network}", "--", *words, check=check)

    def _cables(self):
        self._has_cables = True
        for number, (interface, _, _, queues) in enumerate(self._nics):
            many = ["multi_queue"] if queues > 1 else []
            self._inside("ip", "link", "add", f"br{number}", "type", "bridge", "mcast_snooping", "0")
            self._inside("ip", "tuntap", "add", "dev", f"tap{number}", "mode", "tap", "vnet_hdr", *many)
            for port in (f"tap{number}", interface):
                self._inside("ip", "link", "set", port, "master", f"br{number}", "up")
            self._inside("ip", "link", "set", f"br{number}", "up")

    def boot(self, disk, kernel, initrd, seconds, iommu=True):
        if not self._has_cables:
            self._cables()
        protection = ["-device", "intel-iommu,intremap=on,caching-mode=on"] if iommu else []
        words = ["nsenter", f"--net={self._network}", "--", "qemu-system-x86_64", "-machine", "q35,accel=tcg,kernel-irqchip=split", "-cpu",
                 "max", "-smp", str(self._cpus), "-m", str(self._mib), "-nodefaults", "-display", "none",
                 *protection, "-drive", f"file={disk},format=raw,if=virtio,cache=unsafe",
                 "-chardev", f"file,id=console,path={self._folder}/console", "-serial", "chardev:console",
                 "-chardev", f"socket,id=shell,path={self._folder}/shell,server=on,wait=off", "-serial", "chardev:shell",
                 "-kernel", kernel, "-initrd", initrd, "-append",
                 "root=/dev/vda rw console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on iommu=nopt"]
        for number, (_, model, mac, queues) in enumerate(self._nics):
            many = f",queues={queues}" if queues > 1 else ""
            words += ["-netdev", f"tap,id=n{number},ifname=tap{number},script=no,downscript=no,vhost=off{many}",
                      "-device", f"{model},netdev=n{number},mac={mac},addr=0x{10 + number}"]
        with open(f"{self._folder}/qemu", "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        suite.eventually(lambda: os.path.exists(f"{self._folder}/shell") or self._process.poll() is not None, 30, "QEMU")
        assert self._process.poll() is None, self._text("qemu")
        self._shell = socket.socket(socket.AF_UNIX)
        self._shell.connect(f"{self._folder}/shell")
        self.wait(seconds)

    def _text(self, name):
        with open(f"{self._folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def wait(self, seconds):
        """Until its shell answers: that it is the one of now, a number says."""
        end, mark = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            mark += 1
            self._shell.sendall(f"echo here-{mark}-$((40 + 2))\n".encode())
            if f"here-{mark}-42" in self._read(f"here-{mark}-42", 5):
                self._heard = b""
                return
        raise AssertionError(f"the guest does not come up: {self._text('console')}")

    def _read(self, until, seconds):
        end = time.monotonic() + seconds
        while until.encode() not in self._heard and (left := end - time.monotonic()) > 0:
            self._shell.settimeout(left)
            try:
                self._heard += self._shell.recv(65536)
            except TimeoutError:
                break
        return self._heard.decode(errors="replace")

    def do(self, words, check=True, seconds=180):
        """In its shell: what it prints."""
        self._heard = b""
        self._shell.sendall(f"{{ {words}\n}} </dev/null 2>&1; echo \"@@ $?\" end\n".encode())
        text = self._read(" end\n", seconds)
        at = text.rfind("@@ ")
        assert at >= 0, f"{words}: no answer within {seconds} s: {text[-2000:]}"
        assert not check or text[at + 3:].startswith("0 "), f"{words}: {text[-3000:]}"
        return text[:at]

    def reboot(self, seconds):
        def boot_id():
            return self.do("cat /proc/sys/kernel/random/boot_id", seconds=30)

        before, end = boot_id(), time.monotonic() + seconds
        self._shell.sendall(b"systemctl reboot\n")
        while time.monotonic() < end:
            time.sleep(3)
            self.wait(end - time.monotonic())
            if boot_id() != before:
                return
        raise AssertionError(f"no restart within {seconds} s: {self._text('console')}")

    def power_off(self, seconds):
        self._shell.sendall(b"systemctl poweroff\n")
        self._process.wait(seconds)
        self._shell.close()

    def end(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
