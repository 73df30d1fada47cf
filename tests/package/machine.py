# SPDX-License-Identifier: BSD-3-Clause
"""A Debian of its own, without a virtual machine: a root made by mmdebstrap, booted by its own systemd in namespaces; its network is that
of the lab's edge. The kernel is this machine's."""
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(f"{ROOT}/tests/lab")
from lib import suite  # noqa: E402

CACHE = f"{ROOT}/build/package-roots"
TOOLS = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps", "adduser"]

# Becomes the root's systemd. $1: the root, $2: a network namespace, $3: a cgroup (v2) of its own.
BOOT = """
set -eu
echo $$ >"$3/cgroup.procs"
exec nsenter --net="$2" unshare --mount --pid --uts --ipc --cgroup --fork --kill-child --propagation private bash -eu -c '
  mount --bind "$1" "$1"
  cd "$1"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t bpf bpf sys/fs/bpf
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=755 tmpfs dev
  for device in null zero full random urandom tty; do touch dev/$device && mount --bind /dev/$device dev/$device; done
  mkdir dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  mount -t tmpfs tmpfs dev/shm
  mkdir -p .before
  pivot_root . .before
  umount -l .before
  hostname edge
  exec env -i container=namespaces PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd' _ "$1"
"""


def command(*words, seconds=600, check=True, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
                          check=False, **more)
    assert not check or done.returncode == 0, f"{' '.join(words)}: {done.stdout[-3000:]}"
    return done


def attempt(of, sentence, name):
    """One check, a method of `of`; whatever goes wrong, the others are still tried."""
    started = time.monotonic()
    try:
        getattr(of, name)()
    except Exception as error:  # pylint: disable=broad-exception-caught
        text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        print(f"  ✗ {sentence}\n      {text[:5000]}", flush=True)
        return False
    print(f"  ✓ {sentence} ({time.monotonic() - started:.0f} s)", flush=True)
    return True


def debian_root(package, also=(), release=None):
    """A tar with all that the package needs, and with `also`; made once for each list of that. `release`: this machine's if not said."""
    needs = command("dpkg-deb", "-f", package, "Depends").stdout
    names = sorted({need.split()[0] for need in needs.split(",")} | set(TOOLS) | set(also))
    with open("/etc/os-release", encoding="utf-8") as file:
        release = release or dict(line.rstrip().split("=", 1) for line in file if "=" in line)["VERSION_CODENAME"]
    tar = f"{CACHE}/{release}-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}.tar"
    if not os.path.exists(tar):
        os.makedirs(CACHE, exist_ok=True)
        print(f"  … makes a root of Debian {release} ({len(names)} packages and what they need)", flush=True)
        command("mmdebstrap", "--variant=minbase", f"--include={','.join(names)}", release, f"{tar}.new.tar", seconds=1500)
        os.rename(f"{tar}.new.tar", tar)
    return tar


class Machine:
    def __init__(self, tar, network):
        self._network = network
        self._folder = tempfile.TemporaryDirectory(prefix="dam-package-")
        self.root = f"{self._folder.name}/root"
        os.mkdir(self.root)
        command("tar", "-C", self.root, "-xf", tar)
        self._cgroups = f"{self._folder.name}/cgroups"
        os.mkdir(self._cgroups)
        command("mount", "-t", "cgroup2", "cgroup2", self._cgroups)
        self._cgroup = f"{self._cgroups}/dam-package-{os.getpid()}"
        self._first = None

    def boot(self):
        os.mkdir(self._cgroup)
        self._first = subprocess.Popen(["bash", "-c", BOOT, "_", self.root, self._network, self._cgroup], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        suite.eventually(lambda: self.says("systemctl", "is-system-running").strip() in ("running", "degraded"), 60,
                         lambda: f"a machine that has booted: {self.says('systemctl', 'is-system-running')}")

    def _systemd(self):
        """The number of its first process here: unshare's child."""
        with open(f"/proc/{self._first.pid}/task/{self._first.pid}/children", encoding="ascii") as file:
            return file.read().split()[0]

    def inside(self, *words):
        return ["nsenter", "-t", self._systemd(), "-m", "-p", "-u", "-i", "-C", "-n", "--", *words]

    def do(self, *words, check=True, seconds=120):
        return command(*self.inside(*words), check=check, seconds=seconds)

    def says(self, *words):
        try:
            return self.do(*words, check=False).stdout
        except (IndexError, FileNotFoundError):
            return ""  # not there yet

    def halt(self):
        """In order, as `poweroff` does."""
        if self._first is None:
            return
        os.kill(int(self._systemd()), signal.SIGRTMIN + 4)
        try:
            self._first.wait(60)
        except subprocess.TimeoutExpired:
            self._end_hard()
            raise
        self._after()

    def _end_hard(self):
        with open(f"{self._cgroup}/cgroup.kill", "w", encoding="ascii") as file:
            file.write("1")
        self._first.wait(20)
        self._after()

    def _after(self):
        self._first = None
        suite.eventually(self._cgroup_gone, 20, "its cgroup to be empty")

    def _cgroup_gone(self):
        for folder, _, _ in sorted(os.walk(self._cgroup), reverse=True):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True

    def end(self):
        if self._first is not None:
            self._end_hard()
        command("umount", self._cgroups)
        self._folder.cleanup()
